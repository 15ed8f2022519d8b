// The main job: from a halo catalog to a mock galaxy catalog.
#pragma once

#include "halobrush/config/config.hpp"
#include "halobrush/core/error.hpp"
#include "halobrush/core/log.hpp"
#include "halobrush/mpi/communicator.hpp"

namespace halobrush::paint {

enum class Restart {
  automatic,  ///< goes on from the staging folder; a finished mock is kept, one of another configuration is refused
  overwrite,  ///< the same, but what is of another configuration, or damaged, is replaced
  never,      ///< paints everything anew
};

/// @collective Paints the configured catalog and writes output.path and its summary. Returns done, or stopped
/// when a signal (core/signals), the wall-time budget or a stop file ended it between two tiles.
ExitCode run(const config::Config& config, Restart restart, const mpi::Communicator& comm, Logger& log);

/// Reads headers only and prints rows, tiles, ghost fraction, memory per rank and output size. Not
/// collective: call it on the root.
void dry_run(const config::Config& config, int ranks, Logger& log);

}  // namespace halobrush::paint
