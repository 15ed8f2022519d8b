#include "genericio_halos.hpp"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <filesystem>
#include <map>
#include <set>

#include "complete_simulation.hpp"
#include "genericio.hpp"
#include "hacc_columns.hpp"
#include "halobrush/core/error.hpp"
#include "halobrush/mpi/agree.hpp"
#include "share.hpp"

namespace halobrush::catalog {
namespace {

constexpr auto map_rank = "$rank", map_partition = "$partition";

bool is_map(const GenericIoHeader& header) {
  return header.find(map_partition) != nullptr && header.find(map_rank) != nullptr;
}

std::string part_name(const std::string& path, std::int64_t part) {
  return fmt::format("{}#{}", path, part);
}

// The ranks that each part has, by the map.
std::map<std::int64_t, std::set<std::int64_t>> ranks_of_parts(const GenericIoHeader& header) {
  std::map<std::int64_t, std::set<std::int64_t>> parts;
  for (const auto& rank : header.ranks) {
    const auto read = [&](const char* name) {
      auto values = GenericIoColumn(header, rank, name).rows(0, rank.rows);
      if (!std::holds_alternative<std::vector<std::int64_t>>(values))
        throw data_error("{}: column '{}' does not hold integers (it maps ranks to parts); copy the file again",
                         header.path, name);
      return std::get<std::vector<std::int64_t>>(std::move(values));
    };
    const auto ranks = read(map_rank), in = read(map_partition);
    for (std::size_t i = 0; i < ranks.size(); ++i) parts[in[i]].insert(ranks[i]);
  }
  return parts;
}

// FILE of FILE#3, where FILE is such a file, too.
std::string without_part(const std::string& path) {
  const auto digits = path.find_last_not_of("0123456789");
  if (digits == path.npos || path[digits] != '#' || digits + 1 == path.size()) return path;
  auto whole = path.substr(0, digits);
  if (!std::filesystem::exists(whole))
    throw data_error(
        "{}: is a part of a GenericIO file, but {}, which says what belongs to it, is absent; fetch it, too", path,
        whole);
  return whole;
}

std::vector<std::string> files_of_set(const std::string& path) {
  const auto header = read_genericio_header(path);
  std::vector<std::string> files = {path};
  if (!is_map(header)) return files;
  std::vector<std::string> absent;
  for (const auto& [part, ranks] : ranks_of_parts(header)) {
    files.push_back(part_name(path, part));
    if (!std::filesystem::exists(files.back())) absent.push_back(files.back());
  }
  if (!absent.empty())
    throw data_error("{}: is absent ({} of {} parts of {} are); fetch the whole set", absent.front(), absent.size(),
                     files.size() - 1, path);
  return files;
}

// The header of each file with rows: a map's parts, not the map.
std::vector<GenericIoHeader> headers_of(const std::vector<std::string>& files) {
  auto first = read_genericio_header(files.front());
  if (!is_map(first)) return {std::move(first)};
  const auto parts = ranks_of_parts(first);
  if (parts.empty()) throw data_error("{}: is a map of no parts (it has no rows); fetch the set again", first.path);
  std::vector<GenericIoHeader> headers;
  for (const auto& [part, ranks] : parts) {
    const auto file = part_name(first.path, part);
    if (std::ranges::find(files, file) == files.end())
      throw data_error("{}: has a part {} that it had not before; fetch the set again", first.path, part);
    headers.push_back(read_genericio_header(file));
    std::set<std::int64_t> here;
    for (const auto& rank : headers.back().ranks) here.insert(static_cast<std::int64_t>(rank.number));
    if (here != ranks)
      throw data_error("{}: has the rows of {} ranks, but {} says {} others; fetch the set again", file, here.size(),
                       first.path, ranks.size());
  }
  return headers;
}

void require_same(const GenericIoHeader& here, const GenericIoHeader& first) {
  const auto refuse = [&](const std::string& what) {
    throw data_error("{}: {} another than in {} (files of two catalogs); fetch the set again", here.path, what,
                     first.path);
  };
  if (here.scale != first.scale || here.origin != first.origin) refuse("the box is");
  if (here.names() != first.names()) refuse("the columns are");
  for (std::size_t i = 0; i < here.variables.size(); ++i)
    if (here.variables[i].floating != first.variables[i].floating ||
        here.variables[i].element_bytes != first.variables[i].element_bytes)
      refuse(fmt::format("the type of column '{}' is", here.variables[i].name));
}

// A box of side 0 is one that its writer did not give.
Simulation simulation_of(const GenericIoHeader& header) {
  Simulation simulation;
  constexpr double unknown = std::numeric_limits<double>::quiet_NaN();
  simulation.scale_factor = simulation.omega_m = simulation.omega_l = simulation.h = unknown;
  simulation.box.fill(unknown);
  for (const double corner : header.origin)
    if (corner != 0)
      throw data_error("{}: the box begins at {} Mpc/h (at 0 in the files that are read); shift the positions",
                       header.path, corner);
  if (header.scale != std::array<double, 3>{}) simulation.box = header.scale;
  for (const double side : simulation.box)
    if (side <= 0 || std::isinf(side) || (std::isnan(side) && header.scale != std::array<double, 3>{}))
      throw data_error("{}: a side of the box is {} Mpc/h (it is positive); repair the file", header.path, side);
  return simulation;
}

// All that the headers say.
struct GenericIoCatalog {
  std::vector<GenericIoHeader> files;
  HaccColumns columns;
  Simulation simulation;
  std::vector<std::string> remarks = {};

