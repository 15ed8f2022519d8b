// What a catalog file looks like inside. A layout is told the columns, what stands beside them and the number of rows, and
// makes a file in which only the values of the columns are missing, each column in one piece. It knows neither where the
// values come from nor how they get there, and one rank alone calls it. Another layout is one file and one line in
// layout.cpp.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "halobrush/catalog/mock.hpp"

namespace halobrush::catalog {

class Layout {
 public:
  virtual ~Layout() = default;

  /// Throws data_error naming a column that such a file cannot hold or that its readers refuse; remarks on what readers do
  /// not see as it is.
  virtual std::vector<std::string> check(const Table& columns) const = 0;

  /// At most what a file takes.
  virtual std::uint64_t bytes(const MockHeader& header, const Table& columns, std::uint64_t rows,
                              std::uint64_t alignment) const = 0;

  /// Makes the file. Returns, for each column, the byte at which its values begin; they follow one another as in memory.
  /// Throws io_error.
  virtual std::vector<std::uint64_t> create(const std::string& path, const MockHeader& header, const Table& columns,
                                            std::uint64_t rows, std::uint64_t alignment) const = 0;

  /// Marks the file as complete, when all values are on the disk. Throws io_error.
  virtual void finish(const std::string& path) const = 0;
};

/// By what the file holds: galaxy_data_type or halo_data_type (table_file.hpp).
std::unique_ptr<Layout> layout_of(const std::string& data_type);

}  // namespace halobrush::catalog
