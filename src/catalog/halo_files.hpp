// A halo catalog in one or several files that hold columns of rows: how ranks share the files, whatever their format.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "halobrush/catalog/reader.hpp"

namespace halobrush::catalog {

/// What a format says of one of its files. Plain data, so that ranks can exchange it.
struct FileFacts {
  std::uint64_t rows = 0;
  std::int64_t number = 0;  ///< in a set, where the file says it
};

/// A catalog of one format, of which the header of the first file is read. Nothing here is collective.
class HaloFiles {
 public:
  virtual ~HaloFiles() = default;

  const Simulation& simulation() const { return simulation_; }
  const std::vector<std::string>& remarks() const { return remarks_; }
  const std::vector<std::string>& units() const { return units_; }  ///< what numbers are in, a line each

  /// Throws data_error where a file is damaged, or is not of the catalog of the first one.
  virtual FileFacts look_at(std::size_t file) = 0;
  /// Of all files. Throws data_error where they are not all of the catalog.
  virtual void check_set(std::span<const FileFacts>) const {}
  /// Rows [first, first + rows) of a file as columns of halo_schema, checked; without rows the columns that all blocks
  /// have. Throws data_error naming file, row and column.
  virtual Table read(std::size_t file, std::uint64_t first, std::uint64_t rows) = 0;

  using Sum = std::function<std::uint64_t(std::uint64_t)>;
  /// On the rows read so far; `sum` adds a count over all ranks, which call it in the same order.
  virtual std::vector<std::string> remarks_on_rows(const Sum& sum) const = 0;

 protected:
  Simulation simulation_;
  std::vector<std::string> remarks_, units_;
};

/// Opens a catalog by its files, which are not empty.
using OpenHaloFiles = std::function<std::unique_ptr<HaloFiles>(const std::vector<std::string>& files)>;

/// @collective
std::unique_ptr<HaloSource> open_halo_files(Input input, const OpenHaloFiles& open, const mpi::Communicator& comm);

/// As read_header. Not collective.
HaloHeader read_halo_files_header(const Input& input, const OpenHaloFiles& open);

/// All rows of a catalog that is not large, none of a large one, for read_header. Not collective. Throws data_error.
Table sample_halo_files(const OpenHaloFiles& open, HaloHeader& said, const Input& input);

}  // namespace halobrush::catalog
