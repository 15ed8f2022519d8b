// Joint diffusion on SO(3) x R^n: noise levels, the two denoised estimates, and the reverse samplers.
// SO(3): score matching in the body frame, score = net / sigma (science.md). R^n: variance exploding,
// preconditioned as Karras et al. 2022 (EDM), eqs. 7 and Table 1, with data of unit variance.
#pragma once

#include <string>
#include <vector>

#include "halobrush/model/model_file.hpp"
#include "halobrush/model/network.hpp"
#include "halobrush/so3/rotation.hpp"

namespace halobrush::model {

/// Noise of the two parts at a level in [0, 1]: 0 the largest, 1 the smallest; log-linear.
struct Noise {
  double rotation, scalar;
};
Noise noise_at(const NoiseRange& range, double level);

/// EDM preconditioning: denoised x = skip x + out F(in x).
struct Preconditioning {
  double skip, out, in;
};
Preconditioning preconditioning(double scalar_sigma);

/// A state of the diffusion: frames [n], labels [n, L] standardised, row-major.
struct State {
  std::vector<Mat3> frames;
  std::vector<double> labels;
};

enum class Sampler {
  multistep,  ///< second-order multistep in log sigma with a final denoising jump; one evaluation a step
  midpoint,   ///< exponential midpoint in log sigma with the same jump; two evaluations a step
};
Sampler sampler_named(const std::string& name);

/// From pure noise (level 0) to a sample, deterministically, in `evaluations` calls of the denoiser.
State sample(const Denoiser& denoiser, State noise, const NoiseRange& range, Sampler sampler,
             std::int64_t evaluations, torch::TensorOptions options);

/// Pure noise for each id: orientations uniform on SO(3), turned by `frame`; labels normal of the largest
/// sigma.
State pure_noise(std::span<const std::int64_t> id, std::size_t labels, std::uint64_t seed, const Mat3& frame,
                 const NoiseRange& range);

/// Labels in the units of their columns <-> standardised. `columns[l]` holds label l.
std::vector<double> encode_labels(const std::vector<Label>& labels,
                                  const std::vector<std::vector<double>>& columns);
std::vector<std::vector<double>> decode_labels(const std::vector<Label>& labels,
                                               const std::vector<double>& encoded);

}  // namespace halobrush::model
