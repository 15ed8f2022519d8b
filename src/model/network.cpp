#include "halobrush/model/network.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "halobrush/core/error.hpp"
#include "halobrush/core/random.hpp"

namespace halobrush::model {
namespace {

using torch::Tensor;

constexpr std::int64_t copies = 4;          // elements of D2
constexpr std::int64_t level_features = 9;  // of the noise level
constexpr std::int64_t edge_basis = 8;      // radial functions
constexpr std::int64_t pair_tensors = 3;    // a a^T and c c^T of the neighbour, d d^T of the separation
constexpr double message_share = 0.5;       // width of messages relative to the trunk

// The sign of each D2 element on a quantity that turns like 1, x, y or z: D2 = {1, diag(1,-1,-1),
// diag(-1,1,-1), diag(-1,-1,1)}, numbered so that the product of elements g and h is g xor h.
enum Character { invariant, like_x, like_y, like_z };
constexpr double sign_of[4][4] = {{1, 1, 1, 1}, {1, 1, -1, -1}, {1, -1, 1, -1}, {1, -1, -1, 1}};
const std::vector<int> vector_characters = {like_x, like_y, like_z};
const std::vector<int> tensor_characters = {invariant, invariant, invariant,
                                            like_z,    like_y,    like_x};  // xx yy zz xy xz yz

void append(std::vector<int>& to, const std::vector<int>& pattern, std::int64_t times) {
  for (std::int64_t i = 0; i < times; ++i) to.insert(to.end(), pattern.begin(), pattern.end());
}

std::vector<int> node_characters(const ModelSpec& spec) {
  std::vector<int> c;
  append(c, {invariant}, level_features + static_cast<std::int64_t>(spec.labels.size()));
  append(c, vector_characters, spec.channels);
  append(c, tensor_characters, spec.channels);
  return c;
}

std::vector<int> pair_characters(const ModelSpec& spec) {
  std::vector<int> c;
  append(c, {invariant}, level_features + 2 * static_cast<std::int64_t>(spec.labels.size()) + 2);
  append(c, tensor_characters, pair_tensors);
  return c;
}

std::int64_t message_width(const ModelSpec& spec) {
  return std::max<std::int64_t>(
      1, static_cast<std::int64_t>(message_share * static_cast<double>(spec.denoiser_width)));
}

Tensor gather(const Tensor& rows, const Tensor& index) {
  return rows.index_select(0, index);
}

// Edges are sorted by destination, so the order of summation does not depend on anything but the graph.
Tensor segment_sum(const Tensor& values, const Tensor& destination, std::int64_t rows) {
  auto shape = values.sizes().vec();
  shape[0] = rows;
  return torch::zeros(shape, values.options()).index_add(0, destination, values);
}

Tensor component(const Tensor& t, std::int64_t k) {
  return t.select(-1, k);
}

// Symmetric tensors are stored as xx yy zz xy xz yz.
Tensor outer(const Tensor& v) {
  const auto x = component(v, 0), y = component(v, 1), z = component(v, 2);
  return torch::stack({x * x, y * y, z * z, x * y, x * z, y * z}, -1);
}

Tensor traceless(const Tensor& t) {
  const auto trace = t.slice(-1, 0, 3).mean(-1, true);
  return torch::cat({t.slice(-1, 0, 3) - trace, t.slice(-1, 3, 6)}, -1);
}

Tensor tensor_square(const Tensor& t) {
  const auto xx = component(t, 0), yy = component(t, 1), zz = component(t, 2);
  const auto xy = component(t, 3), xz = component(t, 4), yz = component(t, 5);
  return torch::stack({xx * xx + xy * xy + xz * xz, xy * xy + yy * yy + yz * yz, xz * xz + yz * yz + zz * zz,
                       xx * xy + xy * yy + xz * yz, xx * xz + xy * yz + xz * zz, xy * xz + yy * yz + yz * zz},
                      -1);
}

Tensor contract(const Tensor& s, const Tensor& t) {
  return (s.slice(-1, 0, 3) * t.slice(-1, 0, 3)).sum(-1) +
         2 * (s.slice(-1, 3, 6) * t.slice(-1, 3, 6)).sum(-1);
}

Tensor cross_product(const Tensor& a, const Tensor& b) {
  const auto ax = component(a, 0), ay = component(a, 1), az = component(a, 2);
  const auto bx = component(b, 0), by = component(b, 1), bz = component(b, 2);
  return torch::stack({ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx}, -1);
}

// Direction without length, smooth through zero.
Tensor direction(const Tensor& v) {
  return v / torch::sqrt((v * v).sum(-1, true) + 1e-4);
}
Tensor tensor_direction(const Tensor& t) {
  return t / torch::sqrt(contract(t, t).unsqueeze(-1) + 1e-4);
}

// Length limited to `longest`, direction kept: products of channels then cannot run away from layer to layer.
constexpr double longest = 3;
Tensor bounded(const Tensor& v) {
  return v / torch::sqrt(1 + (v * v).sum(-1, true) / (longest * longest));
}
Tensor bounded_tensor(const Tensor& t) {
  return t / torch::sqrt(1 + contract(t, t).unsqueeze(-1) / (longest * longest));
}

// Channels mix; components do not: [n, in, c] x [in, out] -> [n, out, c].
Tensor mix(const Tensor& x, const Tensor& weight) {
  return torch::matmul(x.transpose(1, 2), weight).transpose(1, 2);
}

// A smooth basis that vanishes, with its first derivative, at the linking radius: a galaxy that crosses it
// changes nothing at once.
Tensor radial_basis(const Tensor& distance) {
  const auto k = torch::arange(1, edge_basis + 1, distance.options()) * std::numbers::pi;
  const auto envelope = torch::square(1 - torch::square(distance).clamp_max(1));
  return torch::sin(k * distance) / (distance + 1e-3) * envelope;
}

Tensor level_embedding(const Tensor& level) {
  const auto c = 2 * level - 1;
  std::vector<Tensor> parts = {1.7 * c};
  for (int k = 1; k <= 4; ++k) {
    parts.push_back(torch::sin(0.5 * std::numbers::pi * k * c));
    parts.push_back(torch::cos(0.5 * std::numbers::pi * k * c));
  }
  return torch::cat(parts, 1);
}

// Row-vector form of T -> R^T T R on six components: t' = t Q, Q [6, 6].
void tensor_frame_change(const Mat3& r, double* q) {
  static constexpr int first[6] = {0, 1, 2, 0, 0, 1}, second[6] = {0, 1, 2, 1, 2, 2};
  for (int p = 0; p < 6; ++p)
    for (int s = 0; s < 6; ++s) {
      const int i = first[p], j = second[p], a = first[s], b = second[s];
      q[6 * p + s] = i == j ? r(i, a) * r(i, b) : r(i, a) * r(j, b) + r(j, a) * r(i, b);
    }
}

// Frames [n,3,3] as matrices that act on row vectors: v' = v R, and Q [n,6,6] for tensors.
std::pair<Tensor, Tensor> frame_changes(const std::vector<Mat3>& frames,
                                        const torch::TensorOptions& options) {
  const auto n = static_cast<std::int64_t>(frames.size());
  auto vectors = torch::empty({n, 3, 3}, torch::kFloat64), tensors = torch::empty({n, 6, 6}, torch::kFloat64);
  auto *v = vectors.data_ptr<double>(), *t = tensors.data_ptr<double>();
  for (std::size_t i = 0; i < frames.size(); ++i) {
    for (int row = 0; row < 3; ++row)
      for (int column = 0; column < 3; ++column)
        v[9 * i + 3 * static_cast<std::size_t>(row) + static_cast<std::size_t>(column)] =
            frames[i](row, column);
    tensor_frame_change(frames[i], t + 36 * i);
  }
  return {vectors.to(options), tensors.to(options)};
}

void put_outer(const Vec3& v, double* out) {
  out[0] = v[0] * v[0], out[1] = v[1] * v[1], out[2] = v[2] * v[2];
  out[3] = v[0] * v[1], out[4] = v[0] * v[2], out[5] = v[1] * v[2];
}

// The neighbour's major and minor axis and the separation in the receiver's frame, as tensors (signs do not
// matter).
Tensor pair_features(const Batch& batch, const std::vector<Mat3>& frames,
                     const torch::TensorOptions& options) {
  const auto edges = batch.group_source.size(0);
  auto features = torch::empty({edges, 6 * pair_tensors}, torch::kFloat64);
  const auto source = batch.group_source.cpu(), destination = batch.group_destination.cpu();
  const auto *s = source.data_ptr<std::int64_t>(), *d = destination.data_ptr<std::int64_t>();
  auto* out = features.data_ptr<double>();
  for (std::int64_t e = 0; e < edges; ++e, out += 6 * pair_tensors) {
    const Mat3& to = frames[static_cast<std::size_t>(d[e])];
    const Mat3& from = frames[static_cast<std::size_t>(s[e])];
    put_outer(to.transpose() * from.col(0), out);
    put_outer(to.transpose() * from.col(2), out + 6);
    put_outer(to.transpose() * batch.group_direction[static_cast<std::size_t>(e)], out + 12);
  }
  return features.to(options);
}

Tensor as_tensor(const std::vector<double>& values, std::vector<std::int64_t> shape,
                 const torch::TensorOptions& options) {
  return torch::from_blob(const_cast<double*>(values.data()), shape, torch::kFloat64)
      .to(options, false, true);
}

Tensor as_index(const std::vector<std::int64_t>& values, torch::Device device) {
  return torch::from_blob(const_cast<std::int64_t*>(values.data()),
                          {static_cast<std::int64_t>(values.size())}, torch::kInt64)
      .clone()
      .to(device);
}

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
  std::vector<double> distance;
  for (std::size_t e = 0; e < edges.size(); ++e) {
    const Vec3 d = inputs.pos[static_cast<std::size_t>(edges.source[e])] -
                   inputs.pos[static_cast<std::size_t>(edges.destination[e])];
    const double r = d.norm();
    batch.group_direction.push_back(r > 0 ? Vec3(d / r) : Vec3::Zero());
    distance.push_back(std::log10(r + 0.01));
  }
  batch.group_source = as_index(edges.source, options.device());
  batch.group_destination = as_index(edges.destination, options.device());
  batch.group_distance = as_tensor(distance, {static_cast<std::int64_t>(edges.size()), 1}, options);
}

}  // namespace

