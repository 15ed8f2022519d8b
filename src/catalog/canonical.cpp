#include "canonical.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <optional>
#include <sstream>

#include "checks.hpp"
#include "halobrush/core/error.hpp"
#include "halobrush/mpi/agree.hpp"
#include "layout.hpp"
#include "share.hpp"
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
    if (ours == nullptr) continue;
    const auto where = fmt::format("{}: column '{}'", path, column.spec.name);
    const auto theirs = column.spec.unit, wanted = unit_of_numbers(ours->spec);
    check_pure_number(where, *ours, theirs);
    const bool in_ours_by_default = ours->spec.unit.empty() && theirs.empty();
    if (wanted.empty() || in_ours_by_default) continue;
    convert_unit(where, column, wanted, simulation);
    if (theirs != wanted) remarks.push_back(fmt::format("{}: '{}' in the file, '{}' here", column.spec.name, theirs, wanted));
  }
  return remarks;
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

TableFile open_table(const std::string& path, const std::vector<std::string>& columns) {
  return {path, type_of(path), columns.empty() ? columns_of_halos(path) : columns, required_columns(), read_as};
}

// Two files of one catalog have the same columns, of the same type and unit; undeclared ones are kept as they are stored.
void require_same_columns(const std::string& path, const Table& here, const std::string& first_path, const Table& first) {
  const auto refuse = [&](const std::string& column, const char* what) {
    throw data_error("{}: {} column '{}', unlike {} (files of two catalogs); give the files of one", path, what, column,
                     first_path);
  };
  const auto find = [](const Table& table, const std::string& name) {
    return std::ranges::find(table.columns(), name, [](const Column& column) { return column.spec.name; });
  };
  for (const auto& column : here.columns())
    if (!first.has(column.spec.name)) refuse(column.spec.name, "has a");
  for (const auto& column : first.columns()) {
    const auto found = find(here, column.spec.name);
    if (found == here.columns().end()) refuse(column.spec.name, "has no");
    if (found->spec.unit != column.spec.unit) refuse(column.spec.name, "has another unit of");
    if (found->data.index() != column.data.index()) refuse(column.spec.name, "has another type of");
  }
}

// What a file of several says.
struct Part {
  std::uint64_t rows = 0;
  std::vector<std::string> remarks;
};

Part look_at(const std::string& path, const std::string& first_path, const Simulation& simulation, const Table& columns) {
  const auto file = open_table(path, {});
  if (path != first_path) {
    require_same(path, file.header().simulation, first_path, simulation);
    require_same_columns(path, file.read(0, 0), first_path, columns);
  }
  return {file.rows(), remarks_of(file.header())};
}

void add_new(std::vector<std::string>& remarks, const std::string& remark) {
  if (std::ranges::count(remarks, remark) == 0) remarks.push_back(remark);
}

// Columns of a vector of which another component is not there; said in `remarks`.
std::vector<std::string> incomplete_vectors(const std::vector<std::string>& columns, std::vector<std::string>& remarks) {
  std::vector<std::string> left_out;
  for (const auto& vector : {std::array{"jx", "jy", "jz"}, std::array{"axis_x", "axis_y", "axis_z"}}) {
    std::vector<std::string> here, absent;
    for (const char* name : vector) (std::ranges::count(columns, name) > 0 ? here : absent).emplace_back(name);
    if (here.empty() || absent.empty()) continue;
    remarks.push_back(fmt::format("no column {}: {} left out", fmt::join(absent, ", "), fmt::join(here, ", ")));
    left_out.insert(left_out.end(), here.begin(), here.end());
  }
  return left_out;
}

std::vector<std::string> names_of(const Table& columns) {
  std::vector<std::string> names;
  for (const auto& column : columns.columns()) names.push_back(column.spec.name);
  return names;
}

class CanonicalSource : public HaloSource {
 public:
  CanonicalSource(Input input, const mpi::Communicator& comm)
      : HaloSource(std::move(input)), paths_(this->input().catalog.files) {
    const auto first = mpi::agree(comm, [&] { return open_table(paths_.front(), {}); });
    auto columns = mpi::agree(comm, [&] { return first.read(0, 0); });
    header_.simulation = first.header().simulation;
    header_.source = this->input().source;
    look_at_files(columns, comm);
    for (const auto& name : incomplete_vectors(names_of(columns), header_.remarks)) columns.remove(name);
    names_ = names_of(columns);
    header_.halos = std::move(columns);
    for (auto& remark : mpi::agree(comm, [&] { return into_our_units(paths_.front(), header_.halos, header_.simulation); }))
      header_.remarks.push_back(std::move(remark));
  }

  double rows() const override { return static_cast<double>(offsets_.back()); }

  void read(const Take& take, const mpi::Communicator& comm) override {
    const auto mine = share_of({0, offsets_.back()}, comm.rank(), comm.size());
    const auto blocks = mpi::agree(comm, [&] { return blocks_of(mine); });
    const auto rounds = comm.max(static_cast<std::uint64_t>(blocks.size()));
    std::uint64_t done = 0;
    std::optional<std::size_t> opened;
    std::optional<TableFile> file;
    for (std::uint64_t round = 0; round < rounds; ++round) {
      const auto block = round < blocks.size() ? blocks[round] : Block{opened.value_or(0), 0, 0};
      mpi::agree(comm, [&] {
        if (opened != block.file) file.emplace(open_table(paths_[block.file], names_));
        opened = block.file;
      });
      auto halos = file->read(block.first, block.rows, comm);
      done += block.rows;
      mpi::agree(comm, [&] {
        into_our_units(paths_[block.file], halos, header_.simulation);
        check_halos(halos, header_.simulation, [&](std::size_t i) { return fmt::format("{}: row {}", paths_[block.file], block.first + i); });
        take(std::move(halos), static_cast<double>(done) / static_cast<double>(std::max(mine.size(), std::uint64_t{1})));
      });
    }
  }

