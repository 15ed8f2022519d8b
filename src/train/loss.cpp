#include "loss.hpp"

#include "halobrush/core/random.hpp"

namespace halobrush::train {
namespace {

// What the network is shown and what it should have said, per galaxy.
struct Noised {
  std::vector<Mat3> frames;
  std::vector<double> level, score, scaled_labels, target, weight;
};

Noised noised(const LabelledPatch& patch, const model::ModelSpec& spec, const so3::Igso3Sampler& kernel,
              Split split, std::uint64_t seed, std::uint32_t step) {
  const auto id = patch.patch.halos.get<std::int64_t>("id");
  const auto clean = model::encode_labels(spec.labels, patch.labels);
  const std::size_t labels = spec.labels.size();
  Noised out;
  for (std::size_t i = 0; i < patch.patch.owned; ++i) {
    const double level = RandomStream(seed, patch.host[i], Purpose::train_noise_level, step).uniform();
    const auto sigma = model::noise_at(spec.noise, level);
    const auto p = model::preconditioning(sigma.scalar);
    RandomStream rotation(seed, id[i], Purpose::train_rotation_noise, step);
    const Vec3 tangent = kernel.tangent(sigma.rotation, rotation);
    const double angle = tangent.norm();
    const double slope = angle > 0 ? so3::igso3_log_density_slope(angle, sigma.rotation) / angle : 0;
    for (int k = 0; k < 3; ++k) out.score.push_back(sigma.rotation * slope * tangent[k]);
    out.frames.push_back(patch.frame[i] * so3::exp(tangent));
    RandomStream scalar(seed, id[i], Purpose::train_scalar_noise, step);
    for (std::size_t l = 0; l < labels; ++l) {
      const double x0 = clean[i * labels + l], x = x0 + sigma.scalar * scalar.normal();
      out.scaled_labels.push_back(p.in * x);
      out.target.push_back((x0 - p.skip * x) / p.out);
    }
    out.level.push_back(level);
    out.weight.push_back(patch.split[i] == split ? 1 : 0);
  }
  return out;
}

}  // namespace

torch::Tensor loss_sum(const LabelledPatch& patch, const model::Batch& batch, const model::Network& network,
                       const model::ModelSpec& spec, const so3::Igso3Sampler& kernel, Split split,
                       std::uint64_t seed, std::uint32_t step) {
  const auto noise = noised(patch, spec, kernel, split, seed, step);
  const auto n = batch.owned, labels = static_cast<std::int64_t>(spec.labels.size());
  const auto tensor = [&](const std::vector<double>& values, std::int64_t columns) {
    return torch::from_blob(const_cast<double*>(values.data()), {n, columns}, torch::kFloat64)
        .to(network.options(), false, true);
  };
  const auto denoiser = network.denoiser(batch, network.encode(batch));
  const auto out = denoiser(noise.frames, tensor(noise.scaled_labels, labels), tensor(noise.level, 1));
  auto each = torch::square(out.rotation - tensor(noise.score, 3)).sum(1, true);
  if (labels > 0) each = each + torch::square(out.scalars - tensor(noise.target, labels)).sum(1, true);
  return (each * tensor(noise.weight, 1)).sum();
}

}  // namespace halobrush::train
