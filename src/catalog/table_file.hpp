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

struct TableShare {
  Table rows;
  std::uint64_t first_row = 0;
  MockHeader header;
};
/// @collective This rank's share of rows; all columns when none is named. Throws data_error unless `required`
/// is there.
TableShare read_table_file(const std::string& path, const std::string& data_type,
                           const std::vector<std::string>& columns, const std::vector<std::string>& required,
                           const mpi::Communicator& comm);

MockSummary summarise_table_file(const std::string& path, const std::string& data_type);

/// data_type of an HDF5 file in this layout, empty for any other. Throws io_error.
std::string data_type_of(const std::string& path);

}  // namespace halobrush::catalog
