// The denoiser's symmetry under D2, the rotations that leave an ellipsoid as it is: layers with tied weights,
// written out as plain dense ones. A spin has the trivial symmetry, for which all of this is plain dense
// layers.
#pragma once

#include <cstdint>
#include <vector>

#include "halobrush/networks/network.hpp"

namespace halobrush::networks {

constexpr std::int64_t level_features = 9;  // of the noise level
constexpr std::int64_t edge_basis = 8;      // radial functions
constexpr double message_share = 0.5;       // width of messages relative to the trunk

/// Elements of the group: copies of every hidden feature.
inline std::int64_t copies(Symmetry symmetry) {
  return symmetry == Symmetry::d2 ? 4 : 1;
}

/// How a number turns under D2: like 1, x, y or z.
enum Character { invariant, like_x, like_y, like_z };

/// Of the inputs of a node: noise level, labels and which are known, vectors and tensors of the environment.
std::vector<int> node_characters(const ModelSpec& spec);
/// Of the inputs of a group edge: noise level, labels of both ends and which of the sender's are known,
/// distance, then the pair's geometry: d d^T of the separation, and of the neighbour a a^T and c c^T
/// (ellipsoid) or the axis c itself and c c^T (spin).
std::vector<int> pair_characters(const ModelSpec& spec);
std::int64_t message_width(const ModelSpec& spec);

/// First layer: copy g of the hidden features sees the input transformed by g.
Dense lifted(const Dense& layer, const std::vector<int>& character, Symmetry symmetry);
/// Hidden layer, kernel [4, in, out]: block (g, h) is kernel[g h], which commutes with every permutation of
/// copies by an element of D2.
Dense symmetric(const torch::Tensor& kernel, const torch::Tensor& bias, Symmetry symmetry);
/// Last layer: the three components of the score turn like x, y and z, the labels not at all.
Dense projected(const Dense& layer, Symmetry symmetry);

}  // namespace halobrush::networks
