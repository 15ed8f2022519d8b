// The table of an evaluation: truth, inputs and draws of each galaxy in one row (docs/evaluation.md).
#pragma once

#include <optional>
#include <vector>

#include "halobrush/catalog/table.hpp"
#include "halobrush/model/painter.hpp"
#include "halobrush/pipeline/labelled.hpp"

namespace halobrush::evaluate {

/// What is said about every galaxy of a patch.
struct Judged {
  const pipeline::LabelledPatch& galaxies;
  const model::Inputs& inputs;
  const model::Painter& painter;
  std::vector<model::Painted> draws;
  std::optional<std::vector<double>> log_p;  ///< [owned] none: the painter has no density
  bool split_applies;                        ///< the model was trained on some of these halos
};

/// One row for each galaxy that the catalog has.
catalog::Table rows_of(const Judged& judged);

}  // namespace halobrush::evaluate
