#include <cmath>

#include "halobrush/networks/network.hpp"
#include "tensor_algebra.hpp"

namespace halobrush::networks {
namespace {

void put_environment_edges(const Inputs& inputs, double radius, const torch::TensorOptions& options,
                           Batch& batch) {
  const auto& edges = inputs.environment;
  std::vector<double> direction, distance;
  for (std::size_t e = 0; e < edges.size(); ++e) {
    const Vec3 d = inputs.pos[static_cast<std::size_t>(edges.source[e])] -
                   inputs.pos[static_cast<std::size_t>(edges.destination[e])];
    const double r = d.norm();
    const Vec3 unit = r > 0 ? Vec3(d / r) : Vec3::Zero();
    direction.insert(direction.end(), {unit[0], unit[1], unit[2]});
    distance.push_back(r / radius);
  }
  const auto n = static_cast<std::int64_t>(edges.size());
  batch.edge_source = as_index(edges.source, options.device());
  batch.edge_destination = as_index(edges.destination, options.device());
  batch.edge_direction = as_tensor(direction, {n, 3}, options);
  batch.edge_distance = as_tensor(distance, {n, 1}, options);
}

void put_group_edges(const Inputs& inputs, const torch::TensorOptions& options, Batch& batch) {
  const auto& edges = inputs.group;
  std::vector<double> direction, distance;
  for (std::size_t e = 0; e < edges.size(); ++e) {
    const Vec3 d = inputs.pos[static_cast<std::size_t>(edges.source[e])] -
                   inputs.pos[static_cast<std::size_t>(edges.destination[e])];
    const double r = d.norm();
    const Vec3 unit = r > 0 ? Vec3(d / r) : Vec3::Zero();
    direction.insert(direction.end(), {unit[0], unit[1], unit[2]});
    distance.push_back(std::log10(r + 0.01));
  }
  batch.group_source = as_index(edges.source, options.device());
  batch.group_destination = as_index(edges.destination, options.device());
  const auto n = static_cast<std::int64_t>(edges.size());
  batch.group_distance = as_tensor(distance, {n, 1}, options);
  batch.group_direction = as_tensor(direction, {n, 3}, options);
}

// Copy k of the edges joins copy k of the rows.
torch::Tensor repeated_index(const torch::Tensor& index, std::int64_t rows, std::int64_t times) {
  const auto first_row = torch::arange(times, index.options()).unsqueeze(1) * rows;
  return (index.unsqueeze(0) + first_row).flatten();
}

}  // namespace

Batch Batch::repeated(std::int64_t times) const {
  Batch out;
  out.owned = owned * times;
  out.group_source = repeated_index(group_source, owned, times);
  out.group_destination = repeated_index(group_destination, owned, times);
  out.group_distance = group_distance.repeat({times, 1});
  out.group_direction = group_direction.repeat({times, 1});
  return out;
}

Environment Environment::repeated(std::int64_t times) const {
  return {scalars.repeat({times, 1}), axial.repeat({times, 1, 1}), tensors.repeat({times, 1, 1}),
          own.repeat({times, 1})};
}

Batch make_batch(const Inputs& inputs, const ModelSpec& spec, torch::TensorOptions options) {
  const auto& f = inputs.nodes;
  const auto n = static_cast<std::int64_t>(f.nodes);
  const auto columns = [&](const std::vector<std::string>& names) {
    return static_cast<std::int64_t>(names.size());
  };
  Batch batch;
  batch.owned = static_cast<std::int64_t>(inputs.owned);
  const auto wide = torch::TensorOptions().dtype(torch::kFloat64);
  const auto scalars = as_tensor(f.scalars, {n, columns(spec.inputs.scalars)}, wide);
  const auto mean = as_tensor(spec.scalar_mean, {1, columns(spec.inputs.scalars)}, wide);
  const auto deviation = as_tensor(spec.scalar_deviation, {1, columns(spec.inputs.scalars)}, wide);
  batch.scalars = ((scalars - mean) / deviation).to(options);
  batch.polar = as_tensor(f.polar, {n, columns(spec.inputs.polar), 3}, options);
  batch.axial = as_tensor(f.axial, {n, columns(spec.inputs.axial), 3}, options);
  batch.tensors = as_tensor(f.tensors, {n, columns(spec.inputs.tensors), 6}, options);
  put_environment_edges(inputs, spec.radius, options, batch);
  put_group_edges(inputs, options, batch);
  return batch;
}

}  // namespace halobrush::networks
