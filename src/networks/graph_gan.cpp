#include "halobrush/networks/graph_gan.hpp"

#include <Eigen/Eigenvalues>
#include <algorithm>
#include <cmath>

#include "halobrush/core/error.hpp"
#include "halobrush/core/random.hpp"
#include "tensor_algebra.hpp"

namespace halobrush::networks {
namespace {

Vec3 vector_at(const std::vector<double>& values, std::size_t index) {
  return {values[3 * index], values[3 * index + 1], values[3 * index + 2]};
}
Mat3 tensor_at(const std::vector<double>& values, std::size_t index) {
  return to_matrix(Eigen::Map<const Sym3>(values.data() + 6 * index));
}

std::int64_t input_numbers(const ModelSpec& spec) {
  const auto& n = spec.inputs;
  return static_cast<std::int64_t>(n.scalars.size() + 3 * n.polar.size() + 3 * n.axial.size() +
                                   6 * n.tensors.size());
}

// One galaxy's row of GroupBatch::inputs.
void append_inputs(const features::NodeFeatures& nodes, std::size_t row, const ModelSpec& spec,
                   const Mat3& frame, std::vector<double>& out) {
  const auto& names = spec.inputs;
  for (std::size_t k = 0; k < names.scalars.size(); ++k)
    out.push_back((nodes.scalars[row * names.scalars.size() + k] - spec.scalar_mean[k]) /
                  spec.scalar_deviation[k]);
  const auto append_vector = [&](const Vec3& v) { out.insert(out.end(), v.data(), v.data() + 3); };
  for (std::size_t k = 0; k < names.polar.size(); ++k)
    append_vector(frame.transpose() * vector_at(nodes.polar, row * names.polar.size() + k));
  for (std::size_t k = 0; k < names.axial.size(); ++k)
    append_vector(frame.transpose() * vector_at(nodes.axial, row * names.axial.size() + k));
  for (std::size_t k = 0; k < names.tensors.size(); ++k) {
    const Sym3 t =
        to_sym3(frame.transpose() * tensor_at(nodes.tensors, row * names.tensors.size() + k) * frame);
    out.insert(out.end(), t.data(), t.data() + 6);
  }
}

}  // namespace

Mat3 canonical_frame(const features::NodeFeatures& nodes, std::size_t row,
                     const features::FeatureNames& names) {
  Mat3 sum = Mat3::Zero();
  for (std::size_t k = 0; k < names.tensors.size(); ++k) {
    const double sign = names.tensors[k].starts_with("tidal_") ? -1 : 1;
    sum += sign * tensor_at(nodes.tensors, row * names.tensors.size() + k);
  }
  if (!names.polar.empty()) {
    const Vec3 v = vector_at(nodes.polar, row * names.polar.size()).stableNormalized();
    sum += 2 * v * v.transpose();
  }
  const Eigen::SelfAdjointEigenSolver<Mat3> axes(sum);
  Vec3 first = axes.eigenvectors().col(2), last = axes.eigenvectors().col(0);
  if (!names.axial.empty()) {
    const Vec3 j = vector_at(nodes.axial, row * names.axial.size());
    if (first.dot(j) < 0) first = -first;
    if (last.dot(j) < 0) last = -last;
  }
  Mat3 frame;
  frame << first, last.cross(first), last;
  return frame;
}

GroupBatch make_group_batch(const Inputs& inputs, const ModelSpec& spec, torch::TensorOptions options) {
  GroupBatch batch;
  batch.owned = static_cast<std::int64_t>(inputs.owned);
  std::vector<double> rows, displacement;
  for (std::size_t i = 0; i < inputs.owned; ++i) {
    batch.canonical.push_back(canonical_frame(inputs.nodes, i, spec.inputs));
    append_inputs(inputs.nodes, i, spec, batch.canonical.back(), rows);
  }
  for (std::size_t e = 0; e < inputs.group.size(); ++e) {
    const auto to = static_cast<std::size_t>(inputs.group.destination[e]);
    const Vec3 d = batch.canonical[to].transpose() *
                   (inputs.pos[static_cast<std::size_t>(inputs.group.source[e])] - inputs.pos[to]);
    displacement.insert(displacement.end(), d.data(), d.data() + 3);
  }
  const auto edges = static_cast<std::int64_t>(inputs.group.size());
  batch.inputs = as_tensor(rows, {batch.owned, input_numbers(spec)}, options);
  batch.source = as_index(inputs.group.source, options.device());
  batch.destination = as_index(inputs.group.destination, options.device());
  batch.displacement = as_tensor(displacement, {edges, 3}, options);
  const auto ones = torch::ones({edges, 1}, options);
  batch.inverse_neighbours = 1 / segment_sum(ones, batch.destination, batch.owned).clamp_min(1);
  return batch;
}

torch::Tensor directional(const torch::Tensor& h, const DirectionalLayer& layer, const GroupBatch& batch) {
  const auto q = torch::softmax(torch::mm(batch.displacement, layer.direction), 1);
  const auto shared = (q.unsqueeze(2) * gather(h, batch.source).unsqueeze(1)).flatten(1);
  const auto received = segment_sum(shared, batch.destination, batch.owned) * batch.inverse_neighbours;
  return torch::addmm(layer.bias, torch::cat({h, received}, 1), layer.weight);
}

DirectionalNetwork::DirectionalNetwork(std::string name, std::int64_t in, std::int64_t out,
                                       const GanShape& shape, std::uint64_t seed,
                                       torch::TensorOptions options)
    : name_(std::move(name)), depth_(shape.depth), seed_(seed), options_(options) {
  const std::int64_t directions = shape.directions;
  for (std::int64_t l = 0; l < depth_; ++l) {
    const auto layer = fmt::format("{}.{}", name_, l);
    const auto rows = l == 0 ? in : shape.width;
    declare(layer + ".weight", {(1 + directions) * rows, shape.width},
            1 / std::sqrt(static_cast<double>(rows)));
    declare(layer + ".bias", {shape.width}, 0);
    declare(layer + ".direction", {3, directions}, 1);
  }
  declare(name_ + ".out.weight", {shape.width, out}, 0.3 / std::sqrt(static_cast<double>(shape.width)));
  declare(name_ + ".out.bias", {out}, 0);
}

void DirectionalNetwork::declare(const std::string& name, std::vector<std::int64_t> shape, double deviation) {
  auto values = torch::empty(shape, torch::kFloat64);
  RandomStream random(seed_, static_cast<std::int64_t>(parameters_.size()), Purpose::weight_initialisation);
  auto* v = values.data_ptr<double>();
  for (std::int64_t i = 0; i < values.numel(); ++i) v[i] = deviation == 0 ? 0 : deviation * random.normal();
  parameters_.emplace_back(name, values.to(options_));
}

void DirectionalNetwork::load(const ModelFile& file, const std::string& path) {
  for (auto& [name, parameter] : parameters_) {
    const auto found = std::ranges::find(file.tensors, name, &NamedTensor::name);
    if (found == file.tensors.end() || found->shape != parameter.sizes().vec())
      throw model_error(
          "{}: tensor '{}' is absent or of another shape than the header's architecture; train the model "
          "again",
          path, name);
    parameter = torch::from_blob(const_cast<float*>(found->values.data()), found->shape, torch::kFloat32)
                    .to(options_, false, true);
  }
}

torch::Tensor DirectionalNetwork::operator()(torch::Tensor h, const GroupBatch& batch) const {
  for (std::int64_t l = 0; l < depth_; ++l) {
    const auto layer = fmt::format("{}.{}", name_, l);
    const auto y = torch::silu(directional(
        h, {tensor(layer + ".weight"), tensor(layer + ".bias"), tensor(layer + ".direction")}, batch));
    h = l == 0 ? y : h + y;
  }
  return torch::addmm(tensor(name_ + ".out.bias"), h, tensor(name_ + ".out.weight"));
}

const torch::Tensor& DirectionalNetwork::tensor(const std::string& name) const {
  for (const auto& [known, parameter] : parameters_)
    if (known == name) return parameter;
  throw internal_error("network: no parameter '{}'", name);
}

std::int64_t orientation_numbers(Orientation orientation) {
  return orientation == Orientation::spin ? 3 : 12;
}

torch::Tensor critic_view(Orientation orientation, const torch::Tensor& major, const torch::Tensor& minor,
                          const torch::Tensor& labels) {
  if (orientation == Orientation::spin) return torch::cat({minor, labels}, 1);
  const auto frobenius =
      torch::tensor({1.0, 1.0, 1.0, std::sqrt(2.0), std::sqrt(2.0), std::sqrt(2.0)}, torch::kFloat64)
          .to(major.options());
  return torch::cat({outer(major) * frobenius, outer(minor) * frobenius, labels}, 1);
}

Generator::Generator(const ModelSpec& spec, std::uint64_t seed, torch::TensorOptions options)
    : network_("generator",
               input_numbers(spec) + axis_numbers + static_cast<std::int64_t>(spec.labels.size()),
               axis_numbers + static_cast<std::int64_t>(spec.labels.size()), spec.gan, seed, options) {}

Generated Generator::operator()(const torch::Tensor& noise, const GroupBatch& batch) const {
  const auto y = noise + network_(torch::cat({batch.inputs, noise}, 1), batch);
  const auto unit = [](const torch::Tensor& v) { return v / torch::sqrt((v * v).sum(1, true) + 1e-12); };
  const auto major = unit(y.slice(1, 0, 3));
  const auto second = y.slice(1, 3, 6);
  return {major, unit(second - (second * major).sum(1, true) * major), y.slice(1, axis_numbers)};
}

Critic::Critic(const ModelSpec& spec, std::uint64_t seed, torch::TensorOptions options)
    : network_("critic",
               input_numbers(spec) + orientation_numbers(spec.orientation) +
                   static_cast<std::int64_t>(spec.labels.size()),
               1, spec.gan, seed, options) {}

torch::Tensor Critic::operator()(const torch::Tensor& view, const GroupBatch& batch) const {
  return network_(torch::cat({batch.inputs, view}, 1), batch);
}

torch::Tensor noise_of(std::span<const std::int64_t> id, std::int64_t numbers, std::uint64_t seed,
                       Purpose purpose, std::uint32_t step, torch::TensorOptions options) {
  std::vector<double> values;
  for (const auto galaxy : id) {
    RandomStream random(seed, galaxy, purpose, step);
    for (std::int64_t k = 0; k < numbers; ++k) values.push_back(random.normal());
  }
  return as_tensor(values, {static_cast<std::int64_t>(id.size()), numbers}, options);
}

}  // namespace halobrush::networks
