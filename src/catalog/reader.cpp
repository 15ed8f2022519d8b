#include "halobrush/catalog/reader.hpp"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "canonical.hpp"
#include "checks.hpp"
#include "halobrush/catalog/mock.hpp"
#include "halobrush/catalog/subfind.hpp"
#include "halobrush/core/error.hpp"
#include "halobrush/core/hash.hpp"
#include "halobrush/mpi/agree.hpp"
#include "rockstar.hpp"

namespace halobrush::catalog {
namespace {

// A position on the upper edge is the one on the lower edge: text is rounded.
void wrap_upper_edge(Table& halos, const Simulation& simulation) {
  for (std::size_t axis = 0; axis < 3; ++axis)
    for (auto& x : halos.get<double>(std::string(1, "xyz"[axis])))
      if (x >= simulation.box[axis]) x = 0;
}

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

HaloCatalog read_subfind(const std::string& path, const ReadOptions& options, const mpi::Communicator& comm) {
  const auto files = SubfindCatalog::open(path, options, comm);
  const auto n = static_cast<std::uint64_t>(comm.size()), rank = static_cast<std::uint64_t>(comm.rank());
  const auto begin = files.subhalos() * rank / n, end = files.subhalos() * (rank + 1) / n;
  HaloCatalog catalog;
  catalog.halos = mpi::agree(comm, [&] {
    // In blocks: what is left out must not fill the memory.
    constexpr std::uint64_t most = 1 << 18;
    auto halos = files.rows(begin, 0, SubhaloColumns::halo);
    for (auto first = begin; first < end; first += most)
      halos.append(files.rows(first, std::min(most, end - first), SubhaloColumns::halo));
    return halos;
  });
  catalog.simulation = files.simulation();
  catalog.source = {path, files.format(), 0, ""};
  catalog.remarks = files.remarks();
  const auto kept = comm.sum(static_cast<std::uint64_t>(catalog.halos.rows()));
  if (kept < files.subhalos())
    catalog.remarks.push_back(fmt::format(
        "{} of {} subhalos left out: not of cosmological origin (SubhaloFlag), or slower than input.min_vmax",
        files.subhalos() - kept, files.subhalos()));
  return catalog;
}

HaloHeader read_subfind_header_of(const std::string& path, const ReadOptions& options) {
  const auto files = SubfindCatalog::open(path, options);
  return {files.simulation(), {path, files.format(), 0, ""}, files.columns(),
          files.subhalos(),   options.min_vmax == 0,         files.remarks()};
}

void leave_out_slow(HaloCatalog& catalog, double min_vmax, const mpi::Communicator& comm) {
  if (min_vmax <= 0) return;
  if (!catalog.halos.has("vmax"))
    throw data_error("{}: has no vmax, by which input.min_vmax selects; set input.min_vmax: 0",
                     catalog.source.path);
  const auto vmax = std::as_const(catalog.halos).get<double>("vmax");
  std::vector<std::size_t> kept;
  for (std::size_t i = 0; i < vmax.size(); ++i)
    if (vmax[i] >= min_vmax) kept.push_back(i);
  if (const auto slow = comm.sum(static_cast<std::uint64_t>(vmax.size() - kept.size())); slow > 0) {
    catalog.halos = catalog.halos.select(kept);
    catalog.remarks.push_back(
        fmt::format("{} halos slower than {:g} km/s left out (input.min_vmax)", slow, min_vmax));
  }
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
  wrap_upper_edge(catalog.halos, catalog.simulation);
  leave_out_slow(catalog, options.min_vmax, comm);
  check_unique_ids(path, catalog.halos, comm);
  const auto content = mpi::agree(comm, [&] { return comm.root() ? content_of(path) : Content{}; });
  catalog.source.sha256 = comm.broadcast(content.sha256);
  catalog.source.bytes = comm.max(content.bytes);
  return catalog;
}

HaloHeader read_header(const std::string& path, const ReadOptions& options) {
  switch (format_of(path, options.format)) {
    case HaloFormat::rockstar:
      return read_rockstar_header(path, options);
    case HaloFormat::subfind:
      return read_subfind_header_of(path, options);
    case HaloFormat::halobrush:
      break;
  }
  return read_canonical_header(path);
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
