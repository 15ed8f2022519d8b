#include "halobrush/catalog/reader.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "canonical.hpp"
#include "checks.hpp"
#include "column_map.hpp"
#include "compaso.hpp"
#include "genericio_halos.hpp"
#include "halobrush/catalog/mock.hpp"
#include "halobrush/catalog/resolution.hpp"
#include "halobrush/catalog/subfind.hpp"
#include "halobrush/core/error.hpp"
#include "halobrush/mpi/agree.hpp"
#include "mpi_rockstar.hpp"
#include "opencosmo_halos.hpp"
#include "rockstar.hpp"
#include "share.hpp"

namespace halobrush::catalog {
namespace {

std::string name_of(HaloFormat format) {
  switch (format) {
    case HaloFormat::rockstar:
      return "rockstar";
    case HaloFormat::subfind:
      return "SUBFIND";
    case HaloFormat::opencosmo:
      return "OpenCosmo";
    case HaloFormat::mpi_rockstar:
      return "MPI-Rockstar";
    case HaloFormat::genericio:
      return "GenericIO";
    case HaloFormat::compaso:
      return "CompaSO";
    case HaloFormat::column_map:
      return "HDF5 by input.columns";
    case HaloFormat::halobrush:
      break;
  }
  return "halobrush";
}

OpenHaloFiles opener_of(HaloFormat format, const ReadOptions& options) {
  if (format == HaloFormat::opencosmo) return open_opencosmo;
  if (format == HaloFormat::column_map)
    return [options](const std::vector<std::string>& files) { return open_column_map(files, options); };
  if (format == HaloFormat::mpi_rockstar)
    return [options](const std::vector<std::string>& files) { return open_mpi_rockstar(files, options); };
  throw internal_error("no reader of {} that shares files", name_of(format));
}

Input input_of(const InputPaths& paths, CatalogFiles catalog, std::vector<FileState> states) {
  Source source{paths.text(), name_of(catalog.format), 0, "", paths.brief()};
  for (const auto& state : states) source.bytes += state.bytes;
  return {std::move(catalog), std::move(source), std::move(states)};
}

class SubfindSource : public HaloSource {
 public:
  SubfindSource(Input from, const ReadOptions& options, const mpi::Communicator& comm)
      : HaloSource(std::move(from)), files_(SubfindCatalog::open(input().catalog.path, options, comm)) {
    header_ = {mpi::agree(comm, [&] { return files_.rows(0, 0, SubhaloColumns::halo); }), files_.simulation(),
               input().source, files_.remarks()};
    header_.source.format = files_.format();
  }

  double rows() const override { return static_cast<double>(files_.subhalos()); }

  void read(const Take& take, const mpi::Communicator& comm) override {
    constexpr std::uint64_t block_rows = 1 << 18;
    const auto [begin, end] = share_of({0, files_.subhalos()}, comm.rank(), comm.size());
    std::uint64_t cosmological = 0, without_m200 = 0;
    mpi::agree(comm, [&] {
      for (auto first = begin; first < end; first += block_rows) {
        const auto count = std::min(block_rows, end - first);
        auto halos = files_.rows(first, count, SubhaloColumns::halo);
        cosmological += halos.rows();
        without_m200 += SubfindCatalog::hosts_without_m200(halos);
        take(std::move(halos), static_cast<double>(first + count - begin) / static_cast<double>(end - begin));
      }
    });
    if (const auto hosts = comm.sum(without_m200); hosts > 0)
      header_.remarks.push_back(SubfindCatalog::remark_on_m200(hosts));
    if (const auto all = comm.sum(cosmological); all < files_.subhalos())
      header_.remarks.push_back(fmt::format("{} of {} subhalos left out: not of cosmological origin (SubhaloFlag)",
                                            files_.subhalos() - all, files_.subhalos()));
  }

 private:
  SubfindCatalog files_;
};

HaloHeader read_subfind_header_of(const Input& input, const ReadOptions& options) {
  const auto files = SubfindCatalog::open(input.catalog.path, options);
  HaloHeader header{files.simulation(), input.source, files.columns(), files.subhalos(), true, files.remarks()};
  header.source.format = files.format();
  return header;
}

bool is_known_piece(const std::vector<std::string>& remarks) {
  return std::ranges::any_of(remarks, [](const auto& remark) { return remark.starts_with(piece_of_box("").substr(0, 50)); });
}

// Keys that are for files which do not say, given for one that says something else.
std::vector<std::string> keys_passed_over(const Simulation& says, const ReadOptions& options) {
  std::vector<std::string> remarks;
  const auto compare = [&](const char* key, double given, double said, const char* unit) {
    if (std::isnan(given) || std::isnan(said) || std::abs(given - said) <= 1e-6 * std::abs(said)) return;
    remarks.push_back(fmt::format("{}{} {} is not used: the catalog says {}{}", warning, key, given, said, unit));
  };
  for (const double side : says.box)
    if (remarks.empty()) compare("input.box_size", options.box_size, side, " Mpc/h");
  compare("input.scale_factor", options.scale_factor, says.scale_factor, "");
  compare("cosmology.omega_m", options.omega_m, says.omega_m, "");
  compare("cosmology.h", options.h, says.h, "");
  if (!options.mass_definition.empty() && options.mass_definition != says.mass_definition)
    remarks.push_back(fmt::format("{}input.mass_definition {} is not used: the catalog says {}", warning, options.mass_definition,
                                  says.mass_definition.empty() ? "none, and it goes with input.columns" : says.mass_definition));
  return remarks;
}

// Blocks of a source become this rank's table: checked, without what is left out, pruned.
class Collector {
 public:
  Collector(const HaloCatalog& header, const ReadOptions& options, const Selection& selection)
      : header_(header),
        selection_(selection),
        occupancy_(header.simulation),
        resolution_(options, header.simulation, header.left_out),
        halos_(prepared(header.halos.empty_like())) {}

