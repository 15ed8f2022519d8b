#include "halobrush/catalog/mock.hpp"

#include <cmath>

#include "halobrush/core/error.hpp"
#include "table_file.hpp"

namespace halobrush::catalog {

void write_mock(const std::string& path, const MockHeader& header, const Table& columns,
                std::uint64_t total_rows, const std::vector<RowBlock>& blocks,
                const mpi::Communicator& comm) {
  for (const auto& [name, value] : {std::pair{"omega_b", header.simulation.omega_b},
                                    {"sigma_8", header.simulation.sigma_8},
                                    {"n_s", header.simulation.n_s}})
    if (std::isnan(value)) throw internal_error("{}: a mock is written without {}", path, name);
  write_table_file(path, galaxy_data_type, header, columns, total_rows, blocks, comm);
}

Mock read_mock(const std::string& path, const std::vector<std::string>& columns,
               const mpi::Communicator& comm) {
  auto share = read_table_file(path, galaxy_data_type, columns, {"halo_id"}, comm);
  return {std::move(share.rows), std::move(share.header)};
}

MockSummary summarise_mock(const std::string& path) {
  return summarise_table_file(path, galaxy_data_type);
}

}  // namespace halobrush::catalog
