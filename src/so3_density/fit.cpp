// Denoising score matching (Vincent 2011) with the heat kernel of SO(3): loss |net - sigma s*|^2, sigma
// log-uniform.
#include <cmath>

#include "halobrush/core/error.hpp"
#include "halobrush/core/random.hpp"
#include "halobrush/so3/igso3.hpp"
#include "halobrush/so3/rotation.hpp"
#include "optimiser.hpp"
#include "state.hpp"

namespace halobrush::so3_density {
namespace {

using torch::Tensor;

Architecture architecture_for(const Examples& examples, const FitOptions& options) {
  const std::size_t d = features_of(examples), n = examples.rotations.size();
  for (std::size_t i = 0; i < n; ++i)
    if (!so3::is_rotation(examples.rotations[i], 1e-3))
      throw data_error("density: row {} is not a rotation (not orthonormal, or a reflection)", i);
  Architecture a{static_cast<std::int64_t>(d), options.width,          options.depth,
                 options.frequencies,          options.sigma_min,      options.sigma_max,
                 std::vector<double>(d),       std::vector<double>(d), {}};
  for (std::size_t j = 0; j < d; ++j) {
    double sum = 0, squares = 0;
    for (std::size_t i = 0; i < n; ++i) sum += examples.features[i * d + j];
    const double mean = sum / static_cast<double>(n);
    for (std::size_t i = 0; i < n; ++i) squares += std::pow(examples.features[i * d + j] - mean, 2);
    const double deviation = std::sqrt(squares / static_cast<double>(n));
    a.feature_mean[j] = mean;
    a.feature_deviation[j] = deviation > 0 ? deviation : 1;
  }
  return a;
}

// Noised examples and the kernel's score there.
class NoisedBatches {
 public:
  NoisedBatches(const Examples& examples, Tensor features, const FitOptions& options)
      : examples_(examples),
        features_(std::move(features)),
        options_(options),
        kernel_(options.sigma_min, options.sigma_max) {}

  Batch operator()(std::int64_t step) const {
    const auto n = options_.batch;
    std::vector<Mat3> noisy;
    auto sigma = torch::empty({n, 1}), target = torch::empty({n, 3}), row = torch::empty({n}, torch::kInt64);
    for (std::int64_t i = 0; i < n; ++i) {
      // Two rows share an example and a noise of opposite sign: small noise, which says nothing of the
      // density, cancels.
      RandomStream random(options_.seed, i / 2, Purpose::train_rotation_noise,
                          static_cast<std::uint32_t>(step));
      const auto example =
          static_cast<std::size_t>(random.uniform() * static_cast<double>(examples_.rotations.size()));
      const double level =
          2 * (static_cast<double>(i / 2) + random.uniform()) / static_cast<double>(n + 1);  // stratified
      const double s = options_.sigma_min * std::pow(options_.sigma_max / options_.sigma_min, level);
      const Vec3 tangent = (i % 2 == 0 ? 1 : -1) * kernel_.tangent(s, random);
      const double angle = tangent.norm();
      const double slope = angle > 0 ? so3::igso3_log_density_slope(angle, s) / angle : 0;
      noisy.push_back(examples_.rotations[example] * so3::exp(tangent));
      sigma.data_ptr<float>()[i] = static_cast<float>(s);
      for (int k = 0; k < 3; ++k)
        target.data_ptr<float>()[3 * i + k] = static_cast<float>(s * slope * tangent[k]);
      row.data_ptr<std::int64_t>()[i] = static_cast<std::int64_t>(example);
    }
    return {entries(noisy), sigma, features_.index_select(0, row), target, torch::ones({1, 1})};
  }

 private:
  const Examples& examples_;
  Tensor features_;
  const FitOptions& options_;
  so3::Igso3Sampler kernel_;
};

}  // namespace

RotationDensity RotationDensity::fit(const Examples& examples, const FitOptions& options) {
  const auto architecture = architecture_for(examples, options);
  auto state = std::make_unique<State>(State{
      architecture, Network(architecture, options.high_frequency, options.low_frequency, options.seed)});
  const NoisedBatches batches(examples, state->standardised(examples.features, examples.rotations.size()),
                              options);
  state->network = optimised(std::move(state->network),
                             {options.steps, options.batch, options.learning_rate, options.report}, batches);
  return RotationDensity(std::move(state));
}

}  // namespace halobrush::so3_density
