#include <ATen/CPUGeneratorImpl.h>
#include <fmt/format.h>

#include <numbers>

#include "halobrush/networks/network.hpp"
#include "symmetry.hpp"
#include "tensor_algebra.hpp"

namespace halobrush::networks {
namespace {

Tensor level_embedding(const Tensor& level) {
  const auto c = 2 * level - 1;
  std::vector<Tensor> parts = {1.7 * c};
  for (int k = 1; k <= 4; ++k) {
    parts.push_back(torch::sin(0.5 * std::numbers::pi * k * c));
    parts.push_back(torch::cos(0.5 * std::numbers::pi * k * c));
  }
  return torch::cat(parts, 1);
}

constexpr double sum_scale = 0.25;  // groups of some four neighbours: sums of order one

// Vectors by rows, [n, k, 3], in each galaxy's frame: v R is the row of R^T v.
Tensor in_frame(const Tensor& rows, const Tensor& frames) {
  return torch::bmm(rows, frames);
}

// Six components of R^T T R; `matrices` [n, 3 k, 3] holds k symmetric matrices by rows.
Tensor tensors_in_frame(const Tensor& matrices, const Tensor& frames) {
  const auto n = frames.size(0), k = matrices.size(1) / 3;
  const auto half = torch::bmm(matrices, frames).view({n, k, 3, 3}).transpose(2, 3).reshape({n, 3 * k, 3});
  return six_components(torch::bmm(half, frames).view({n, k, 3, 3}));
}

// The pair in the receiver's frame: the separation, and the neighbour's axes.
Tensor pair_geometry(const Tensor& direction, const Tensor& to, const Tensor& from, Symmetry symmetry) {
  const auto separation = outer(torch::bmm(direction.unsqueeze(1), to).squeeze(1));
  const auto axes = torch::bmm(from.transpose(1, 2), to);  // rows: the neighbour's axes
  const auto major = axes.select(1, 0), last = axes.select(1, 2);
  return torch::cat({separation, outer(last), symmetry == Symmetry::d2 ? outer(major) : last}, 1);
}

}  // namespace

// Features left out at random, the same in all copies of the symmetry; the others grow so that the mean
// stays.
class Thinning {
 public:
  explicit Thinning(Dropout dropout) : rate_(dropout.rate) {
    if (rate_ > 0) generator_ = at::make_generator<at::CPUGeneratorImpl>(dropout.seed);
  }
  Tensor operator()(const Tensor& features, std::int64_t copies) {
    if (!(rate_ > 0)) return features;
    const auto width = features.size(1) / copies;
    const auto kept = torch::empty({features.size(0), width}).bernoulli_(1 - rate_, generator_) / (1 - rate_);
    return features * kept.to(features.options()).repeat({1, copies});
  }

