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
  std::optional<std::vector<double>> noise;  ///< [owned, labels] as Painter::starting_noise
  std::optional<pipeline::Split>
      held_out;  ///< part of the split to judge by; none: all, the halos are others
};

/// One row for each galaxy that the catalog has.
catalog::Table rows_of(const Judged& judged);

}  // namespace halobrush::evaluate
