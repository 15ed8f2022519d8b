#include "halobrush/catalog/reader.hpp"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>
#include <utility>

#include "canonical.hpp"
#include "checks.hpp"
#include "halobrush/catalog/mock.hpp"
#include "halobrush/catalog/resolution.hpp"
#include "halobrush/catalog/subfind.hpp"
#include "halobrush/core/error.hpp"
#include "halobrush/core/hash.hpp"
#include "halobrush/mpi/agree.hpp"
#include "rockstar.hpp"

namespace halobrush::catalog {
namespace {

HaloFormat format_of(const std::string& path, const std::string& format) {
  if (format == "rockstar") return HaloFormat::rockstar;
  if (format == "halobrush") return HaloFormat::halobrush;
  if (format == "subfind") return HaloFormat::subfind;
  if (format != "auto")
    throw config_error("input.format: no format '{}'; use auto, rockstar, halobrush or subfind", format);
  switch (kind_of(path)) {
    case FileKind::rockstar:
      return HaloFormat::rockstar;
    case FileKind::subfind:
      return HaloFormat::subfind;
    case FileKind::halo_catalog:
      return HaloFormat::halobrush;
    case FileKind::mock:
      if (has_halo_columns(path)) return HaloFormat::halobrush;
      throw data_error("{}: holds galaxies (a mock), not halos; give a halo catalog", path);
    default:
      throw data_error(
          "{}: no halo catalog (neither a Rockstar list, whose first line begins with '#', nor a SUBFIND "
          "group "
          "catalog, nor our HDF5 format); "
          "check input.path, or set input.format to learn what is missing",
          path);
  }
}

class SubfindSource : public HaloSource {
 public:
  SubfindSource(const std::string& path, const ReadOptions& options, const mpi::Communicator& comm)
      : files_(SubfindCatalog::open(path, options, comm)) {
    header_ = {mpi::agree(comm, [&] { return files_.rows(0, 0, SubhaloColumns::halo); }), files_.simulation(),
               {path, files_.format(), 0, ""}, files_.remarks()};
  }

  double rows() const override { return static_cast<double>(files_.subhalos()); }

