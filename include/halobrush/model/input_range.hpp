// Distribution shift: how far a galaxy's inputs lie from those that a model was trained on.
#pragma once

#include <vector>

#include "halobrush/model/model_file.hpp"

namespace halobrush::model {

/// Mean, precision and 99.9 % radius of the training inputs' invariants. spec.scalar_* must be set.
InputRange fit_input_range(const features::NodeFeatures& nodes, const ModelSpec& spec);

/// Mahalanobis distance of each of the first `rows` nodes.
std::vector<double> input_distance(const features::NodeFeatures& nodes, std::size_t rows,
                                   const ModelSpec& spec);

}  // namespace halobrush::model
