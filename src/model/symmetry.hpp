// The denoiser's symmetry under D2, the rotations that leave an ellipsoid as it is: layers with tied weights,
// written out as plain dense ones.
#pragma once

#include <cstdint>
#include <vector>

#include "halobrush/model/network.hpp"

namespace halobrush::model {

constexpr std::int64_t copies = 4;          // elements of D2
constexpr std::int64_t level_features = 9;  // of the noise level
constexpr std::int64_t edge_basis = 8;      // radial functions
constexpr std::int64_t pair_tensors = 3;    // a a^T and c c^T of the neighbour, d d^T of the separation
constexpr double message_share = 0.5;       // width of messages relative to the trunk

/// How a number turns under D2: like 1, x, y or z.
enum Character { invariant, like_x, like_y, like_z };

/// Of the inputs of a node: noise level, labels, vectors and tensors of the environment.
std::vector<int> node_characters(const ModelSpec& spec);
/// Of the inputs of a group edge: noise level, labels of both ends, distance, tensors of the pair.
std::vector<int> pair_characters(const ModelSpec& spec);
std::int64_t message_width(const ModelSpec& spec);

/// First layer: copy g of the hidden features sees the input transformed by g.
Dense lifted(const Dense& layer, const std::vector<int>& character);
/// Hidden layer, kernel [4, in, out]: block (g, h) is kernel[g h], which commutes with every permutation of
/// copies by an element of D2.
Dense symmetric(const torch::Tensor& kernel, const torch::Tensor& bias);
/// Last layer: the three components of the score turn like x, y and z, the labels not at all.
Dense projected(const Dense& layer);

}  // namespace halobrush::model