  std::uint64_t rows() const {
    std::uint64_t all = 0;
    for (const auto& file : files) all += file.rows();
    return all;
  }
};

GenericIoCatalog open_catalog(const Input& input, const ReadOptions& options) {
  auto files = headers_of(input.catalog.files);
  for (const auto& file : files) require_same(file, files.front());
  const auto names = files.front().names();
  HaccColumns columns(files.front().path, names);
  auto said = simulation_of(files.front());
  GenericIoCatalog catalog{std::move(files), std::move(columns), {}};
  catalog.simulation = complete_simulation(input.catalog.path, std::move(said), options, catalog.remarks);
  catalog.simulation.mass_definition = catalog.columns.mass_definition();
  std::ranges::move(catalog.columns.remarks(catalog.simulation), std::back_inserter(catalog.remarks));
  return catalog;
}

Table no_halos(const GenericIoCatalog& catalog) {
  std::vector<ColumnData> columns;
  for (const auto& name : catalog.columns.needed()) columns.push_back(no_rows(catalog.files.front(), name));
  HaccCounts counts;
  return catalog.columns.halos(columns, 0, catalog.simulation, counts);
}

// The rows of one rank of the program that wrote a file.
struct Written {
  const GenericIoHeader* file = nullptr;
  const GenericIoRank* rank = nullptr;
  std::uint64_t first_row = 0;  // in the catalog
};

std::vector<Written> written_in(const GenericIoCatalog& catalog) {
  std::vector<Written> all;
  std::uint64_t first = 0;
  for (const auto& file : catalog.files)
    for (const auto& rank : file.ranks) {
      all.push_back({&file, &rank, first});
      first += rank.rows;
    }
  return all;
}

// Some rows of one writing rank in blocks; `take` gets the number of rows handed out with each.
template <class Take>
void read_rows(const GenericIoCatalog& catalog, const Written& written, Share rows, HaccCounts& counts, Take&& take) {
  constexpr std::uint64_t block_rows = 1 << 17;
  if (rows.size() == 0) return;
  std::vector<GenericIoColumn> columns;
  for (const auto& name : catalog.columns.needed()) columns.emplace_back(*written.file, *written.rank, name);
  for (auto first = rows.begin; first < rows.end; first += block_rows) {
    const auto count = std::min(block_rows, rows.end - first);
    std::vector<ColumnData> block;
    for (auto& column : columns) block.push_back(column.rows(first, count));
    take(catalog.columns.halos(block, written.first_row + first, catalog.simulation, counts), count);
  }
}

class GenericIoSource : public HaloSource {
 public:
  GenericIoSource(Input from, const ReadOptions& options, const mpi::Communicator& comm)
      : HaloSource(std::move(from)), catalog_(mpi::agree(comm, [&] { return open_catalog(input(), options); })) {
    header_ = {mpi::agree(comm, [&] { return no_halos(catalog_); }), catalog_.simulation, input().source,
               catalog_.remarks};
  }

