// Node inputs of a model: named quantities that a gravity-only run has, by how they turn under rotation and
// inversion.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "halobrush/catalog/table.hpp"
#include "halobrush/core/geometry.hpp"

namespace halobrush::features {

/// scalar: unchanged; polar: v -> Q v, flips under inversion; axial: v -> Q v, does not flip (angular
/// momentum); tensor: symmetric, T -> Q T Q^T.
enum class Kind { scalar, polar, axial, tensor };

struct Feature {
  std::string name;
  Kind kind;
  std::string unit;  ///< of the number handed to the model, e.g. "log10(Msun/h)"
  std::string meaning;
  std::vector<std::string> columns;  ///< halo columns it needs
  std::string label = {};            ///< the label that is this quantity of the same object, if any
};

/// Every feature that these halo columns allow. Tidal features are named by their smoothing radius
/// (tidal_4, tidal_trace_4, ...), so the list depends on the columns.
std::vector<Feature> available(const catalog::Table& halos);

/// The named features, all finite (unresolved shapes and missing directions are zero and flagged).
/// Row-major: scalars [n, scalars], polar [n, polars, 3], axial [n, axials, 3], tensors [n, tensors, 6] (xx
/// yy zz xy xz yz).
struct NodeFeatures {
  std::size_t nodes = 0;
  std::vector<double> scalars, polar, axial, tensors;
};

/// Names are given by kind, in the order of the model. Throws model_error naming a feature that the catalog
/// lacks and the columns it would need.
struct FeatureNames {
  std::vector<std::string> scalars, polar, axial, tensors;
  bool operator==(const FeatureNames&) const = default;
};
NodeFeatures assemble(const catalog::Table& halos, const FeatureNames& names);

/// The halo columns that these features are made of.
std::vector<std::string> columns_of(const FeatureNames& names);

/// Inputs that are a label's own quantity, so that a model of the label must not have them: what is made of a
/// column of that name, and angular_momentum for galaxy_spin (the direction; its size, as in
/// log_specific_spin, says nothing of it). `label` is a galaxy column, or galaxy_spin for the three of it.
std::vector<std::string> leaks(const std::string& label);

}  // namespace halobrush::features
