// Scalar labels as networks see them: transformed, of mean 0 and deviation 1 over the training's galaxies.
#pragma once

#include <cstdint>
#include <vector>

#include "halobrush/model/model_file.hpp"

namespace halobrush::model {

/// log p [n] of labels in the units of their columns, over log p of the standardised ones: the change of
/// variables of encode_labels, over the labels that are known.
std::vector<double> log_label_jacobian(const std::vector<Label>& labels,
                                       const std::vector<std::vector<double>>& columns,
                                       const std::vector<std::vector<std::uint8_t>>& known);

/// Labels in the units of their columns <-> standardised. `columns[l]` holds label l.
std::vector<double> encode_labels(const std::vector<Label>& labels,
                                  const std::vector<std::vector<double>>& columns);
std::vector<std::vector<double>> decode_labels(const std::vector<Label>& labels,
                                               const std::vector<double>& encoded);

}  // namespace halobrush::model
