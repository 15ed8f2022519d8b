#include "canonical.hpp"

#include <algorithm>
#include <filesystem>
#include <sstream>

#include "checks.hpp"
#include "halobrush/core/error.hpp"
#include "halobrush/mpi/agree.hpp"
#include "layout.hpp"
#include "table_file.hpp"
#include "transport.hpp"

namespace halobrush::catalog {
namespace {

constexpr auto remarks_key = "remarks", made_from_key = "made_from";

std::vector<std::string> required_columns() {
  std::vector<std::string> names;
  for (const auto& column : halo_schema())
    if (column.required) names.push_back(column.spec.name);
  return names;
}

const HaloColumn* declared(const std::string& name) {
  const auto found = std::ranges::find(halo_schema(), name, [](const auto& column) { return column.spec.name; });
  return found == halo_schema().end() ? nullptr : &*found;
}

ReadAs read_as(const std::string& name) {
  const auto* column = declared(name);
  if (column == nullptr) return ReadAs::stored;
  return column->boolean ? ReadAs::booleans : column->integer ? ReadAs::integers : ReadAs::numbers;
}

// Says what was converted.
std::vector<std::string> into_our_units(const std::string& path, Table& halos, const Simulation& simulation) {
  std::vector<std::string> remarks;
  for (auto& column : halos.columns()) {
    const auto* ours = declared(column.spec.name);
    if (ours == nullptr || ours->spec.unit.empty()) continue;
    const auto theirs = column.spec.unit;
    convert_unit(fmt::format("{}: column '{}'", path, column.spec.name), column, ours->spec.unit, simulation);
    if (theirs != ours->spec.unit)
      remarks.push_back(fmt::format("{}: '{}' in the file, '{}' here", column.spec.name, theirs, ours->spec.unit));
  }
  return remarks;
}

void check_values(const std::string& path, const Table& rows, std::uint64_t first_row, const Simulation& simulation) {
  // Row by row, so that the first bad row is named whatever the number of ranks.
  for (std::size_t i = 0; i < rows.rows(); ++i)
    for (const auto& column : rows.columns()) {
      const double value =
          std::visit([&](const auto& values) { return static_cast<double>(values[i]); }, column.data);
      if (const auto fault = fault_of(column.spec.name, value, simulation))
        throw data_error("{}: row {}: column '{}' {}", path, first_row + i, column.spec.name, *fault);
    }
}

Source source_of(const std::string& path) {
  return {path, "halobrush", std::filesystem::file_size(path), ""};
}

std::vector<std::string> remarks_of(const MockHeader& header) {
  std::vector<std::string> remarks;
  for (const auto& [key, text] : header.provenance) {
    std::istringstream lines(text);
    if (key == remarks_key)
      for (std::string line; std::getline(lines, line);) remarks.push_back(line);
    if (key == made_from_key) remarks.push_back("made from " + text);
  }
  return remarks;
}

MockHeader header_of(const HaloCatalog& catalog) {
  std::string remarks;
  for (const auto& remark : catalog.remarks) remarks += remark + "\n";
  const auto& source = catalog.source;
  MockHeader header{catalog.simulation, {{remarks_key, remarks}}};
  if (!source.path.empty())
    header.provenance.emplace_back(
        made_from_key, fmt::format("{} ({}, sha256 {})", source.path, source.format, source.sha256));
  return header;
}

// A galaxy catalog may carry its halos.
std::string type_of(const std::string& path) {
  return data_type_of(path) == galaxy_data_type ? galaxy_data_type : halo_data_type;
}

// Of a galaxy catalog only what is of halos; all (an empty list) of a halo catalog.
std::vector<std::string> columns_of_halos(const std::string& path) {
  std::vector<std::string> names;
  if (type_of(path) == halo_data_type) return names;
  for (const auto& column : summarise_table_file(path, galaxy_data_type).columns)
    if (declared(column.name) != nullptr) names.push_back(column.name);
  return names;
}

class CanonicalSource : public HaloSource {
 public:
  CanonicalSource(const std::string& path, const mpi::Communicator& comm)
      : path_(path), file_(open(path, comm)) {
    header_.simulation = file_.header().simulation;
    header_.source = source_of(path);
    header_.remarks = remarks_of(file_.header());
    header_.halos = mpi::agree(comm, [&] { return file_.read(0, 0); });
    for (auto& remark : mpi::agree(comm, [&] { return into_our_units(path_, header_.halos, header_.simulation); }))
      header_.remarks.push_back(std::move(remark));
  }