  void take(Table block, double done) {
    wrap_into_box(block, header_.simulation);
    occupancy_.add(block);  // of all rows: a piece of a box looks like a whole one, apart from where its halos are
    const auto kept = prepared(resolution_.kept(std::move(block), header_.source.brief));
    reserve(kept.rows(), done);
    halos_.append(kept);
  }

  // @collective
  HaloCatalog finish(HaloCatalog header, const mpi::Communicator& comm) {
    HaloCatalog catalog = std::move(header);
    occupancy_.sum(comm);
    if (const auto empty = occupancy_.empty_region(); empty && !is_known_piece(catalog.remarks))
      catalog.remarks.push_back(piece_of_box(*empty));
    catalog.left_out = resolution_.left_out(comm);
    const auto kept = comm.sum(static_cast<std::uint64_t>(halos_.rows()));
    for (auto& remark : resolution_.remarks(catalog.left_out, kept, catalog.halos))
      catalog.remarks.push_back(std::move(remark));
    catalog.halos = std::move(halos_);
    return catalog;
  }

 private:
  Table prepared(Table block) const {
    if (!selection_.columns.empty()) block.keep(selection_.columns);
    if (selection_.single) {
      check_range(block);
      block.to_single();
    }
    return block;
  }

  // The first row with such a number, whatever the block.
  void check_range(const Table& block) const {
    constexpr double largest = std::numeric_limits<float>::max();
    std::size_t row = block.rows();
    const Column* faulty = nullptr;
    for (const auto& column : block.columns())
      if (const auto* values = std::get_if<std::vector<double>>(&column.data))
        for (std::size_t i = 0; i < row; ++i)
          if (std::isfinite((*values)[i]) && std::abs((*values)[i]) > largest) row = i, faulty = &column;
    if (faulty == nullptr) return;
    throw data_error("{}: halo {}: column '{}' is {:g}, beyond single precision ({:.2g}); correct it, or drop the column",
                     header_.source.brief, block.get<std::int64_t>("id")[row], faulty->spec.name,
                     std::get<std::vector<double>>(faulty->data)[row], largest);
  }

  // Growing by doubling would hold half as much again. What is reserved and not used takes no memory.
  void reserve(std::size_t more, double done) {
    if (halos_.rows() + more <= halos_.capacity() || done <= 0) return;
    const double all = 1.03 * static_cast<double>(halos_.rows() + more) / done;
    halos_.reserve(static_cast<std::size_t>(all) + 1);
  }

