// The last step of a run: what was painted tile by tile becomes one file.
#pragma once

#include <string>
#include <vector>

#include "halobrush/catalog/mock.hpp"
#include "halobrush/catalog/cell_order.hpp"
#include "halobrush/catalog/staging.hpp"

namespace halobrush::catalog {

/// @collective Writes the rows of all tiles, in the order of `tiles` (the same on every rank), as one mock. However many
/// tiles there are and however large, each rank writes one share of equal size, options.slab_bytes of rows at a time; of the
/// tiles it reads, and checks, what the slab needs. Throws and returns what write_mock does, and data_error where a tile is
/// not what was written.
/// @param cells  for a mock in the order of cells (header.rows_of_cell): how the rows of each tile, which are sorted by
///               cell, lie in its cells; all tiles' on every rank
std::vector<std::string> assemble(const std::string& path, const MockHeader& header, const Table& columns,
                                  const Staging& staging, const std::vector<StagedTile>& tiles,
                                  const mpi::Communicator& comm, const WriteOptions& options = {},
                                  std::vector<CellRows> cells = {});

}  // namespace halobrush::catalog
