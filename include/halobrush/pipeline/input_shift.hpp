// The inputs of a whole catalog against those that a model was trained on: a shift of a few tenths of the scatter
// makes no single galaxy unusual.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "halobrush/catalog/halo_catalog.hpp"
#include "halobrush/model/model_file.hpp"
#include "halobrush/mpi/communicator.hpp"

namespace halobrush::pipeline {

/// One input of the galaxies of a catalog minus that of training galaxies of the same mass, in its own unit.
struct InputShift {
  std::string name;
  double shift = 0;         ///< of the mean
  double scatter = 0;       ///< of training galaxies about their mean at given mass
  double shift_chance = 0;  ///< what chance reaches
  double ks = 0;            ///< Kolmogorov-Smirnov distance, of differences from the training's mean at given mass
  double ks_chance = 0;
  bool warned = false;
};

struct InputComparison {
  std::string given;  ///< the mass that is held fixed; empty: the model has none, and nothing is
  std::size_t trained = 0, here = 0;  ///< galaxies that were compared, chosen by a hash of their ids
  double beyond = 0;                  ///< share of the catalog's at masses that the training had none of
  std::vector<InputShift> inputs;     ///< none: not compared
};

/// @collective The same on any number of ranks, in any order of rows. Of a hundred catalogs of the training's kind
/// one is warned of by chance.
InputComparison compare_inputs(const model::ModelSpec& spec, const catalog::HaloCatalog& halos,
                               const mpi::Communicator& comm);

/// What compare_inputs makes of galaxies `values` [n, d] in these regions. Not collective.
InputComparison compare_samples(const model::ModelSpec& spec, const std::vector<double>& values,
                                const std::vector<float>& region);

/// One sentence for each input that is warned of, the strongest first; many are counted.
std::vector<std::string> warnings_of(const InputComparison& comparison);

}  // namespace halobrush::pipeline