torch::Tensor dense(const torch::Tensor& x, const Dense& layer, Activation activation) {
  const auto y = torch::addmm(layer.bias, x, layer.weight);
  return activation == Activation::silu ? torch::silu(y) : y;
}

Needs needs_of(const ModelSpec& spec) {
  return {spec.inputs, spec.radius, spec.layers, static_cast<std::size_t>(spec.group_neighbours)};
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

Network::Network(const ModelSpec& spec, std::uint64_t seed, torch::TensorOptions options)
    : spec_(spec), options_(options), seed_(seed) {
  declare();
}

Network::Network(const ModelFile& file, const std::string& path, torch::TensorOptions options)
    : Network(file.spec, 0, options) {
  for (auto& [name, parameter] : parameters_) {
    const auto found = std::ranges::find(file.tensors, name, &NamedTensor::name);
    if (found == file.tensors.end())
      throw model_error(
          "{}: tensor '{}' is absent (not the architecture that the header states); train the model again",
          path, name);
    if (found->shape != parameter.sizes().vec())
      throw model_error(
          "{}: tensor '{}' has another shape than the header's architecture; train the model again", path,
          name);
    parameter = torch::from_blob(const_cast<float*>(found->values.data()), found->shape, torch::kFloat32)
                    .to(options_, false, true);
  }
}

std::vector<NamedTensor> Network::to_file() const {
  std::vector<NamedTensor> tensors;
  for (const auto& [name, parameter] : parameters_) {
    const auto flat = parameter.detach().to(torch::kCPU, torch::kFloat32).contiguous();
    const auto* values = flat.data_ptr<float>();
    tensors.push_back({name, parameter.sizes().vec(), {values, values + flat.numel()}});
  }
  return tensors;
}

void Network::declare_tensor(const std::string& name, std::vector<std::int64_t> shape, double gain) {
  auto values = torch::empty(shape, torch::kFloat64);
  RandomStream random(seed_, static_cast<std::int64_t>(parameters_.size()), Purpose::weight_initialisation);
  auto* v = values.data_ptr<double>();
  for (std::int64_t i = 0; i < values.numel(); ++i) v[i] = gain == 0 ? 0 : gain * random.normal();
  parameters_.emplace_back(name, values.to(options_));
}

void Network::declare_dense(const std::string& name, std::int64_t in, std::int64_t out, double gain) {
  declare_tensor(name + ".weight", {in, out},
                 gain / std::sqrt(static_cast<double>(std::max<std::int64_t>(in, 1))));
  declare_tensor(name + ".bias", {out}, 0);
}

void Network::declare() {
  const auto count = [](const std::vector<std::string>& names) {
    return static_cast<std::int64_t>(names.size());
  };
  const std::int64_t scalars = count(spec_.inputs.scalars), polar = count(spec_.inputs.polar);
  const std::int64_t axial = count(spec_.inputs.axial), tensors = count(spec_.inputs.tensors);
  const std::int64_t width = spec_.encoder_width, k = spec_.channels,
                     labels = static_cast<std::int64_t>(spec_.labels.size());
  const auto mixing = [&](const std::string& name, std::int64_t in, std::int64_t out) {
    declare_tensor(name, {in, out}, 1 / std::sqrt(static_cast<double>(std::max<std::int64_t>(in, 1))));
  };

  declare_dense("encoder.in", scalars + polar + axial + 2 * tensors, width);
  mixing("encoder.in.polar", polar, k);
  mixing("encoder.in.axial", axial, k);
  mixing("encoder.in.tensors", 3 * tensors, k);
  for (std::int64_t l = 0; l < spec_.layers; ++l) {
    const std::string name = fmt::format("encoder.{}", l);
    declare_dense(name + ".message", 2 * width + edge_basis + 4 * k, width);
    declare_dense(name + ".gates", width, 6 * k);
    declare_dense(name + ".update", 2 * width + 4 * k, width);
    declare_dense(name + ".scale", width, 3 * k, 0.1);
  }
  declare_dense("encoder.out", width + 4 * k, width);
  declare_dense("encoder.out.gates", width, 6 * k, 0.5);
  mixing("encoder.out.axial", 2 * k, k);
  mixing("encoder.out.tensors", 4 * k, k);

  const std::int64_t w = spec_.denoiser_width, m = message_width(spec_);
  declare_dense("denoiser.environment", width, w);
  declare_dense("denoiser.node", static_cast<std::int64_t>(node_characters(spec_).size()), w);
  declare_dense("denoiser.pair.source", width, m);
  declare_dense("denoiser.pair.destination", width, m);
  declare_dense("denoiser.pair", static_cast<std::int64_t>(pair_characters(spec_).size()), m);
  const auto symmetric_layer = [&](const std::string& name, std::int64_t in, std::int64_t out) {
    declare_tensor(name + ".kernel", {copies, in, out}, 1 / std::sqrt(static_cast<double>(copies * in)));
    declare_tensor(name + ".bias", {out}, 0);
  };
  symmetric_layer("denoiser.message", m, m);
  symmetric_layer("denoiser.gather", m, w);
  for (std::int64_t l = 0; l < spec_.denoiser_depth; ++l)
    symmetric_layer(fmt::format("denoiser.{}", l), w, w);
  declare_dense("denoiser.out", w, 3 + labels, 0.1);
}

const torch::Tensor& Network::tensor(const std::string& name) const {
  for (const auto& [known, parameter] : parameters_)
    if (known == name) return parameter;
  throw internal_error("network: no parameter '{}'", name);
}

Dense Network::layer(const std::string& name) const {
  return {tensor(name + ".weight"), tensor(name + ".bias")};
}

// First layer: copy g of the hidden features sees the input transformed by g.
Dense Network::lifted(const std::string& name, const std::vector<int>& character) const {
  const auto& weight = tensor(name + ".weight");
  std::vector<Tensor> blocks;
  for (int g = 0; g < copies; ++g) {
    std::vector<double> signs;
    for (const int c : character) signs.push_back(sign_of[c][g]);
    blocks.push_back(weight *
                     as_tensor(signs, {static_cast<std::int64_t>(signs.size()), 1}, weight.options()));
  }
  return {torch::cat(blocks, 1), tensor(name + ".bias").repeat({copies})};
}

// Hidden layer: block (g, h) is kernel[g h], which commutes with every permutation of copies by an element of
// D2.
Dense Network::symmetric(const std::string& name) const {
  const auto& kernel = tensor(name + ".kernel");
  std::vector<Tensor> rows;
  for (int g = 0; g < copies; ++g) {
    std::vector<Tensor> row;
    for (int h = 0; h < copies; ++h) row.push_back(kernel[g ^ h]);
    rows.push_back(torch::cat(row, 1));
  }
  return {torch::cat(rows, 0), tensor(name + ".bias").repeat({copies})};
}

// Last layer: the three components of the score turn like x, y and z, the labels not at all.
Dense Network::projected(const std::string& name) const {
  const auto& weight = tensor(name + ".weight");
  auto bias = tensor(name + ".bias");
  std::vector<Tensor> rows;
  for (int g = 0; g < copies; ++g) {
    std::vector<double> signs(static_cast<std::size_t>(weight.size(1)), 1.0);
    for (int axis = 0; axis < 3; ++axis) signs[static_cast<std::size_t>(axis)] = sign_of[like_x + axis][g];
    rows.push_back(weight * as_tensor(signs, {1, weight.size(1)}, weight.options()));
  }
  const auto score_has_no_bias =
      torch::cat({torch::zeros({3}, bias.options()), torch::ones({bias.size(0) - 3}, bias.options())});
  return {torch::cat(rows, 0) / static_cast<double>(copies), bias * score_has_no_bias};
}

Environment Network::encode(const Batch& batch) const {
  const auto n = batch.scalars.size(0), k = spec_.channels;
  const auto norm = [](const Tensor& v) { return torch::sqrt((v * v).sum(-1) + 1e-6); };
  const auto shape = tensor_direction(batch.tensors);
  const auto cubed = contract(tensor_square(shape), shape);

  auto h = dense(torch::cat({batch.scalars, norm(batch.polar), norm(batch.axial),
                             torch::sqrt(contract(batch.tensors, batch.tensors) + 1e-6), cubed},
                            1),
                 layer("encoder.in"), Activation::silu);
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
          bounded_tensor(mix(even_tensors, tensor("encoder.out.tensors")))};
}

