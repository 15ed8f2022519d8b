// What a configuration asks for against what there is: refused before memory or hours are spent on it.
#pragma once

#include <algorithm>
#include <cstdint>

#include "halobrush/catalog/reader.hpp"
#include "halobrush/config/config.hpp"
#include "halobrush/core/log.hpp"
#include "halobrush/model/painter.hpp"
#include "halobrush/mpi/communicator.hpp"

namespace halobrush::pipeline {

/// Throws config_error where no halo catalog is named.
void check_input(const config::Config& config);

/// @collective Throws config_error where the mesh of the tidal tensor does not fit into the memory of the nodes.
void check_mesh(const config::Config& config, const mpi::Communicator& comm);

/// The same for a run on `ranks` ranks elsewhere: throws where a single plane is too large for a node like this one,
/// warns where so many ranks here would be. Not collective.
void check_mesh(const config::Config& config, int ranks, Logger& log);

/// How many tiles are expected, and the halos of the largest: tiles of equal widths may have up to domain.max_halos.
struct Tiles {
  double count, halos;
};
Tiles tiles_of(const config::Config& config, double halos);

/// What painting takes of the memory of each rank, by stage, bytes; measured on catalogs of 1e6 and 2e7 halos.
struct MemoryNeed {
  double program = 0;  ///< the program and its libraries
  double halos = 0;    ///< the rows that a rank keeps
  double sending = 0;  ///< what is there beside them while hosts are looked up and rows are sent
  double mesh = 0;     ///< of the tidal tensor
  double tiles = 0;    ///< the patches that are held at a time
  double model = 0;    ///< what a painter makes of one tile
  /// None of the three is there with another.
  double peak() const { return program + halos + std::max({sending, mesh, tiles + model}); }
};
/// `columns`: of the halos that are kept, without rows; `limit`: what a rank may take.
MemoryNeed memory_need(const config::Config& config, double halos, const catalog::Table& columns, bool learned, int ranks,
                       double limit);

/// What each rank may take: limits.memory, or its share of the node's.
double memory_limit(const config::Config& config, int ranks_on_node);

/// @collective Throws config_error where painting this catalog takes more, naming ranks and domain.max_halos that fit.
void check_memory(const config::Config& config, const catalog::HaloSource& source, const model::Painter& painter,
                  const mpi::Communicator& comm);

/// @collective Bytes of the halos whose patches are held at a time on each rank.
double wave_bytes(const config::Config& config, const mpi::Communicator& comm);

/// Throws config_error for more tiles than halos (over a thousand of them): most would be empty, and each costs
/// memory, a file and a line in the ledger.
void check_tiles(const config::Config& config, std::uint64_t halos);

}  // namespace halobrush::pipeline