 private:
  double rate_;
  at::Generator generator_;
};

Denoiser Network::denoiser(const Batch& batch, const Environment& environment, Dropout dropout) const {
  Denoiser d;
  d.dropout_ = dropout;
  d.symmetry_ = symmetry_of(spec_.orientation);
  const auto order = copies(d.symmetry_);
  const auto symmetric_layer = [&](const std::string& name) {
    return symmetric(tensor(name + ".kernel"), tensor(name + ".bias"), d.symmetry_);
  };
  d.owned_ = batch.owned;
  d.source_ = batch.group_source;
  d.destination_ = batch.group_destination;
  d.distance_ = batch.group_distance;
  d.direction_ = batch.group_direction;
  d.axial_ = environment.axial;
  d.tensors_ = matrices_of(environment.tensors).flatten(1, 2);
  d.node_environment_ = dense(environment.scalars, layer("denoiser.environment")).repeat({1, order});
  const auto from = dense(environment.scalars, layer("denoiser.pair.source"));
  const auto to = dense(environment.scalars, layer("denoiser.pair.destination"));
  d.edge_environment_ = (gather(from, d.source_) + gather(to, d.destination_)).repeat({1, order});
  d.node_ = lifted(layer("denoiser.node"), node_characters(spec_), d.symmetry_);
  d.message_ = lifted(layer("denoiser.pair"), pair_characters(spec_), d.symmetry_);
  d.message_hidden_ = symmetric_layer("denoiser.message");
  d.gather_ = symmetric_layer("denoiser.gather");
  for (std::int64_t l = 0; l < spec_.denoiser_depth; ++l)
    d.hidden_.push_back(symmetric_layer(fmt::format("denoiser.{}", l)));
  if (spec_.noise.labels_first) {
    d.alone_ = {dense(environment.own, layer("labels.own")), layer("labels.in"), layer("labels.out"), {}};
    for (std::int64_t l = 0; l < spec_.denoiser_depth; ++l)
      d.alone_->blocks.push_back(
          {layer(fmt::format("labels.{}.up", l)), layer(fmt::format("labels.{}.down", l))});
  }
  d.out_ = projected(layer("denoiser.out"), d.symmetry_);
  const auto ones = torch::ones({d.source_.size(0), 1}, options_);
  d.inverse_neighbours_ = 1 / segment_sum(ones, d.destination_, d.owned_).clamp_min(1);
  return d;
}

Denoised Denoiser::operator()(const Noisy& galaxies, const Noisy& senders) const {
  const auto labels = galaxies.known.slice(1, 1) * galaxies.scalars;
  Thinning thinning(dropout_);
  if (!alone_) {
    const auto out = dense(trunk(galaxies, senders, labels, thinning), out_);
    return {out.slice(1, 0, 3), out.slice(1, 3)};
  }
  Denoised answer = {torch::zeros({owned_, 3}, labels.options()), torch::zeros_like(labels)};
  if (galaxies.asked != Part::labels)
    answer.rotation = dense(trunk(galaxies, senders, labels, thinning), out_);
  if (galaxies.asked != Part::orientation)
    answer.scalars = labels_alone(labels, level_embedding((2 * galaxies.level).clamp_max(1)), thinning);
  return answer;
}

Tensor Denoiser::trunk(const Noisy& galaxies, const Noisy& senders, const Tensor& labels,
                       Thinning& thinning) const {
  const auto embedding = level_embedding(galaxies.level);
  const auto vectors = in_frame(axial_, galaxies.frames).flatten(1);
  const auto tensors = tensors_in_frame(tensors_, galaxies.frames).flatten(1);
  auto z =
      dense(torch::cat({embedding, galaxies.known, labels, vectors, tensors}, 1), node_) + node_environment_;
  z = z + dense(messages(galaxies, senders, embedding), gather_);
  z = torch::silu(z);
  for (const auto& layer : hidden_) z = z + thinning(dense(z, layer, Activation::silu), copies(symmetry_));
  return z;
}

// `embedding` of the labels' own level, which ends at the middle: they stand still while the orientation
// forms.
Tensor Denoiser::labels_alone(const Tensor& labels, const Tensor& embedding, Thinning& thinning) const {
  const auto normal = [](const Tensor& x) { return torch::layer_norm(x, {x.size(1)}); };
  auto z = dense(torch::cat({embedding, labels}, 1), alone_->in) + alone_->own;
  for (const auto& [up, down] : alone_->blocks)
    z = z + dense(thinning(dense(normal(z), up, Activation::silu), 1), down);
  return dense(torch::silu(normal(z)), alone_->out);
}

// What the members of a galaxy's group say: the mean, and the sum, for the more agree the surer it is.
Tensor Denoiser::messages(const Noisy& galaxies, const Noisy& senders, const Tensor& embedding) const {
  const auto from_known = gather(senders.known, source_);
  const auto from_labels = from_known.slice(1, 1) * gather(senders.scalars, source_);
  const auto to_labels = gather(galaxies.known.slice(1, 1) * galaxies.scalars, destination_);
  const auto geometry = pair_geometry(direction_, gather(galaxies.frames, destination_),
                                      gather(senders.frames, source_), symmetry_);
  const auto pair = torch::cat({gather(embedding, destination_), from_known, from_labels, to_labels,
                                distance_, torch::square(distance_), geometry},
                               1);
  const auto message =
      dense(torch::silu(dense(pair, message_) + edge_environment_), message_hidden_, Activation::silu);
  const auto order = copies(symmetry_), width = message.size(1) / order;
  const auto sum = segment_sum(message, destination_, owned_).view({owned_, order, width});
  const auto mean = sum * inverse_neighbours_.unsqueeze(1);
  return torch::cat({mean, sum_scale * sum}, 2).view({owned_, 2 * order * width});
}

}  // namespace halobrush::networks
