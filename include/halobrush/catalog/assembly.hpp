// The last step of a run: what was painted tile by tile becomes one file, or several.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "halobrush/catalog/mock.hpp"
#include "halobrush/catalog/cell_order.hpp"
#include "halobrush/catalog/staging.hpp"

namespace halobrush::catalog {

/// The rows of staged tiles in the order of the mock, of which one file is made, or several.
class StagedMock {
 public:
  /// @param tiles  the same on every rank; rows are in their order
  /// @param cells  for rows in the order of cells instead: how the rows of each of these tiles, which are sorted by cell, lie
  ///               in its cells; all tiles' on every rank
  StagedMock(const Table& columns, const Staging& staging, std::vector<StagedTile> tiles, std::vector<CellRows> cells = {});
  ~StagedMock();

  std::uint64_t rows() const;
  /// @collective Writes `count` rows from `first` on as one file. However many tiles there are and however large, each rank
  /// writes one share of equal size, options.slab_bytes of rows at a time; of the tiles it reads, and checks, what the slab
  /// needs. Throws and returns what write_mock does, and data_error where a tile is not what was written.
  std::vector<std::string> write(const std::string& path, const MockHeader& header, std::uint64_t first, std::uint64_t count,
                                 const mpi::Communicator& comm, const WriteOptions& options = {}) const;

 private:
  class Ordered;
  Table columns_;
  std::unique_ptr<Ordered> staged_;
};

/// @collective All rows of a StagedMock as one file.
std::vector<std::string> assemble(const std::string& path, const MockHeader& header, const Table& columns,
                                  const Staging& staging, const std::vector<StagedTile>& tiles,
                                  const mpi::Communicator& comm, const WriteOptions& options = {},
                                  std::vector<CellRows> cells = {});

}  // namespace halobrush::catalog