Denoiser Network::denoiser(const Batch& batch, const Environment& environment) const {
  Denoiser d;
  d.batch_ = &batch;
  d.axial_ = environment.axial;
  d.tensors_ = environment.tensors;
  d.node_environment_ = dense(environment.scalars, layer("denoiser.environment")).repeat({1, copies});
  const auto from = dense(environment.scalars, layer("denoiser.pair.source"));
  const auto to = dense(environment.scalars, layer("denoiser.pair.destination"));
  d.edge_environment_ =
      (gather(from, batch.group_source) + gather(to, batch.group_destination)).repeat({1, copies});
  d.node_ = lifted("denoiser.node", node_characters(spec_));
  d.message_ = lifted("denoiser.pair", pair_characters(spec_));
  d.message_hidden_ = symmetric("denoiser.message");
  d.gather_ = symmetric("denoiser.gather");
  for (std::int64_t l = 0; l < spec_.denoiser_depth; ++l)
    d.hidden_.push_back(symmetric(fmt::format("denoiser.{}", l)));
  d.out_ = projected("denoiser.out");
  const auto ones = torch::ones({batch.group_source.size(0), 1}, options_);
  d.inverse_neighbours_ = 1 / segment_sum(ones, batch.group_destination, batch.owned).clamp_min(1);
  return d;
}

