// Halo properties of HACC, by the names that HACC gives them in whatever file: GenericIO, OpenCosmo's HDF5. What they
// become here is in docs/formats.md.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "halobrush/catalog/halo_catalog.hpp"
#include "halobrush/mpi/communicator.hpp"

namespace halobrush::catalog {

/// What is counted among rows.
struct HaccCounts {
  std::uint64_t rows = 0, without_sod = 0, fragments = 0, shapeless = 0;
  HaccCounts& operator+=(const HaccCounts& other);
};

class HaccColumns {
 public:
  /// `names`: all columns of the file. Throws data_error naming columns that are needed and not there, and for a light
  /// cone.
  HaccColumns(std::string path, std::span<const std::string> names);

  /// Columns to be read, in this order.
  const std::vector<std::string>& needed() const { return needed_; }
  /// Of the masses: 200c, or fof where there are no spherical overdensities.
  std::string mass_definition() const { return sod_ ? "200c" : "fof"; }

  /// Rows of halo_schema from the needed columns in HACC's units: positions and lengths in comoving Mpc/h, masses in
  /// Msun/h, velocities in comoving km/s. Integers are int64; numbers are float or double, and stay what they are, but
  /// for positions (double). Without rows: the columns that a file has. `first_row`: of the file, for messages. Throws data_error naming file, row and column.
  Table halos(const std::vector<ColumnData>& columns, std::uint64_t first_row, const Simulation& simulation,
              HaccCounts& counts) const;

  /// What is to be said of such columns, and of rows counted.
  std::vector<std::string> remarks(const Simulation& simulation) const;
  static std::vector<std::string> remarks(const HaccCounts& counts);
  /// Where each of our columns comes from, a line each.
  std::vector<std::string> sources() const;

 private:
  class Rows;
  void check_finite(const std::vector<ColumnData>& columns, std::uint64_t first_row) const;
  std::string path_;
  std::vector<std::string> needed_;
  std::string velocity_, vmax_, shape_;  // beginnings of names, or a name; empty: not there
  bool sod_ = false, spin_ = false, dispersion_ = false, count_ = false;
};

/// @collective Of all ranks.
HaccCounts sum(const HaccCounts& counts, const mpi::Communicator& comm);

}  // namespace halobrush::catalog
