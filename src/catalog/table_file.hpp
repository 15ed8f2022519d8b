// The HDF5 file that galaxy mocks and canonical halo catalogs share: a table with its simulation and
// provenance in the OpenCosmo layout (docs/formats.md). The kinds differ in /header/file's data_type alone.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "h5.hpp"
#include "halobrush/catalog/mock.hpp"

namespace halobrush::catalog {

inline constexpr auto galaxy_data_type = "synthetic_galaxies";
inline constexpr auto halo_data_type = "halo_properties";

/// What the second names of x, y and z begin with, which OpenCosmo's queries in boxes need.
inline constexpr std::string_view opencosmo_position = "fof_halo_center_";

/// What a column is read as, whatever it is in the file.
enum class ReadAs { stored, integers, numbers, booleans };
using ReadAsOf = ReadAs (*)(const std::string& column);

/// Columns that name something or count: whole numbers, also where another program has floats.
bool is_integer_column(const std::string& name);

/// The values of a column in the unit `wanted`, which its spec then says. Throws data_error, beginning with `where`.
void convert_unit(const std::string& where, Column& column, const std::string& wanted, const Simulation& simulation);

/// The unit that a halo column's numbers are converted to: that of the schema, and of specific_spin that of its description.
/// Empty: they have none, or (jx, jy, jz) any.
std::string unit_of_numbers(const ColumnSpec& ours);

/// Throws data_error, beginning with `where`, when what is a pure number by its definition (spin parameter, axis ratio,
/// component of a unit vector) has the unit of something else. A text that is no unit known here passes.
void check_pure_number(const std::string& where, const HaloColumn& ours, const std::string& unit);

/// A table file to be read in blocks of rows.
class TableFile {
 public:
  /// Not collective; as below.
  TableFile(const std::string& path, const std::string& data_type, const std::vector<std::string>& columns,
            const std::vector<std::string>& required, ReadAsOf read_as);
  /// @collective All columns when none is named. Throws data_error unless `required` is there, the same on any number
  /// of ranks.
  TableFile(const std::string& path, const std::string& data_type, const std::vector<std::string>& columns,
            const std::vector<std::string>& required, ReadAsOf read_as, const mpi::Communicator& comm);
  const MockHeader& header() const { return header_; }
  std::uint64_t rows() const { return rows_; }
  /// Not collective; the columns alone when count is 0.
  Table read(std::uint64_t first, std::uint64_t count) const;
  /// @collective The same, each column agreed upon: the first one with a fault is named on any number of ranks.
  Table read(std::uint64_t first, std::uint64_t count, const mpi::Communicator& comm) const;

 private:
  void open(const std::string& path, const std::vector<std::string>& columns, const std::vector<std::string>& required);

  std::optional<h5::File> file_;
  h5::Handle data_;
  MockHeader header_;
  std::vector<std::string> names_;
  ReadAsOf read_as_;
  std::uint64_t rows_ = 0;
};

/// All rows of some columns. Not collective.
Table read_columns(const std::string& path, const std::vector<std::string>& names, ReadAsOf read_as);

MockSummary summarise_table_file(const std::string& path, const std::string& data_type);

/// data_type of an HDF5 file in this layout, empty for any other. Throws io_error.
std::string data_type_of(const std::string& path);

/// The simulation by /header, as OpenCosmo has it; what it does not say is NaN, the box 0. Throws data_error for a light cone and
/// for physical units.
Simulation simulation_of_header(hid_t file, const std::string& path);

/// By the attributes `unit` and `units`, without a "comoving" before it; empty where there is none. Throws data_error.
std::string unit_of_column(hid_t dataset, const std::string& name);

}  // namespace halobrush::catalog
