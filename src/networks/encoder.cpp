#include <fmt/format.h>

#include <numbers>

#include "halobrush/networks/network.hpp"
#include "symmetry.hpp"
#include "tensor_algebra.hpp"

namespace halobrush::networks {
namespace {

// A smooth basis that vanishes, with its first derivative, at the linking radius: a galaxy that crosses it
// changes nothing at once.
Tensor radial_basis(const Tensor& distance) {
  const auto k = torch::arange(1, edge_basis + 1, distance.options()) * std::numbers::pi;
  const auto envelope = torch::square(1 - torch::square(distance).clamp_max(1));
  return torch::sin(k * distance) / (distance + 1e-3) * envelope;
}

}  // namespace

Environment Network::encode(const Batch& batch) const {
  const auto n = batch.scalars.size(0), k = spec_.channels;
  const auto norm = [](const Tensor& v) { return torch::sqrt((v * v).sum(-1) + 1e-6); };
  const auto shape = tensor_direction(batch.tensors);
  const auto cubed = contract(tensor_square(shape), shape);

  const auto own = torch::cat({batch.scalars, norm(batch.polar), norm(batch.axial),
                               torch::sqrt(contract(batch.tensors, batch.tensors) + 1e-6), cubed},
                              1);
  auto h = dense(own, layer("encoder.in"), Activation::silu);
  auto polar = mix(direction(batch.polar), tensor("encoder.in.polar"));
  auto axial = mix(direction(batch.axial), tensor("encoder.in.axial"));
  auto tensors = mix(torch::cat({batch.tensors, shape, traceless(tensor_square(shape))}, 1),
                     tensor("encoder.in.tensors"));
  const auto invariants = [&] {
    return torch::asinh(torch::cat({(polar * polar).sum(-1), (axial * axial).sum(-1),
                                    contract(tensors, tensors), contract(tensors, outer(polar))},
                                   1));
  };

  const auto basis = radial_basis(batch.edge_distance);
  const auto envelope = torch::square(1 - torch::square(batch.edge_distance).clamp_max(1));
  const auto unit = batch.edge_direction.unsqueeze(1);  // [E, 1, 3], from destination to source
  const auto unit_tensor = traceless(outer(unit));
  const auto &source = batch.edge_source, &destination = batch.edge_destination;
  for (std::int64_t l = 0; l < spec_.layers; ++l) {
    const std::string name = fmt::format("encoder.{}", l);
    const auto along = [&](const Tensor& v, const Tensor& t, const Tensor& at) {
      return torch::cat({(gather(v, at) * unit).sum(-1), contract(gather(t, at), unit_tensor)}, 1);
    };
    const auto message = dense(torch::cat({gather(h, source), gather(h, destination), basis,
                                           along(polar, tensors, source), along(polar, tensors, destination)},
                                          1),
                               layer(name + ".message"), Activation::silu) *
                         envelope;
    const auto gates =
        torch::matmul(message, tensor(name + ".gates.weight")).view({message.size(0), 6, k, 1});
    const auto gate = [&](int i) { return gates.select(1, i); };
    const auto from_polar = gather(polar, source);
    const auto sum = [&](const Tensor& values) { return 0.2 * segment_sum(values, destination, n); };
    const auto polar_sum = sum(gate(0) * unit + gate(1) * from_polar);
    const auto axial_sum = sum(gate(2) * gather(axial, source) +
                               gate(3) * cross_product(unit.expand_as(from_polar), from_polar));
    const auto tensor_sum = sum(gate(4) * unit_tensor + gate(5) * gather(tensors, source));
    h = h + dense(torch::cat({h, sum(message), invariants()}, 1), layer(name + ".update"), Activation::silu);
    const auto scale = (1 + dense(h, layer(name + ".scale"))).view({n, 3, k, 1});
    polar = bounded(polar + scale.select(1, 0) * polar_sum);
    axial = bounded(axial + scale.select(1, 1) * axial_sum);
    tensors = bounded_tensor(tensors + scale.select(1, 2) * tensor_sum);
  }

  const auto owned = [&](const Tensor& t) { return t.slice(0, 0, batch.owned); };
  h = owned(h), polar = owned(polar), axial = owned(axial), tensors = owned(tensors);
  h = dense(torch::cat({h, invariants()}, 1), layer("encoder.out"), Activation::silu);
  const auto gates = (1 + dense(h, layer("encoder.out.gates"))).view({batch.owned, 6, k, 1});
  const auto gate = [&](int i) { return gates.select(1, i); };
  const auto turned = torch::roll(polar, 1, 1);  // another channel, so that the cross product is not zero
  const auto even_axial = torch::cat({gate(0) * axial, gate(1) * cross_product(polar, turned)}, 1);
  const auto even_tensors =
      torch::cat({gate(2) * tensors, gate(3) * traceless(tensor_square(tensor_direction(tensors))),
                  gate(4) * traceless(outer(direction(polar))), gate(5) * traceless(outer(direction(axial)))},
                 1);
  return {h, bounded(mix(even_axial, tensor("encoder.out.axial"))),
          bounded_tensor(mix(even_tensors, tensor("encoder.out.tensors"))), owned(own)};
}

}  // namespace halobrush::networks
