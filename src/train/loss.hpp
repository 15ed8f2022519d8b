// Denoising score matching on SO(3) x R^n: how well the network points from a noised galaxy back to the true
// one.
#pragma once

#include <torch/torch.h>

#include "halobrush/model/diffusion.hpp"
#include "halobrush/model/network.hpp"
#include "halobrush/so3/igso3.hpp"
#include "training_set.hpp"

namespace halobrush::train {

/// Sum over galaxies of |net - sigma s*|^2 (body-frame score s*, weight sigma^2) plus the mean over labels of
/// |F - F*|^2 (EDM). Only galaxies of `split` count. Members of a host share one noise level, as they do when
/// painted.
/// @param step    decides the noise, with the seed and each galaxy's id
torch::Tensor loss_sum(const LabelledPatch& patch, const model::Batch& batch, const model::Network& network,
                       const model::ModelSpec& spec, const so3::Igso3Sampler& kernel, Split split,
                       std::uint64_t seed, std::uint32_t step);

}  // namespace halobrush::train
