#include <fmt/format.h>

#include <numbers>

#include "halobrush/model/network.hpp"
#include "symmetry.hpp"
#include "tensor_algebra.hpp"

namespace halobrush::model {
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

}  // namespace

Denoiser Network::denoiser(const Batch& batch, const Environment& environment) const {
  const auto symmetric_layer = [&](const std::string& name) {
    return symmetric(tensor(name + ".kernel"), tensor(name + ".bias"));
  };
  Denoiser d;
  d.batch_ = &batch;
  d.axial_ = environment.axial;
  d.tensors_ = environment.tensors;
  d.node_environment_ = dense(environment.scalars, layer("denoiser.environment")).repeat({1, copies});
  const auto from = dense(environment.scalars, layer("denoiser.pair.source"));
  const auto to = dense(environment.scalars, layer("denoiser.pair.destination"));
  d.edge_environment_ =
      (gather(from, batch.group_source) + gather(to, batch.group_destination)).repeat({1, copies});
  d.node_ = lifted(layer("denoiser.node"), node_characters(spec_));
  d.message_ = lifted(layer("denoiser.pair"), pair_characters(spec_));
  d.message_hidden_ = symmetric_layer("denoiser.message");
  d.gather_ = symmetric_layer("denoiser.gather");
  for (std::int64_t l = 0; l < spec_.denoiser_depth; ++l)
    d.hidden_.push_back(symmetric_layer(fmt::format("denoiser.{}", l)));
  d.out_ = projected(layer("denoiser.out"));
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
