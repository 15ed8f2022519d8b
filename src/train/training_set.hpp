// The training set: patches of the halo catalog with the labels of their galaxies.
#pragma once

#include <cstdint>
#include <vector>

#include "halobrush/config/config.hpp"
#include "halobrush/core/log.hpp"
#include "halobrush/domain/patch.hpp"
#include "halobrush/model/model_file.hpp"
#include "halobrush/model/painter.hpp"

namespace halobrush::train {

enum class Split : std::uint8_t { none, training, validation };

struct LabelledPatch {
  domain::Patch patch;
  std::vector<std::int64_t> host;           ///< [owned]
  std::vector<Mat3> frame;                  ///< [owned]
  std::vector<std::vector<double>> labels;  ///< [label][owned], units of the columns
  std::vector<Split> split;                 ///< [owned] none: no label in the catalog
};

struct TrainingSet {
  std::vector<LabelledPatch> patches;
  model::ModelSpec
      spec;  ///< inputs, labels and their normalisation, architecture, input range, provenance of the data
  std::size_t training = 0, validation = 0;
};

/// Reads, joins and cuts the data; the same on every rank. Throws data_error: no galaxy matches, frames that
/// are not rotations, labels that are not finite, an empty split.
TrainingSet load_training_set(const config::Config& config, Logger& log);

}  // namespace halobrush::train
