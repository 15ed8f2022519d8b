#include "halobrush/so3_density/rotation_density.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "halobrush/core/error.hpp"
#include "halobrush/diffusion/flow_density.hpp"
#include "state.hpp"

namespace halobrush::so3_density {
namespace {

using torch::Tensor;

constexpr std::size_t chunk = 2048;  // rows at a time: what a core's cache holds

diffusion::NoiseRange range_from(double sigma_min, double sigma_max) {
  return {sigma_min, sigma_max, sigma_min, sigma_max};
}

Tensor scalar(double value) {
  return torch::full({1, 1}, value, torch::kFloat32);
}

std::vector<Vec3> tangents(const Tensor& rows, double scale) {
  const auto contiguous = rows.contiguous();
  const auto* v = contiguous.data_ptr<float>();
  std::vector<Vec3> out;
  for (std::int64_t i = 0; i < rows.size(0); ++i, v += 3) out.push_back(scale * Vec3(v[0], v[1], v[2]));
  return out;
}

diffusion::Plan distilled_plan(const Architecture& a, const diffusion::NoiseRange& range) {
  diffusion::Plan plan;
  for (std::size_t i = 0; i < a.levels.size(); ++i) {
    const double kept = i + 1 < a.levels.size() ? a.levels[i + 1] / a.levels[i] : 0;
    plan.push_back({diffusion::level_of_rotation_noise(range, a.levels[i]), {kept, kept}, 0});
  }
  return plan;
}

}  // namespace

std::size_t features_of(const Examples& examples) {
  const std::size_t n = examples.rotations.size();
  if (n == 0) throw data_error("density: there are no rotations");
  if (examples.features.size() % n != 0)
    throw data_error("density: {} feature values for {} rotations (not one number of features each)",
                     examples.features.size(), n);
  for (std::size_t i = 0; i < examples.features.size(); ++i)
    if (!std::isfinite(examples.features[i]))
      throw data_error("density: feature {} of row {} is not finite", i % (examples.features.size() / n),
                       i / (examples.features.size() / n));
  return examples.features.size() / n;
}

Tensor RotationDensity::State::standardised(std::span<const double> features, std::size_t n) const {
  const auto d = static_cast<std::size_t>(architecture.features);
  if (features.size() != n * d)
    throw data_error("density: {} feature values for {} rows (the density is conditioned on {} each)",
                     features.size(), n, d);
  auto out = torch::empty({static_cast<std::int64_t>(n), architecture.features}, torch::kFloat32);
  auto* v = out.data_ptr<float>();
  for (std::size_t i = 0; i < features.size(); ++i)
    v[i] = static_cast<float>((features[i] - architecture.feature_mean[i % d]) /
                              architecture.feature_deviation[i % d]);
  return out;
}

std::size_t RotationDensity::features() const {
  return static_cast<std::size_t>(state_->architecture.features);
}

diffusion::Denoise RotationDensity::denoiser(std::size_t n, std::span<const double> features,
                                             const diffusion::NoiseRange& range) const {
  return [this, range, y = state_->standardised(features, n)](const diffusion::State& at, double level) {
    const torch::NoGradGuard no_grad;
    const double sigma = diffusion::noise_at(range, level).rotation;
    return diffusion::Estimate{tangents(state_->network(entries(at.frames), scalar(sigma), y), sigma), {}};
  };
}

std::vector<Mat3> RotationDensity::sample(std::size_t n, std::span<const double> features,
                                          const SampleOptions& options) const {
  if (options.evaluations < 1)
    throw config_error("density: {} evaluations (at least one)", options.evaluations);
  const auto& a = state_->architecture;
  const auto range = range_from(options.sigma_min, a.sigma_max);
  const auto d = static_cast<std::size_t>(a.features);
  state_->standardised(features, n);  // complain of the whole
  std::vector<Mat3> drawn;
  for (std::size_t first = 0; first < n; first += chunk) {
    const std::size_t rows = std::min(chunk, n - first);
    std::vector<std::int64_t> id(rows);
    std::iota(id.begin(), id.end(), static_cast<std::int64_t>(first));
    auto noise = diffusion::pure_noise(id, 0, options.seed, Mat3::Identity(), range);
    const auto denoise = denoiser(rows, features.subspan(first * d, rows * d), range);
    const auto state =
        a.levels.empty()
            ? diffusion::sample(denoise, std::move(noise), range, options.sampler, options.evaluations)
            : diffusion::follow(distilled_plan(a, range), denoise, std::move(noise));
    drawn.insert(drawn.end(), state.frames.begin(), state.frames.end());
  }
  return drawn;
}

std::vector<double> RotationDensity::log_density(const Examples& at, double sigma_min,
                                                 std::int64_t steps) const {
  const auto& a = state_->architecture;
  const auto range = range_from(sigma_min, a.sigma_max);
  const std::size_t n = at.rotations.size(), d = features();
  if (!a.levels.empty())
    throw model_error(
        "density: a distilled network has no flow of its own; take the one it was distilled from");
  state_->standardised(at.features, n);
  std::vector<double> nats;
  for (std::size_t first = 0; first < n; first += chunk) {
    const std::size_t rows = std::min(chunk, n - first);
    const auto y = state_->standardised(at.features.subspan(first * d, rows * d), rows);
    const auto part = at.rotations.subspan(first, rows);
    const auto denoise = [&](const diffusion::State& state, double level, diffusion::Divergence* divergence) {
      const torch::NoGradGuard no_grad;
      const double sigma = diffusion::noise_at(range, level).rotation;
      const auto r = entries(state.frames);
      if (divergence == nullptr)
        return diffusion::Estimate{tangents(state_->network(r, scalar(sigma), y), sigma), {}};
      const auto [net, div] = state_->network.with_divergence(r, scalar(sigma), y);
      const auto* v = div.data_ptr<float>();
      divergence->jump.assign(v, v + rows);
      for (auto& value : divergence->jump) value *= sigma;
      return diffusion::Estimate{tangents(net, sigma), {}};
    };
    const auto of_part = diffusion::log_density(denoise, {{part.begin(), part.end()}, {}}, range, steps);
    nats.insert(nats.end(), of_part.begin(), of_part.end());
  }
  return nats;
}

RotationDensity::RotationDensity(std::unique_ptr<State> state) : state_(std::move(state)) {}
RotationDensity::~RotationDensity() = default;
RotationDensity::RotationDensity(RotationDensity&&) noexcept = default;
RotationDensity& RotationDensity::operator=(RotationDensity&&) noexcept = default;

}  // namespace halobrush::so3_density
