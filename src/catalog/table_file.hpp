// The HDF5 file that galaxy mocks and canonical halo catalogs share: a table with its simulation and
// provenance in the OpenCosmo layout (docs/formats.md). The kinds differ in /header/file's data_type alone.
#pragma once

#include <string>
#include <vector>

#include "h5.hpp"
#include "halobrush/catalog/mock.hpp"

namespace halobrush::catalog {

inline constexpr auto galaxy_data_type = "synthetic_galaxies";
inline constexpr auto halo_data_type = "halo_properties";

/// @collective As write_mock.
void write_table_file(const std::string& path, const std::string& data_type, const MockHeader& header,
                      const Table& columns, std::uint64_t total_rows, const std::vector<RowBlock>& blocks,
                      const mpi::Communicator& comm);

/// What a column is read as, whatever it is in the file.
enum class ReadAs { stored, integers, numbers, booleans };
using ReadAsOf = ReadAs (*)(const std::string& column);

/// Columns that name something or count: whole numbers, also where another program has floats.
bool is_integer_column(const std::string& name);

/// The values of a column in the unit `wanted`, which its spec then says. Throws data_error, beginning with `where`.
void convert_unit(const std::string& where, Column& column, const std::string& wanted, const Simulation& simulation);

struct TableShare {
  Table rows;
  std::uint64_t first_row = 0;
  MockHeader header;
};
/// @collective This rank's share of rows; all columns when none is named. Throws data_error unless `required`
/// is there, the same on any number of ranks.
TableShare read_table_file(const std::string& path, const std::string& data_type,
                           const std::vector<std::string>& columns, const std::vector<std::string>& required,
                           ReadAsOf read_as, const mpi::Communicator& comm);

/// All rows of some columns. Not collective.
Table read_columns(const std::string& path, const std::vector<std::string>& names, ReadAsOf read_as);

MockSummary summarise_table_file(const std::string& path, const std::string& data_type);

/// data_type of an HDF5 file in this layout, empty for any other. Throws io_error.
std::string data_type_of(const std::string& path);

}  // namespace halobrush::catalog
