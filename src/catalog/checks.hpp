// What every halo must satisfy, whatever file it comes from.
#pragma once

#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "halobrush/catalog/halo_catalog.hpp"
#include "halobrush/mpi/communicator.hpp"

namespace halobrush::catalog {

/// What the values of a halo column (name as in halo_schema) may be: finite, and in the range of what it means.
class ValueCheck {
 public:
  ValueCheck(const std::string& column, const Simulation& simulation);
  bool allows(double value) const { return value >= lowest_ && value <= highest_; }  // NaN: no
  /// What is wrong with a value that is not allowed, with its cure.
  std::string fault_of(double value) const;

 private:
  std::string column_;
  double lowest_ = std::numeric_limits<double>::lowest(), highest_ = std::numeric_limits<double>::max();
  double side_ = 0;  // of the box, of a position
};

/// What is wrong with the two ratios of a halo's axes, of column c_to_a; nothing when they are fine.
std::optional<std::string> fault_of_ratios(double b_to_a, double c_to_a);

/// Throws data_error for the first value that no halo may have, row by row, so that the same row is named on any number
/// of ranks; `where` names a row of the table: file and place in it.
void check_halos(const Table& halos, const Simulation& simulation, const std::function<std::string(std::size_t)>& where);

/// The declared halo column of this name.
const ColumnSpec& spec_of_halo_column(const std::string& name);

/// Positions into the periodic box, [0, side): text and 32-bit floats round onto and over its edges.
void wrap_into_box(Table& halos, const Simulation& simulation);

/// Throws data_error where two files of one catalog are of two simulations or snapshots.
void require_same(const std::string& path, const Simulation& simulation, const std::string& first_path,
                  const Simulation& first);

/// Begins the remarks that are warnings.
inline constexpr auto warning = "warning: ";

/// The warning that a catalog is not of all of its box.
std::string piece_of_box(const std::string& why);

/// How hosts fill the box: a region without any that chance cannot explain is a piece that is missing.
class Occupancy {
 public:
  explicit Occupancy(const Simulation& simulation) : simulation_(simulation) {}
  void add(const Table& halos);  ///< columns x y z in the box, parent_id
  /// @collective
  void sum(const mpi::Communicator& comm);
  std::optional<std::string> empty_region() const;

 private:
  static constexpr std::size_t slabs = 512, cells = 8;
  std::optional<std::string> empty_slab(std::size_t axis) const;
  std::optional<std::string> empty_cell() const;

  Simulation simulation_;
  std::uint64_t hosts_ = 0;
  std::vector<std::uint64_t> slab_ = std::vector<std::uint64_t>(3 * slabs),
                             cell_ = std::vector<std::uint64_t>(cells * cells * cells);
};

/// @collective Throws data_error naming an id that occurs twice, the same for any number of ranks.
void check_unique_ids(const std::string& path, const Table& halos, const mpi::Communicator& comm);

}  // namespace halobrush::catalog
