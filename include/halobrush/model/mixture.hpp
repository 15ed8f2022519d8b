// A mixture of Gaussians: where a cloud of points lies, and how far from it another point is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace halobrush::model {

/// Single precision, as model files hold it.
struct GaussianMixture {
  std::size_t dimensions = 0;
  std::vector<float> weight;     ///< [components], of sum 1
  std::vector<float> mean;       ///< [components, d]
  std::vector<float> whitening;  ///< [components, d, d] by rows, lower triangular: W C W^T = 1, C the covariance

  std::size_t components() const { return weight.size(); }
  bool empty() const { return weight.empty(); }
  double log_density(std::span<const double> point) const;
  /// Mahalanobis distance to the nearest component.
  double distance(std::span<const double> point) const;
};

struct MixtureFit {
  GaussianMixture mixture;
  std::vector<double> bound;  ///< on the log likelihood of a point, in the mean, before each step: never falls
};

/// Expectation maximisation (Dempster, Laird & Rubin 1977) over `points` [n, d] of about unit variance, n > 0. Each
/// point stands for a Gaussian of variance 0.001 about it, so that what never varies keeps a width. The best of four
/// starts goes on; components of under half a percent of the points are left out. The same seed gives the same mixture.
MixtureFit fit_mixture(std::span<const double> points, std::size_t dimensions, std::size_t components,
                       std::uint64_t seed);

}  // namespace halobrush::model
