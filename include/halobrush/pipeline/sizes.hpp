// What a configuration asks for against what there is: refused before memory or hours are spent on it.
#pragma once

#include <cstdint>

#include "halobrush/config/config.hpp"
#include "halobrush/core/log.hpp"
#include "halobrush/mpi/communicator.hpp"

namespace halobrush::pipeline {

/// Throws config_error where no halo catalog is named.
void check_input(const config::Config& config);

/// @collective Throws config_error where the mesh of the tidal tensor does not fit into the memory of the nodes.
void check_mesh(const config::Config& config, const mpi::Communicator& comm);

/// The same for a run on `ranks` ranks elsewhere: throws where a single plane is too large for a node like this one,
/// warns where so many ranks here would be. Not collective.
void check_mesh(const config::Config& config, int ranks, Logger& log);

/// Throws config_error for more tiles than halos (over a thousand of them): most would be empty, and each costs
/// memory, a file and a line in the ledger.
void check_tiles(const config::Config& config, std::uint64_t halos);

}  // namespace halobrush::pipeline
