#include "halobrush/catalog/mock.hpp"

#include <algorithm>
#include <cmath>
#include <map>

#include "halobrush/catalog/numbers.hpp"
#include "halobrush/core/error.hpp"
#include "halobrush/mpi/agree.hpp"
#include "layout.hpp"
#include "mpi_file.hpp"
#include "share.hpp"
#include "table_file.hpp"
#include "transport.hpp"

namespace halobrush::catalog {
namespace {

// What is compared with halos, and what distances are measured from. A column that names no unit is taken in ours.
void in_our_units(const std::string& path, Table& rows, const Simulation& simulation) {
  static const std::map<std::string, std::string> units = {
      {"x", "Mpc/h"},  {"y", "Mpc/h"},  {"z", "Mpc/h"},       {"vx", "km/s"},         {"vy", "km/s"},
      {"vz", "km/s"},  {"mass", "Msun/h"}, {"halo_mass", "Msun/h"}, {"host_halo_mass", "Msun/h"}};
  for (auto& column : rows.columns())
    if (const auto ours = units.find(column.spec.name); ours != units.end() && !column.spec.unit.empty())
      convert_unit(fmt::format("{}: column '{}'", path, column.spec.name), column, ours->second,
                   simulation);
}

// Where another program has numbers for booleans.
void check_is_central(const std::string& path, const Table& rows) {
  if (!rows.has("is_central")) return;
  const auto values = numbers(rows, "is_central");
  const auto wrong = std::ranges::find_if(values, [](double v) { return v != 0 && v != 1; });
  if (wrong != values.end())
    throw data_error("{}: column 'is_central' holds {:g}, which is neither 0 nor 1; write 1 for centrals and 0 for satellites", path, *wrong);
}

ReadAs read_as(const std::string& column) {
  if (is_integer_column(column)) return ReadAs::integers;
  return column.ends_with("_known") ? ReadAs::booleans : ReadAs::stored;
}

}  // namespace

std::string entry_of(const Provenance& provenance, const std::string& name) {
  const auto entry = std::ranges::find(provenance, name, &Provenance::value_type::first);
  return entry == provenance.end() ? "" : entry->second;
}

bool WriteOptions::collective() const {
  return asks_for_collective_writes(hints);
}

std::vector<std::string> check_mock(const Table& columns, const WriteOptions& options) {
  check_hints(options.hints);
  return layout_of(galaxy_data_type)->check(columns);
}

std::vector<std::string> write_mock(const std::string& path, const MockHeader& header, const Table& columns,
                                    std::uint64_t total_rows, const std::vector<RowBlock>& blocks,
                                    const mpi::Communicator& comm, const WriteOptions& options) {
  for (const auto& [name, value] : {std::pair{"omega_b", header.simulation.omega_b},
                                    {"sigma_8", header.simulation.sigma_8},
                                    {"n_s", header.simulation.n_s}})
    if (std::isnan(value)) throw internal_error("{}: a mock is written without {}", path, name);
  return write_file(path, *layout_of(galaxy_data_type), header, columns, total_rows, blocks, options, comm);
}

Mock read_mock(const std::string& path, const std::vector<std::string>& columns,
               const mpi::Communicator& comm) {
  const TableFile file(path, galaxy_data_type, columns, {"halo_id"}, read_as, comm);
  const auto mine = share_of({0, file.rows()}, comm.rank(), comm.size());
  auto galaxies = file.read(mine.begin, mine.size(), comm);
  mpi::agree(comm, [&] {
    check_is_central(path, galaxies);
    in_our_units(path, galaxies, file.header().simulation);
  });
  return {std::move(galaxies), file.header()};
}

struct MockRows::Open {
  std::string path;
  TableFile file;
};

MockRows::MockRows(const std::string& path, const std::vector<std::string>& columns)
    : open_(new Open{path, TableFile(path, galaxy_data_type, columns, {"halo_id"}, read_as)}) {}
MockRows::~MockRows() = default;
MockRows::MockRows(MockRows&&) noexcept = default;

const MockHeader& MockRows::header() const {
  return open_->file.header();
}

std::uint64_t MockRows::rows() const {
  return open_->file.rows();
}

Table MockRows::read(std::uint64_t first, std::uint64_t count) const {
  auto rows = open_->file.read(first, count);
  check_is_central(open_->path, rows);
  in_our_units(open_->path, rows, header().simulation);
  return rows;
}

MockSummary summarise_mock(const std::string& path) {
  return summarise_table_file(path, galaxy_data_type);
}

}  // namespace halobrush::catalog