  double rows() const override { return static_cast<double>(catalog_.rows()); }

  void read(const Take& take, const mpi::Communicator& comm) override {
    HaccCounts counts;
    mpi::agree(comm, [&] {
      const auto mine = parts_of(comm);
      std::uint64_t all = 0, done = 0;
      for (const auto& part : mine) all += part.rows.size();
      for (const auto& part : mine)
        read_rows(catalog_, part.written, part.rows, counts, [&](Table halos, std::uint64_t rows) {
          done += rows;
          take(std::move(halos), static_cast<double>(done) / static_cast<double>(all));
        });
    });
    std::ranges::move(HaccColumns::remarks(sum(counts, comm)), std::back_inserter(header_.remarks));
  }

 private:
  struct Part {
    Written written;
    Share rows;
  };

  // Ranks that share a block compare all of it with its checksum.
  std::vector<Part> parts_of(const mpi::Communicator& comm) const {
    const auto written = written_in(catalog_);
    std::vector<std::uint64_t> sizes;
    for (const auto& one : written) sizes.push_back(one.rank->rows);
    const auto ranks = deal(sizes, comm.size());
    std::vector<Part> parts;
    for (std::size_t i = 0; i < written.size(); ++i)
      if (comm.rank() >= ranks[i].begin && comm.rank() < ranks[i].end)
        parts.push_back({written[i], share_of({0, sizes[i]}, comm.rank() - ranks[i].begin, ranks[i].size())});
    return parts;
  }

  GenericIoCatalog catalog_;
};

}  // namespace

bool is_genericio_of_halos(const std::string& path) {
  try {
    const auto header = read_genericio_header(path);
    if (!is_map(header)) return header.find("fof_halo_tag") != nullptr;
    const auto parts = ranks_of_parts(header);
    return parts.empty() ||
           read_genericio_header(part_name(path, parts.begin()->first)).find("fof_halo_tag") != nullptr;
  } catch (const Error&) {
    return true;
  }
}

std::vector<std::string> genericio_files(const std::vector<std::string>& paths) {
  const auto path = without_part(paths.front());
  for (const auto& other : paths)
    if (const auto its = without_part(other); its != path)
      throw data_error(
          "{} and {}: two GenericIO catalogs (each file is one of a snapshot, whole or in parts); name one of them",
          path, its);
  return files_of_set(path);
}

std::unique_ptr<HaloSource> open_genericio(Input input, const ReadOptions& options, const mpi::Communicator& comm) {
  return std::make_unique<GenericIoSource>(std::move(input), options, comm);
}

HaloHeader read_genericio_halo_header(const Input& input, const ReadOptions& options) {
  const auto catalog = open_catalog(input, options);
  HaloHeader header{catalog.simulation,       input.source, {}, catalog.rows(), true, catalog.remarks,
                    catalog.columns.sources()};
  const auto none = no_halos(catalog);
  for (const auto& column : none.columns()) header.columns.push_back(column.spec.name);
  return header;
}

Table sample_genericio(const Input& input, const ReadOptions& options, HaloHeader& said) {
  constexpr std::uint64_t most = 1'000'000;
  if (said.rows > most || std::isnan(said.simulation.box[0])) return {};
  auto catalog = open_catalog(input, options);
  catalog.simulation = for_a_look(catalog.simulation);
  auto all = no_halos(catalog);
  HaccCounts counts;
  for (const auto& written : written_in(catalog))
    read_rows(catalog, written, {0, written.rank->rows}, counts,
              [&](Table halos, std::uint64_t) { all.append(halos); });
  std::ranges::move(HaccColumns::remarks(counts), std::back_inserter(said.remarks));
  return all;
}

}  // namespace halobrush::catalog
