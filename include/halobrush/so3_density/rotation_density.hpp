// Densities p(R | y) of rotations given any feature vector y, learned from examples: score matching on SO(3)
// with a small dense network on random Fourier features of R (Tancik et al. 2020, arXiv:2006.10739), damped
// at the noise level.
//
//   auto density = so3_density::RotationDensity::fit({rotations, features}, options);
//   auto drawn = density.sample(features_of_interest, {.evaluations = 16, .seed = 1});
//   auto nats = density.log_density(rotations, features);
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "halobrush/diffusion/sampler.hpp"

namespace halobrush::so3_density {

/// Pairs (R, y): rotations [n], features [n, d] row-major; d = 0 for a density without condition.
struct Examples {
  std::span<const Mat3> rotations;
  std::span<const double> features;
};

struct FitOptions {
  std::int64_t steps = 10000, batch = 1024;
  double learning_rate = 5e-3;  ///< peak; 200 steps of warm-up, then a cosine to 0
  std::int64_t width = 128, depth = 4, frequencies = 128;
  double high_frequency = 4,
         low_frequency = 1;  ///< rad^-1, deviations of the two halves; halve both for smooth densities
  double sigma_min = 0.01, sigma_max = 3;  ///< rad; noise levels trained on, log-uniform
  std::uint64_t seed = 1;
  std::function<void(std::int64_t step, double loss)> report;  ///< about a hundred times
};

struct SampleOptions {
  std::int64_t evaluations = 16;
  diffusion::Sampler sampler = diffusion::Sampler::multistep;
  double sigma_min = 0.02;  ///< rad; where the final jump starts
  std::uint64_t seed = 1;
};

class RotationDensity {
 public:
  /// Throws data_error where rotations are none, or features are not finite or not n times one number.
  static RotationDensity fit(const Examples& examples, const FitOptions& options);
  /// Throws model_error: no such file, another kind or version, tensors that do not fit the header.
  static RotationDensity load(const std::string& path);
  void save(const std::string& path) const;

  std::size_t features() const;  ///< d

  /// n rotations, one for each row of features [n, d]. Row i depends on the seed and i alone.
  std::vector<Mat3> sample(std::size_t n, std::span<const double> features,
                           const SampleOptions& options) const;

  /// log p(R | y) [n], nats against Haar measure of total 1, of the density blurred by `sigma_min`: exact for
  /// the flow, whose divergence is exact too.
  std::vector<double> log_density(const Examples& at, double sigma_min = 0.02, std::int64_t steps = 64) const;

  /// One evaluation for rows of features [n, d] (kept), for samplers of one's own.
  diffusion::Denoise denoiser(std::size_t n, std::span<const double> features,
                              const diffusion::NoiseRange& range) const;

  struct DistilOptions {
    std::int64_t evaluations = 8, steps = 4000, batch = 1024;
    double learning_rate = 2e-3;
    std::uint64_t seed = 1;
    std::function<void(std::int64_t step, double loss)> report;
  };
  /// A network for a fixed number of evaluations: each goes where many small steps of this one would end
  /// (progressive distillation, Salimans & Ho 2022, arXiv:2202.00512, all steps at once, on the examples' own
  /// noised marginals). sample() then uses its levels, whatever the options say.
  RotationDensity distilled(const Examples& examples, const DistilOptions& options) const;

  ~RotationDensity();
  RotationDensity(RotationDensity&&) noexcept;
  RotationDensity& operator=(RotationDensity&&) noexcept;

 private:
  struct State;
  explicit RotationDensity(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace halobrush::so3_density
