// What a catalog file looks like inside. A layout is told the columns, what stands beside them and the number of rows,
// and makes a file that is filled by slabs of rows; where these come from it does not know.
// Another layout is one file and one line in layout.cpp.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "halobrush/catalog/mock.hpp"

namespace halobrush::catalog {

/// A file that is being written, by all ranks together.
class LayoutFile {
 public:
  virtual ~LayoutFile() = default;

  /// Rows [first_row, first_row + n) of one column, n may be 0. Not collective, unless WriteOptions::collective() says so.
  virtual void write(std::size_t column, std::uint64_t first_row, const ColumnData& values) = 0;

  /// @collective Marks the file as complete and closes it.
  virtual void finish() = 0;

  /// On how the open file is written; none: as asked for.
  virtual std::vector<std::string> remarks() const = 0;
};

class Layout {
 public:
  virtual ~Layout() = default;

  /// Throws data_error naming a column that such a file cannot hold or that its readers refuse; remarks on what readers do
  /// not see as it is.
  virtual std::vector<std::string> check(const Table& columns) const = 0;

  /// At most what a file takes.
  virtual std::uint64_t bytes(const MockHeader& header, const Table& columns, std::uint64_t rows,
                              std::uint64_t alignment) const = 0;

  /// @collective Makes the file with everything but rows. `columns` declares them, in their order.
  virtual std::unique_ptr<LayoutFile> create(const std::string& path, const MockHeader& header, const Table& columns,
                                             std::uint64_t rows, const WriteOptions& options,
                                             const mpi::Communicator& comm) const = 0;
};

/// By what the file holds: galaxy_data_type or halo_data_type (table_file.hpp).
const Layout& layout_of(const std::string& data_type);

}  // namespace halobrush::catalog
