// Painted snapshots on the sky of an observer: the boxes repeated about him, shell by shell (docs/lightcone.md).
#pragma once

#include "halobrush/config/config.hpp"
#include "halobrush/core/error.hpp"
#include "halobrush/core/log.hpp"
#include "halobrush/mpi/communicator.hpp"

namespace halobrush::lightcone {

/// @collective Writes output.path. Goes on from the staging folder; a finished light cone of the same configuration is kept,
/// another file is replaced with `overwrite` only. Throws Error; `stopped` where a signal ended it between two pieces.
ExitCode run(const config::Config& config, bool overwrite, const mpi::Communicator& comm, Logger& log);

/// Reads headers only: shells, repeated boxes, expected galaxies and bytes. Not collective.
void dry_run(const config::Config& config, int ranks, Logger& log);

}  // namespace halobrush::lightcone