  const HaloCatalog& header_;
  const Selection& selection_;
  Occupancy occupancy_;
  Resolution resolution_;
  Table halos_;
};

Table sample_subfind(const Input& input, const ReadOptions& options, const HaloHeader& said) {
  constexpr std::uint64_t most = 1'000'000;
  const bool incomplete = std::isnan(said.simulation.box[0] * said.simulation.scale_factor * said.simulation.omega_m);
  if (incomplete || said.rows > most) return {};
  const auto files = SubfindCatalog::open(input.catalog.path, options);
  return files.rows(0, files.subhalos(), SubhaloColumns::halo);
}

Table sample(const Input& input, const ReadOptions& options, HaloHeader& header) {
  switch (input.catalog.format) {
    case HaloFormat::rockstar:
      return sample_rockstar(input, options, header);
    case HaloFormat::subfind:
      return sample_subfind(input, options, header);
    case HaloFormat::opencosmo:
    case HaloFormat::mpi_rockstar:
    case HaloFormat::column_map:
      return sample_halo_files(opener_of(input.catalog.format, options), header, input);
    case HaloFormat::genericio:
      return sample_genericio(input, options, header);
    case HaloFormat::compaso:
      return sample_compaso(input, header);
    case HaloFormat::halobrush:
      break;
  }
  return sample_canonical(input, header);
}

void leave_out_unresolved(const Table& halos, const std::string& path, const ReadOptions& options,
                          HaloHeader& header) {
  Resolution resolution(options, header.simulation);
  const auto kept = resolution.kept(halos, path);
  header.left_out = resolution.left_out();
  for (auto& remark : resolution.remarks(header.left_out, kept.rows(), halos))
    header.remarks.push_back(std::move(remark));
}

// A user sees before painting what is wrong with the rows.
void look_at_rows(const Input& input, const ReadOptions& options, HaloHeader& header) {
  try {
    auto halos = sample(input, options, header);
    if (halos.columns().empty()) return;
    wrap_into_box(halos, header.simulation);
    Occupancy occupancy(header.simulation);
    occupancy.add(halos);
    header.rows_seen = halos.rows();
    header.hosts_seen = static_cast<std::uint64_t>(std::ranges::count_if(
        std::as_const(halos).get<std::int64_t>("parent_id"), [](auto parent) { return parent < 0; }));
    if (const auto empty = occupancy.empty_region(); empty && !is_known_piece(header.remarks))
      header.remarks.push_back(piece_of_box(*empty));
    leave_out_unresolved(halos, input.source.brief, options, header);
  } catch (const Error& error) {
    header.remarks.push_back(fmt::format("{}{}", warning, error.what()));
  }
}

HaloHeader header_in(const Input& input, const ReadOptions& options) {
  switch (input.catalog.format) {
    case HaloFormat::rockstar:
      return read_rockstar_header(input, options);
    case HaloFormat::subfind:
      return read_subfind_header_of(input, options);
    case HaloFormat::opencosmo:
    case HaloFormat::mpi_rockstar:
    case HaloFormat::column_map:
      return read_halo_files_header(input, opener_of(input.catalog.format, options));
    case HaloFormat::genericio:
      return read_genericio_halo_header(input, options);
    case HaloFormat::compaso:
      return read_compaso_header(input);
    case HaloFormat::halobrush:
      break;
  }
  return read_canonical_header(input);
}

std::unique_ptr<HaloSource> open_input(Input input, const ReadOptions& options, const mpi::Communicator& comm) {
  switch (input.catalog.format) {
    case HaloFormat::rockstar:
      return open_rockstar(std::move(input), options, comm);
    case HaloFormat::subfind:
      return std::make_unique<SubfindSource>(std::move(input), options, comm);
    case HaloFormat::opencosmo:
    case HaloFormat::mpi_rockstar:
    case HaloFormat::column_map: {
      const auto open = opener_of(input.catalog.format, options);
      return open_halo_files(std::move(input), open, comm);
    }
    case HaloFormat::genericio:
      return open_genericio(std::move(input), options, comm);
    case HaloFormat::compaso:
      return open_compaso(std::move(input), comm);
    case HaloFormat::halobrush:
      break;
  }
  return open_canonical(std::move(input), comm);
}

}  // namespace

std::unique_ptr<HaloSource> open_halos(const InputPaths& paths, const ReadOptions& options,
                                       const mpi::Communicator& comm) {
  auto catalog = files_of_catalog(paths, options.format, comm);
  auto states = states_of(catalog.files, comm);
  return open_input(input_of(paths, std::move(catalog), std::move(states)), options, comm);
}

HaloCatalog read_halos(HaloSource& source, const ReadOptions& options, const Selection& selection,
                       const mpi::Communicator& comm) {
  const auto& [files, from, states] = source.input();
  auto collector = mpi::agree(comm, [&] { return Collector(source.header(), options, selection); });
  source.read([&](Table block, double done) { collector.take(std::move(block), done); }, comm);
  auto catalog = collector.finish(source.header(), comm);
  catalog.remarks.insert(catalog.remarks.end(), files.remarks.begin(), files.remarks.end());
  std::ranges::move(keys_passed_over(catalog.simulation, options), std::back_inserter(catalog.remarks));
  check_unique_ids(from.brief, catalog.halos, comm);
  const auto content = selection.content ? *selection.content : content_of_files(files.files, states, comm);
  check_unchanged(files.files, selection.content && !content.states.empty() ? content.states : states, comm);
  catalog.source.sha256 = content.sha256;
  catalog.source.bytes = content.bytes;
  return catalog;
}

HaloCatalog read_halos(const InputPaths& paths, const ReadOptions& options, const mpi::Communicator& comm) {
  const auto source = open_halos(paths, options, comm);
  return read_halos(*source, options, {}, comm);
}

bool is_warning(const std::string& remark) {
  return remark.starts_with(warning);
}

void log_remarks(Logger& log, const std::string& stage, const std::vector<std::string>& remarks) {
  for (const auto& remark : remarks)
    if (is_warning(remark))
      log.warn("{}: {}", stage, remark.substr(std::string_view(warning).size()));
    else
      log.info("{}: {}", stage, remark);
}

HaloHeader read_header(const InputPaths& paths, const ReadOptions& options) {
  auto catalog = files_of_catalog(paths, options.format);
  auto states = states_of(catalog.files);
  const auto input = input_of(paths, std::move(catalog), std::move(states));
  auto header = header_in(input, options);
  if (!options.headers_only) look_at_rows(input, options, header);
  header.remarks.insert(header.remarks.end(), input.catalog.remarks.begin(), input.catalog.remarks.end());
  std::ranges::move(keys_passed_over(header.simulation, options), std::back_inserter(header.remarks));
  return header;
}

}  // namespace halobrush::catalog
