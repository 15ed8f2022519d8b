// Where a model comes from against where it is used: redshift, cosmology, masses, resolution, box, tidal field.
#pragma once

#include <string>
#include <vector>

#include "halobrush/catalog/halo_catalog.hpp"
#include "halobrush/config/config.hpp"
#include "halobrush/core/log.hpp"
#include "halobrush/model/model_file.hpp"
#include "halobrush/mpi/communicator.hpp"
#include "halobrush/pipeline/input_shift.hpp"

namespace halobrush::pipeline {

/// What the halos of a configuration are, as a model file says it of those it was trained on, without what only
/// rows tell. Reads no more than the shape of density.file. Not collective.
model::Origin origin_of(const config::Config& config, const catalog::Simulation& simulation,
                        const std::string& format);

/// Smoothing radii under two cells, named: the mesh then shapes the tensor as well. Throws config_error under a
/// fifth of a cell, where the smoothing has no effect.
std::vector<std::string> coarse_mesh(const model::TidalField& tidal);

/// What differs between where a model was trained and where it is used, one sentence each, with both numbers.
struct Differences {
  std::vector<std::string> warnings;  ///< beyond a tolerance (docs/models.md)
  std::vector<std::string> remarks;   ///< not to be compared, or of no consequence
  InputComparison inputs = {};        ///< what compare_with_training adds
};

/// What headers tell. Throws config_error where masses have another definition and painter.accept does not allow
/// it. `models`: of a chain of painters (Painter::models). Not collective.
Differences compare_origins(const std::vector<const model::ModelSpec*>& models, const model::Origin& here,
                            const config::Painter& painter);

/// @collective The same, and how many halos are less resolved than any that the model was trained on, and how their
/// inputs differ from its training's; all of it is logged.
Differences compare_with_training(const std::vector<const model::ModelSpec*>& models,
                                  const catalog::HaloCatalog& halos, const config::Config& config, const mpi::Communicator& comm, Logger& log);

/// What is asked of the law of shapes that has no effect, or that its numbers were not fitted for. Not collective.
std::vector<std::string> warnings_on_shapes(const config::Config& config, const catalog::Simulation& simulation);

void say(const Differences& differences, Logger& log);

}  // namespace halobrush::pipeline