  double rows() const override { return static_cast<double>(file_.rows()); }

  void read(const Take& take, const mpi::Communicator& comm) override {
    constexpr std::uint64_t block_rows = 1 << 18;
    const auto n = static_cast<std::uint64_t>(comm.size()), rank = static_cast<std::uint64_t>(comm.rank());
    const auto begin = file_.rows() * rank / n, end = file_.rows() * (rank + 1) / n;
    const auto rounds = comm.max((end - begin + block_rows - 1) / block_rows);
    for (std::uint64_t round = 0; round < rounds; ++round) {
      const auto first = std::min(begin + round * block_rows, end), rows = std::min(block_rows, end - first);
      auto halos = file_.read(first, rows, comm);
      mpi::agree(comm, [&] {
        into_our_units(path_, halos, header_.simulation);
        check_values(path_, halos, first, header_.simulation);
        take(std::move(halos), static_cast<double>(first + rows - begin) / static_cast<double>(std::max(end - begin, std::uint64_t{1})));
      });
    }
  }

 private:
  static TableFile open(const std::string& path, const mpi::Communicator& comm) {
    const auto [type, columns] =
        mpi::agree(comm, [&] { return std::pair(type_of(path), columns_of_halos(path)); });
    return {path, type, columns, required_columns(), read_as, comm};
  }

  std::string path_;
  TableFile file_;
};

}  // namespace

bool has_halo_columns(const std::string& path) {
  const auto columns = summarise_table_file(path, data_type_of(path)).columns;
  return std::ranges::all_of(required_columns(), [&](const auto& name) {
    return std::ranges::any_of(columns, [&](const auto& column) { return column.name == name; });
  });
}

std::unique_ptr<HaloSource> open_canonical(const std::string& path, const mpi::Communicator& comm) {
  return std::make_unique<CanonicalSource>(path, comm);
}

HaloHeader read_canonical_header(const std::string& path) {
  const auto summary = summarise_table_file(path, type_of(path));
  HaloHeader header{summary.header.simulation, source_of(path), {}, summary.rows, true, {}};
  for (const auto& column : summary.columns) {
    header.columns.push_back(column.name);
    if (const auto* ours = declared(column.name); ours != nullptr && column.unit != ours->spec.unit)
      header.units.push_back(fmt::format("{}: '{}' in the file, '{}' here", column.name, column.unit, ours->spec.unit));
  }
  return header;
}

Table sample_canonical(const std::string& path, const HaloHeader& said) {
  constexpr std::uint64_t most = 10'000'000;
  if (said.rows == 0 || said.rows > most) return {};
  std::vector<std::string> columns = {"parent_id", "x", "y", "z"};
  for (const auto& name : columns)
    if (std::ranges::count(said.columns, name) == 0) return {};
  for (const char* name : {"mass", "bound_mass", "n_particles", "vmax"})  // by which halos are left out
    if (std::ranges::count(said.columns, name) > 0) columns.emplace_back(name);
  auto halos = read_columns(path, columns, read_as);
  into_our_units(path, halos, said.simulation);
  return halos;
}

void write_halos(const std::string& path, const MockHeader& header, const Table& columns,
                 std::uint64_t total_rows, const std::vector<RowBlock>& blocks,
                 const mpi::Communicator& comm) {
  write_file(path, layout_of(halo_data_type), header, columns, total_rows, blocks, {}, comm);
}

void write_halos(const std::string& path, const HaloCatalog& catalog, const mpi::Communicator& comm) {
  const std::uint64_t rows = catalog.halos.rows();
  const RowBlock block{comm.exclusive_sum(rows), rows, [&](Table& halos) { halos = catalog.halos; }};
  write_halos(path, header_of(catalog), catalog.halos.empty_like(), comm.sum(rows), {block}, comm);
}

}  // namespace halobrush::catalog
