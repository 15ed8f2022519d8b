// What painting and training share: from a configuration to halos with all their columns, and from a patch to
// a painter's inputs.
#pragma once

#include "halobrush/catalog/halo_catalog.hpp"
#include "halobrush/catalog/reader.hpp"
#include "halobrush/config/config.hpp"
#include "halobrush/core/log.hpp"
#include "halobrush/core/timer.hpp"
#include "halobrush/domain/box.hpp"
#include "halobrush/domain/patch.hpp"
#include "halobrush/model/painter.hpp"
#include "halobrush/mpi/communicator.hpp"

namespace halobrush::pipeline {

domain::Box box_of(const catalog::Simulation& simulation);

catalog::ReadOptions read_options(const config::Config& config);

/// Fills in what a mock's header needs and the catalog does not say. Returns what was assumed, one a line.
std::string complete_cosmology(catalog::Simulation& simulation, const config::Cosmology& cosmology);

/// @collective The configured catalog, with host columns and tidal tensor; every rank its share of rows.
catalog::HaloCatalog load_halos(const config::Config& config, const mpi::Communicator& comm,
                                StageTimes& times, Logger& log);

/// Adds the columns that load_halos derives (host, tidal) to a table without rows: what a catalog will offer.
void add_derived_columns(catalog::Table& halos, const std::vector<double>& smoothing_mpc_h);

/// Graphs and features of one patch, as `needs` asks for. The result refers to the patch.
model::Inputs inputs_of(const domain::Patch& patch, const model::Needs& needs);

}  // namespace halobrush::pipeline
