// What painting and training share: from a configuration to halos with all their columns, and from a patch to
// a painter's inputs.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "halobrush/catalog/halo_catalog.hpp"
#include "halobrush/catalog/reader.hpp"
#include "halobrush/config/config.hpp"
#include "halobrush/core/log.hpp"
#include "halobrush/core/timer.hpp"
#include "halobrush/domain/box.hpp"
#include "halobrush/domain/distribution.hpp"
#include "halobrush/domain/patch_queue.hpp"
#include "halobrush/model/painter.hpp"
#include "halobrush/mpi/agree.hpp"
#include "halobrush/mpi/communicator.hpp"
#include "halobrush/pipeline/sizes.hpp"

namespace halobrush::pipeline {

domain::Box box_of(const catalog::Simulation& simulation);

catalog::ReadOptions read_options(const config::Config& config);

/// Fills in what a mock's header needs and the catalog does not say. Returns what was assumed, one a line.
std::string complete_cosmology(catalog::Simulation& simulation, const config::Cosmology& cosmology);

/// @collective The configured catalog's header; what cannot be run is refused before rows are read.
std::unique_ptr<catalog::HaloSource> open_halos(const config::Config& config, const mpi::Communicator& comm);

/// The columns that load_halos will give, without rows: those of the catalog and those derived (host, tidal).
catalog::Table offered_columns(const config::Config& config, catalog::Table columns);

/// The halo columns that painting and its mock need.
std::vector<std::string> columns_for(const model::Painter& painter);

/// @collective The rows of the catalog, with host columns and tidal tensor; every rank its share. Numbers are in single
/// precision, positions in double. selection.columns may name derived columns, too.
catalog::HaloCatalog load_halos(const config::Config& config, catalog::HaloSource& source,
                                catalog::Selection selection, const mpi::Communicator& comm,
                                StageTimes& times, Logger& log);
/// @collective The same with all columns.
catalog::HaloCatalog load_halos(const config::Config& config, const mpi::Communicator& comm,
                                StageTimes& times, Logger& log);

/// Mpc/h around a tile's galaxies within which halos are its ghosts.
double ghost_width(const config::Config& config, const model::Needs& needs);

/// @collective The tile of each halo, by the keys of `domain`. The same for all that paints, trains and evaluates.
domain::Ownership ownership(const config::Config& config, const domain::Box& box, const catalog::Table& halos,
                            const mpi::Communicator& comm);

/// @collective Hands the rows over to a distribution, all tiles to be painted; only the columns of
/// `halos` stay.
domain::Distribution distribute(const config::Config& config, catalog::HaloCatalog& halos, const model::Needs& needs,
                                const mpi::Communicator& comm);

/// @collective Calls work(patch) for the patches of the tiles that this rank keeps, in order. `work` must not use MPI.
template <class Work>
void for_each_patch(const config::Config& config, const domain::Distribution& halos, const mpi::Communicator& comm,
                    Work&& work) {
  domain::PatchQueue queue(halos, domain::PatchQueue::Deal::kept, wave_bytes(config, comm), comm);
  const auto failure = mpi::failure_of(comm, [&] {
    for (auto patches = queue.next(); !patches.empty(); patches = queue.next())
      for (auto& patch : patches) work(std::exchange(patch, {}));
  });
  if (failure) mpi::failure_of(comm, [&] { queue.stop(); });  // the first failure is the one to tell
  queue.finish();
  mpi::agree_on(comm, failure);
}

/// Graphs and features of one patch, as `needs` asks for. The result refers to the patch.
model::Inputs inputs_of(const domain::Patch& patch, const model::Needs& needs);

}  // namespace halobrush::pipeline