  void read(const Take& take, const mpi::Communicator& comm) override {
    constexpr std::uint64_t block_rows = 1 << 18;
    const auto n = static_cast<std::uint64_t>(comm.size()), rank = static_cast<std::uint64_t>(comm.rank());
    const auto begin = files_.subhalos() * rank / n, end = files_.subhalos() * (rank + 1) / n;
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

HaloHeader read_subfind_header_of(const std::string& path, const ReadOptions& options) {
  const auto files = SubfindCatalog::open(path, options);
  return {files.simulation(), {path, files.format(), 0, ""}, files.columns(), files.subhalos(), true,
          files.remarks()};
}

bool is_known_piece(const std::vector<std::string>& remarks) {
  return std::ranges::any_of(remarks, [](const auto& remark) { return remark.starts_with(piece_of_box("").substr(0, 50)); });
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
    const auto kept = prepared(resolution_.kept(std::move(block), header_.source.path));
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

  void check_range(const Table& block) const {
    constexpr double largest = std::numeric_limits<float>::max();
    for (const auto& column : block.columns())
      if (const auto* values = std::get_if<std::vector<double>>(&column.data))
        for (std::size_t row = 0; row < values->size(); ++row)
          if (std::isfinite((*values)[row]) && std::abs((*values)[row]) > largest)
            throw data_error("{}: halo {}: column '{}' is {:g}, beyond single precision ({:.2g}); correct it, or drop the column",
                             header_.source.path, block.get<std::int64_t>("id")[row], column.spec.name, (*values)[row], largest);
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

Table sample_subfind(const std::string& path, const ReadOptions& options, const HaloHeader& said) {
  constexpr std::uint64_t most = 1'000'000;
  const bool incomplete = std::isnan(said.simulation.box[0] * said.simulation.scale_factor * said.simulation.omega_m);
  if (incomplete || said.rows > most) return {};
  const auto files = SubfindCatalog::open(path, options);
  return files.rows(0, files.subhalos(), SubhaloColumns::halo);
}

Table sample(HaloFormat format, const std::string& path, const ReadOptions& options, HaloHeader& header) {
  switch (format) {
    case HaloFormat::rockstar:
      return sample_rockstar(path, options, header);
    case HaloFormat::subfind:
      return sample_subfind(path, options, header);
    case HaloFormat::halobrush:
      break;
  }
  return sample_canonical(path, header);
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
void look_at_rows(HaloFormat format, const std::string& path, const ReadOptions& options, HaloHeader& header) {
  try {
    auto halos = sample(format, path, options, header);
    if (halos.columns().empty()) return;
    wrap_into_box(halos, header.simulation);
    Occupancy occupancy(header.simulation);
    occupancy.add(halos);
    header.rows_seen = halos.rows();
    header.hosts_seen = static_cast<std::uint64_t>(std::ranges::count_if(
        std::as_const(halos).get<std::int64_t>("parent_id"), [](auto parent) { return parent < 0; }));
    if (const auto empty = occupancy.empty_region(); empty && !is_known_piece(header.remarks))
      header.remarks.push_back(piece_of_box(*empty));
    leave_out_unresolved(halos, path, options, header);
  } catch (const Error& error) {
    header.remarks.push_back(fmt::format("{}{}", warning, error.what()));
  }
}

HaloHeader header_in(HaloFormat format, const std::string& path, const ReadOptions& options) {
  switch (format) {
    case HaloFormat::rockstar:
      return read_rockstar_header(path, options);
    case HaloFormat::subfind:
      return read_subfind_header_of(path, options);
    case HaloFormat::halobrush:
      break;
  }
  return read_canonical_header(path);
}

}  // namespace

std::unique_ptr<HaloSource> open_halos(const std::string& path, const ReadOptions& options,
                                       const mpi::Communicator& comm) {
  auto format =
      mpi::agree(comm, [&] { return comm.root() ? format_of(path, options.format) : HaloFormat{}; });
  comm.broadcast(std::span(&format, 1));
  switch (format) {
    case HaloFormat::rockstar:
      return open_rockstar(path, options, comm);
    case HaloFormat::subfind:
      return std::make_unique<SubfindSource>(path, options, comm);
    case HaloFormat::halobrush:
      break;
  }
  return open_canonical(path, comm);
}

HaloCatalog read_halos(HaloSource& source, const ReadOptions& options, const Selection& selection,
                       const mpi::Communicator& comm) {
  const auto& path = source.header().source.path;
  auto collector = mpi::agree(comm, [&] { return Collector(source.header(), options, selection); });
  source.read([&](Table block, double done) { collector.take(std::move(block), done); }, comm);
  auto catalog = collector.finish(source.header(), comm);
  check_unique_ids(path, catalog.halos, comm);
  const auto content = selection.content ? *selection.content : content_of(path, comm);
  catalog.source.sha256 = content.sha256;
  catalog.source.bytes = content.bytes;
  return catalog;
}

HaloCatalog read_halos(const std::string& path, const ReadOptions& options, const mpi::Communicator& comm) {
  const auto source = open_halos(path, options, comm);
  return read_halos(*source, options, {}, comm);
}

bool is_warning(const std::string& remark) {
  return remark.starts_with(warning);
}

HaloHeader read_header(const std::string& path, const ReadOptions& options) {
  const auto format = format_of(path, options.format);
  auto header = header_in(format, path, options);
  look_at_rows(format, path, options, header);
  return header;
}

Content content_of(const std::string& path, const mpi::Communicator& comm) {
  const auto content = mpi::agree(comm, [&] { return comm.root() ? content_of(path) : Content{}; });
  return {comm.broadcast(content.sha256), comm.max(content.bytes)};
}

Content content_of(const std::string& path) {
  const bool folder = std::filesystem::is_directory(path);
  const auto files = folder || kind_of(path) == FileKind::subfind ? subfind_files(path) : std::vector{path};
  if (files.size() == 1) return {sha256_hex_of_file(files[0]), std::filesystem::file_size(files[0])};
  Content all;
  std::string hashes;
  for (const auto& file : files) {
    hashes += sha256_hex_of_file(file) + "\n";
    all.bytes += std::filesystem::file_size(file);
  }
  all.sha256 = sha256_hex(std::as_bytes(std::span(hashes)));
  return all;
}

}  // namespace halobrush::catalog