Denoised Denoiser::operator()(const std::vector<Mat3>& frames, const torch::Tensor& scalars,
                              const torch::Tensor& level) const {
  const auto n = batch_->owned;
  const auto options = scalars.options();
  const auto embedding = level_embedding(level);
  const auto [to_frame, tensors_to_frame] = frame_changes(frames, options);
  const auto vectors = torch::bmm(axial_, to_frame).flatten(1);
  const auto tensors = torch::bmm(tensors_, tensors_to_frame).flatten(1);
  auto z = dense(torch::cat({embedding, scalars, vectors, tensors}, 1), node_) + node_environment_;

  const auto &source = batch_->group_source, &destination = batch_->group_destination;
  const auto pair =
      torch::cat({gather(embedding, destination), gather(scalars, source), gather(scalars, destination),
                  batch_->group_distance, torch::square(batch_->group_distance),
                  pair_features(*batch_, frames, options)},
                 1);
  const auto message =
      dense(torch::silu(dense(pair, message_) + edge_environment_), message_hidden_, Activation::silu);
  z = z + dense(segment_sum(message, destination, n) * inverse_neighbours_, gather_);
  z = torch::silu(z);
  for (const auto& layer : hidden_) z = z + dense(z, layer, Activation::silu);
  const auto out = dense(z, out_);
  return {out.slice(1, 0, 3), out.slice(1, 3)};
}

}  // namespace halobrush::model
