// A finished galaxy catalog of another program (diffsky, OpenCosmo): columns are read, replaced or added; what is not
// touched keeps its bits.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "halobrush/catalog/table.hpp"

namespace halobrush {
class ChangedFile;
}

namespace halobrush::catalog {

/// One set of galaxies in a file: the datasets of a group named `data`, one row a galaxy.
class GalaxyGroup {
 public:
  const std::string& name() const;  ///< "data", "cores/data"
  const std::vector<std::string>& columns() const;
  bool has(const std::string& column) const;
  std::uint64_t rows() const;

  /// Rows [first, first + rows), one number each. Throws data_error naming file, column and row.
  std::vector<double> reals(const std::string& column, std::uint64_t first, std::uint64_t rows) const;
  std::vector<std::int64_t> integers(const std::string& column, std::uint64_t first, std::uint64_t rows) const;

  /// Puts numbers into rows from `first` on of a column that is there, in its own type. Throws io_error.
  void write(const std::string& column, std::uint64_t first, std::span<const double> values);
  void write(const std::string& column, std::uint64_t first, std::span<const std::int64_t> values);
  /// A new column, of the type that `like` holds. Throws data_error where it is there already.
  void add(const ColumnSpec& column, const ColumnData& like);

  /// Bytes in the file.
  std::uint64_t stored_bytes(const std::string& column) const;
  /// Whether its values are written with filters, so that new ones may need another place in the file.
  bool filtered(const std::string& column) const;

  /// Sum over rows of the hash (XXH3-64) of a row's bytes as they are in the file, times a hash of the names of group and
  /// column: the same in whatever order rows are.
  std::uint64_t checksum(const std::string& column) const;
  /// A hash of each row [first, first + rows): of the names and bytes of all its columns, in whatever order these are.
  std::vector<std::uint64_t> row_hashes(std::uint64_t first, std::uint64_t rows) const;

 private:
  friend class GalaxyFile;
  struct Open;
  explicit GalaxyGroup(std::shared_ptr<Open> open);
  std::shared_ptr<Open> open_;
};

/// Not collective: one rank works on a file.
class GalaxyFile {
 public:
  /// Throws io_error, data_error: no HDF5 file; no group `data`; columns of unequal length, of texts of unequal length, or
  /// that lie in another file (links, virtual datasets, raw files), which a copy would share.
  static GalaxyFile to_read(const std::string& path);
  static GalaxyFile to_change(const std::string& path);
  /// Through `changed`, which can put the file back.
  static GalaxyFile to_change(const std::string& path, const std::shared_ptr<ChangedFile>& changed);

  std::vector<GalaxyGroup>& groups() { return groups_; }
  const std::vector<GalaxyGroup>& groups() const { return groups_; }

  /// Text attributes of a group at the root, none where it is not there.
  std::vector<std::pair<std::string, std::string>> notes(const std::string& group) const;
  void write_notes(const std::string& group, const std::vector<std::pair<std::string, std::string>>& notes);

  void close();  ///< throws io_error

 private:
  struct Open;
  GalaxyFile(std::string path, std::shared_ptr<Open> open);
  std::string path_;
  std::shared_ptr<Open> open_;
  std::vector<GalaxyGroup> groups_;
};

}  // namespace halobrush::catalog
