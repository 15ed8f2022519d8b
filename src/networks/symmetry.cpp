#include "symmetry.hpp"

#include <algorithm>

#include "tensor_algebra.hpp"

namespace halobrush::networks {
namespace {

// The sign of each D2 element on a quantity that turns like 1, x, y or z: D2 = {1, diag(1,-1,-1),
// diag(-1,1,-1), diag(-1,-1,1)}, numbered so that the product of elements g and h is g xor h.
constexpr double sign_of[4][4] = {{1, 1, 1, 1}, {1, 1, -1, -1}, {1, -1, 1, -1}, {1, -1, -1, 1}};
const std::vector<int> vector_characters = {like_x, like_y, like_z};
const std::vector<int> tensor_characters = {invariant, invariant, invariant,
                                            like_z,    like_y,    like_x};  // xx yy zz xy xz yz

void append(std::vector<int>& to, const std::vector<int>& pattern, std::int64_t times) {
  for (std::int64_t i = 0; i < times; ++i) to.insert(to.end(), pattern.begin(), pattern.end());
}

}  // namespace

Symmetry symmetry_of(Orientation orientation) {
  return orientation == Orientation::spin ? Symmetry::none : Symmetry::d2;
}

std::vector<int> node_characters(const ModelSpec& spec) {
  std::vector<int> c;
  append(c, {invariant}, level_features + 2 * static_cast<std::int64_t>(spec.labels.size()) + 1);
  append(c, vector_characters, spec.channels);
  append(c, tensor_characters, spec.channels);
  return c;
}

std::vector<int> pair_characters(const ModelSpec& spec) {
  std::vector<int> c;
  append(c, {invariant}, level_features + 3 * static_cast<std::int64_t>(spec.labels.size()) + 1 + 2);
  append(c, tensor_characters, 2);
  if (spec.orientation == Orientation::spin)
    append(c, vector_characters, 1);
  else
    append(c, tensor_characters, 1);
  return c;
}

std::int64_t message_width(const ModelSpec& spec) {
  return std::max<std::int64_t>(
      1, static_cast<std::int64_t>(message_share * static_cast<double>(spec.denoiser_width)));
}

Dense lifted(const Dense& layer, const std::vector<int>& character, Symmetry symmetry) {
  if (symmetry == Symmetry::none) return layer;
  const auto& weight = layer.weight;
  std::vector<Tensor> blocks;
  for (int g = 0; g < copies(symmetry); ++g) {
    std::vector<double> signs;
    for (const int c : character) signs.push_back(sign_of[c][g]);
    blocks.push_back(weight *
                     as_tensor(signs, {static_cast<std::int64_t>(signs.size()), 1}, weight.options()));
  }
  return {torch::cat(blocks, 1), layer.bias.repeat({copies(symmetry)})};
}

Dense symmetric(const Tensor& kernel, const Tensor& bias, Symmetry symmetry) {
  std::vector<Tensor> rows;
  for (int g = 0; g < copies(symmetry); ++g) {
    std::vector<Tensor> row;
    for (int h = 0; h < copies(symmetry); ++h) row.push_back(kernel[g ^ h]);
    rows.push_back(torch::cat(row, 1));
  }
  return {torch::cat(rows, 0), bias.repeat({copies(symmetry)})};
}

Dense projected(const Dense& layer, Symmetry symmetry) {
  if (symmetry == Symmetry::none) return layer;
  const auto &weight = layer.weight, &bias = layer.bias;
  std::vector<Tensor> rows;
  for (int g = 0; g < copies(symmetry); ++g) {
    std::vector<double> signs(static_cast<std::size_t>(weight.size(1)), 1.0);
    for (int axis = 0; axis < 3; ++axis) signs[static_cast<std::size_t>(axis)] = sign_of[like_x + axis][g];
    rows.push_back(weight * as_tensor(signs, {1, weight.size(1)}, weight.options()));
  }
  const auto score_has_no_bias =
      torch::cat({torch::zeros({3}, bias.options()), torch::ones({bias.size(0) - 3}, bias.options())});
  return {torch::cat(rows, 0) / static_cast<double>(copies(symmetry)), bias * score_has_no_bias};
}

}  // namespace halobrush::networks
