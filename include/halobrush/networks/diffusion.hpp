// The network as a denoiser of the joint diffusion on SO(3) x R^n.
// SO(3): score matching in the body frame, score = net / sigma (docs/models.md). R^n: variance exploding,
// preconditioned as EDM (Karras et al. 2022, arXiv:2206.00364).
#pragma once

#include <vector>

#include "halobrush/diffusion/flow_density.hpp"
#include "halobrush/diffusion/sampler.hpp"
#include "halobrush/model/model_file.hpp"
#include "halobrush/networks/network.hpp"

namespace halobrush::networks {

/// A state as the denoiser sees it. level [n]; known [n, 1 + labels], all 1 where it is empty.
Noisy noisy_of(const diffusion::State& state, const std::vector<double>& level,
               const std::vector<double>& known, const diffusion::NoiseRange& range,
               torch::TensorOptions options);

/// What samplers call; `denoiser` must outlive it.
diffusion::Denoise denoise_with(const Denoiser& denoiser, const diffusion::NoiseRange& range,
                                torch::TensorOptions options);

/// The same with the divergence, for galaxies that are known in part. `known` [n, 1 + labels]: 0 where a
/// galaxy's orientation or label is missing, which then stands still.
diffusion::DenoiseWithDivergence denoise_with_divergence(const Denoiser& denoiser, torch::Tensor known,
                                                         const diffusion::NoiseRange& range,
                                                         torch::TensorOptions options);

}  // namespace halobrush::networks