 private:
  struct Block {
    std::size_t file;
    std::uint64_t first, rows;  ///< in the file
  };

  void look_at_files(const Table& columns, const mpi::Communicator& comm) {
    const auto share = share_of({0, paths_.size()}, comm.rank(), comm.size());
    std::string remarks;
    const auto rows = mpi::agree(comm, [&] {
      std::vector<std::uint64_t> of_files;
      for (auto i = share.begin; i < share.end; ++i) {
        const auto part = look_at(paths_[i], paths_.front(), header_.simulation, columns);
        of_files.push_back(part.rows);
        for (const auto& remark : part.remarks) remarks += remark + "\n";
      }
      return of_files;
    });
    for (const auto here : comm.gather_all(std::span<const std::uint64_t>(rows)).data) offsets_.push_back(offsets_.back() + here);
    const auto all = comm.gather_all(std::span<const char>(remarks)).data;
    std::istringstream lines(std::string(all.begin(), all.end()));
    for (std::string line; std::getline(lines, line);) add_new(header_.remarks, line);
  }

  // No block lies in two files.
  std::vector<Block> blocks_of(Share rows) const {
    constexpr std::uint64_t block_rows = 1 << 18;
    std::vector<Block> blocks;
    for (std::size_t i = 0; i < paths_.size(); ++i)
      for (auto first = std::max(rows.begin, offsets_[i]), end = std::min(rows.end, offsets_[i + 1]); first < end; first += block_rows)
        blocks.push_back({i, first - offsets_[i], std::min(block_rows, end - first)});
    return blocks;
  }

  const std::vector<std::string>& paths_;
  std::vector<std::string> names_;
  std::vector<std::uint64_t> offsets_ = {0};  // of the rows of each file, and the end
};

}  // namespace

bool has_halo_columns(const std::string& path) {
  const auto columns = summarise_table_file(path, data_type_of(path)).columns;
  return std::ranges::all_of(required_columns(), [&](const auto& name) {
    return std::ranges::any_of(columns, [&](const auto& column) { return column.name == name; });
  });
}

std::unique_ptr<HaloSource> open_canonical(Input input, const mpi::Communicator& comm) {
  return std::make_unique<CanonicalSource>(std::move(input), comm);
}

HaloHeader read_canonical_header(const Input& input) {
  const auto& paths = input.catalog.files;
  const auto summary = summarise_table_file(paths.front(), type_of(paths.front()));
  HaloHeader header{summary.header.simulation, input.source, {}, summary.rows, true, {}};
  for (const auto& column : summary.columns) {
    header.columns.push_back(column.name);
    const auto* ours = declared(column.name);
    if (ours == nullptr || column.unit == ours->spec.unit) continue;
    check_pure_number(fmt::format("{}: column '{}'", paths.front(), column.name), *ours, column.unit);
    header.units.push_back(fmt::format("{}: '{}' in the file, '{}' here", column.name, column.unit, unit_of_numbers(ours->spec)));
  }
  for (const auto& name : incomplete_vectors(header.columns, header.remarks)) std::erase(header.columns, name);
  if (paths.size() == 1) return header;
  const auto columns = open_table(paths.front(), {}).read(0, 0);
  for (std::size_t i = 1; i < paths.size(); ++i)
    header.rows += look_at(paths[i], paths.front(), header.simulation, columns).rows;
  return header;
}

Table sample_canonical(const Input& input, const HaloHeader& said) {
  constexpr std::uint64_t most = 10'000'000;
  if (said.rows == 0 || said.rows > most) return {};
  std::vector<std::string> columns = {"parent_id", "x", "y", "z"};
  for (const auto& name : columns)
    if (std::ranges::count(said.columns, name) == 0) return {};
  for (const char* name : {"mass", "bound_mass", "n_particles", "vmax"})  // by which halos are left out
    if (std::ranges::count(said.columns, name) > 0) columns.emplace_back(name);
  Table all;
  for (const auto& path : input.catalog.files) {
    auto halos = read_columns(path, columns, read_as);
    into_our_units(path, halos, said.simulation);
    if (all.columns().empty())
      all = std::move(halos);
    else
      all.append(halos);
  }
  return all;
}

void write_halos(const std::string& path, const MockHeader& header, const Table& columns,
                 std::uint64_t total_rows, const std::vector<RowBlock>& blocks,
                 const mpi::Communicator& comm) {
  write_file(path, *layout_of(halo_data_type), header, columns, total_rows, blocks, {}, comm);
}

void write_halos(const std::string& path, const HaloCatalog& catalog, const mpi::Communicator& comm) {
  const std::uint64_t rows = catalog.halos.rows();
  const RowBlock block{comm.exclusive_sum(rows), rows, [&](Table& halos) { halos = catalog.halos; }};
  write_halos(path, header_of(catalog), catalog.halos.empty_like(), comm.sum(rows), {block}, comm);
}

}  // namespace halobrush::catalog
