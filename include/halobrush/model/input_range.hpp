// Distribution shift: how far a galaxy's inputs lie from those that a model was trained on.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "halobrush/model/model_file.hpp"

namespace halobrush::model {

/// The inputs of galaxies of a training catalog.
struct LabelledInputs {
  features::NodeFeatures nodes;
  std::vector<std::int64_t> id;  ///< [nodes]
  std::vector<float> region;     ///< [nodes] region_of
};

/// The number of the one of 125 equal parts of the box that a position is in: parts are nearly independent, galaxies
/// of one part are not.
float region_of(const Vec3& pos, const std::array<double, 3>& box);

/// Names of the invariants of InputRange, in their order.
std::vector<std::string> invariant_names(const features::FeatureNames& inputs);

/// [rows, d]: standardised scalars, then norms of polar, axial and tensor inputs: what does not change when the box
/// is turned.
std::vector<double> invariants(const features::NodeFeatures& nodes, std::size_t rows, const ModelSpec& spec);

/// Mean, precision and 99.9 % radius of the training inputs' invariants. spec.scalar_* must be set.
InputRange fit_input_range(const features::NodeFeatures& nodes, const ModelSpec& spec);

/// A mixture of the training galaxies' invariants, and the distance that one in two hundred of the galaxies held out
/// exceeds.
InputDensity fit_input_density(const LabelledInputs& training, const LabelledInputs& held_out,
                               const ModelSpec& spec);

/// So many training galaxies as a two-sample test needs, the first by a hash of their id.
InputSample sample_inputs(const LabelledInputs& training, const ModelSpec& spec);

/// The rows of the galaxies that come first by a hash of their id, at most `count`, in that order: the same whatever
/// the order of `id`.
std::vector<std::size_t> first_by_hash(std::span<const std::int64_t> id, std::size_t count);
/// What first_by_hash orders by: even in (0, 1).
double hash_of(std::int64_t id);

/// Of each of the first `rows` nodes: whether it lies farther than galaxies of the training's kind do.
std::vector<std::uint8_t> out_of_distribution(const features::NodeFeatures& nodes, std::size_t rows,
                                              const ModelSpec& spec);

}  // namespace halobrush::model
