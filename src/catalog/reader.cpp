#include "halobrush/catalog/reader.hpp"

#include <algorithm>
#include <cmath>
#include <filesystem>
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

// The limits are not the reader's: it reads all that they then choose from.
HaloCatalog read_subfind(const std::string& path, const ReadOptions& options, const mpi::Communicator& comm) {
  const auto files = SubfindCatalog::open(path, options, comm);
  const auto n = static_cast<std::uint64_t>(comm.size()), rank = static_cast<std::uint64_t>(comm.rank());
  const auto begin = files.subhalos() * rank / n, end = files.subhalos() * (rank + 1) / n;
  HaloCatalog catalog;
  Resolution resolution(options, files.simulation());
  catalog.halos = mpi::agree(comm, [&] {
    // In blocks: what is left out must not fill the memory.
    constexpr std::uint64_t most = 1 << 18;
    auto halos = files.rows(begin, 0, SubhaloColumns::halo);
    for (auto first = begin; first < end; first += most)
      halos.append(resolution.kept(files.rows(first, std::min(most, end - first), SubhaloColumns::halo), path));
    return halos;
  });
  catalog.simulation = files.simulation();
  catalog.source = {path, files.format(), 0, ""};
  catalog.remarks = files.remarks();
  if (const auto hosts = comm.sum(SubfindCatalog::hosts_without_m200(catalog.halos)); hosts > 0)
    catalog.remarks.push_back(SubfindCatalog::remark_on_m200(hosts));
  catalog.left_out = resolution.left_out();
  const auto of_rank = static_cast<std::uint64_t>(catalog.halos.rows()) + catalog.left_out.total();
  if (const auto cosmological = comm.sum(of_rank); cosmological < files.subhalos())
    catalog.remarks.push_back(fmt::format("{} of {} subhalos left out: not of cosmological origin (SubhaloFlag)",
                                          files.subhalos() - cosmological, files.subhalos()));
  return catalog;
}

HaloHeader read_subfind_header_of(const std::string& path, const ReadOptions& options) {
  const auto files = SubfindCatalog::open(path, options);
  return {files.simulation(), {path, files.format(), 0, ""}, files.columns(), files.subhalos(), true,
          files.remarks()};
}

void leave_out_unresolved(HaloCatalog& catalog, const ReadOptions& options, const mpi::Communicator& comm) {
  Resolution resolution(options, catalog.simulation, catalog.left_out);
  catalog.halos = mpi::agree(comm, [&] { return resolution.kept(std::move(catalog.halos), catalog.source.path); });
  catalog.left_out = resolution.left_out(comm);
  const auto kept = comm.sum(static_cast<std::uint64_t>(catalog.halos.rows()));
  for (auto& remark : resolution.remarks(catalog.left_out, kept, catalog.halos))
    catalog.remarks.push_back(std::move(remark));
}

bool is_known_piece(const std::vector<std::string>& remarks) {
  return std::ranges::any_of(remarks, [](const auto& remark) { return remark.starts_with(piece_of_box("").substr(0, 50)); });
}

// A piece of a box looks like a whole one, apart from where its halos are.
void remark_on_empty_regions(HaloCatalog& catalog, const mpi::Communicator& comm) {
  Occupancy occupancy(catalog.simulation);
  occupancy.add(catalog.halos);
  occupancy.sum(comm);
  if (const auto empty = occupancy.empty_region(); empty && !is_known_piece(catalog.remarks))
    catalog.remarks.push_back(piece_of_box(*empty));
}

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

HaloCatalog read(HaloFormat format, const std::string& path, const ReadOptions& options,
                 const mpi::Communicator& comm) {
  switch (format) {
    case HaloFormat::rockstar:
      return read_rockstar(path, options, comm);
    case HaloFormat::subfind:
      return read_subfind(path, options, comm);
    case HaloFormat::halobrush:
      break;
  }
  return read_canonical(path, comm);
}

}  // namespace

HaloCatalog read_halos(const std::string& path, const ReadOptions& options, const mpi::Communicator& comm) {
  auto format =
      mpi::agree(comm, [&] { return comm.root() ? format_of(path, options.format) : HaloFormat{}; });
  comm.broadcast(std::span(&format, 1));
  auto catalog = read(format, path, options, comm);
  wrap_into_box(catalog.halos, catalog.simulation);
  remark_on_empty_regions(catalog, comm);
  leave_out_unresolved(catalog, options, comm);
  check_unique_ids(path, catalog.halos, comm);
  const auto content = mpi::agree(comm, [&] { return comm.root() ? content_of(path) : Content{}; });
  catalog.source.sha256 = comm.broadcast(content.sha256);
  catalog.source.bytes = comm.max(content.bytes);
  return catalog;
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
