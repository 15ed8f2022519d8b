// Denoising score matching on SO(3) x R^n: how well the network points from a noised galaxy back to the true
// one.
#pragma once

#include <torch/types.h>

#include <span>
#include <vector>

#include "halobrush/networks/diffusion.hpp"
#include "halobrush/networks/network.hpp"
#include "halobrush/so3/igso3.hpp"
#include "noising.hpp"
#include "training_set.hpp"

namespace halobrush::train {

/// What a network is shown of each patch, apart from noise.
std::vector<networks::Batch> batches_of(const TrainingSet& set, torch::TensorOptions options);

/// Sum over galaxies of weight times the squared errors of what is known: of rotations [n, 3] and F [n,
/// labels].
torch::Tensor squared_errors(const networks::Denoised& out, const std::vector<double>& rotation,
                             const std::vector<double>& labels, const torch::Tensor& known,
                             const std::vector<double>& weight);

/// Draws of noise: decided by their number, the seed and each galaxy's id.
struct NoiseDraws {
  std::uint64_t seed = 0;
  std::span<const std::uint32_t> draws;
  Levels levels = Levels::uniform;
};

/// Sum over galaxies and draws of |net - sigma s*|^2 (body-frame score s*, weight sigma^2) plus the sum over
/// labels of |F - F*|^2 (EDM), over the number of draws. Only galaxies of `split` and known labels count.
/// Members of a host share one noise level, as they do when painted; the environment is encoded once for all
/// draws.
torch::Tensor loss_sum(const LabelledPatch& patch, const networks::Batch& batch, const networks::Network& network,
                       const model::ModelSpec& spec, const so3::Igso3Sampler& kernel, Split split,
                       const NoiseDraws& shown, networks::Dropout dropout = {});

}  // namespace halobrush::train
