// The training set: patches of the halo catalog with the labels of their galaxies.
#pragma once

#include <cstdint>
#include <vector>

#include "halobrush/config/config.hpp"
#include "halobrush/core/log.hpp"
#include "halobrush/model/model_file.hpp"
#include "halobrush/pipeline/labelled.hpp"

namespace halobrush::train {

using pipeline::LabelledPatch;
using pipeline::Split;

struct TrainingSet {
  std::vector<LabelledPatch> patches;  ///< of each tile one from every catalog
  model::ModelSpec
      spec;  ///< inputs, labels and their normalisation, architecture, input range, provenance of the data
  std::size_t training = 0, validation = 0;
};

/// Reads, joins and cuts the data; the same on every rank. Throws data_error: no galaxy matches, an empty
/// split, and what pipeline::GalaxyLabels refuses.
TrainingSet load_training_set(const config::Config& config, Logger& log);

}  // namespace halobrush::train
