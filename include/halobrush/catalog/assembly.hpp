// The last step of a run: what was painted tile by tile becomes one file.
#pragma once

#include <string>
#include <vector>

#include "halobrush/catalog/mock.hpp"
#include "halobrush/catalog/staging.hpp"

namespace halobrush::catalog {

/// @collective Writes the rows of all tiles, in the order of `tiles` (the same on every rank), as one mock. However many
/// tiles there are and however large, each rank writes one share of equal size, options.slab_bytes of rows at a time; of the
/// tiles it reads, and checks, what the slab needs. Throws and returns what write_mock does, and data_error where a tile is
/// not what was written.
std::vector<std::string> assemble(const std::string& path, const MockHeader& header, const Table& columns,
                                  const Staging& staging, const std::vector<StagedTile>& tiles,
                                  const mpi::Communicator& comm, const WriteOptions& options = {});

}  // namespace halobrush::catalog
