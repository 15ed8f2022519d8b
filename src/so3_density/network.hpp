// The network behind RotationDensity: score times sigma in the body frame, from Fourier features of R, the
// noise level and y.
#pragma once

#include <torch/torch.h>

#include <string>
#include <utility>
#include <vector>

#include "halobrush/diffusion/sampler.hpp"

namespace halobrush::so3_density {

struct Architecture {
  std::int64_t features = 0, width = 128, depth = 4, frequencies = 128;
  double sigma_min = 0.01, sigma_max = 3;               // of the training's noise, rad
  std::vector<double> feature_mean, feature_deviation;  // [features]
  std::vector<double> levels;  // noise of each evaluation of a distilled network, rad
};

class Network {
 public:
  Network(const Architecture& architecture, double high_frequency, double low_frequency, std::uint64_t seed);
  Network(const Architecture& architecture, std::vector<std::pair<std::string, torch::Tensor>> tensors);

  /// sigma times score [n, 3] of rotations [n, 9] (row-major entries) at noise sigma, [n, 1] or [1, 1], given
  /// standardised features [n, d].
  torch::Tensor operator()(const torch::Tensor& rotations, const torch::Tensor& sigma,
                           const torch::Tensor& features) const;
  /// The same, and its exact divergence [n] over the body-frame tangents.
  std::pair<torch::Tensor, torch::Tensor> with_divergence(const torch::Tensor& rotations,
                                                          const torch::Tensor& sigma,
                                                          const torch::Tensor& features) const;

  Network copy() const;
  std::vector<torch::Tensor> trainable() const;  // all but the frequencies
  const std::vector<std::pair<std::string, torch::Tensor>>& tensors() const { return tensors_; }

 private:
  const torch::Tensor& weight(std::int64_t layer) const;
  const torch::Tensor& bias(std::int64_t layer) const;

  Architecture architecture_;
  std::vector<std::pair<std::string, torch::Tensor>> tensors_;
};

/// Names and shapes that an architecture has, in order.
std::vector<std::pair<std::string, std::vector<std::int64_t>>> declared(const Architecture& architecture);

torch::Tensor entries(const std::vector<Mat3>& rotations);  ///< [n, 9] float, row-major

}  // namespace halobrush::so3_density
