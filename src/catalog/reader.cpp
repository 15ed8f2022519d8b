#include "halobrush/catalog/reader.hpp"

#include "canonical.hpp"
#include "checks.hpp"
#include "halobrush/catalog/mock.hpp"
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
  if (format != "auto")
    throw config_error("input.format: no format '{}'; use auto, rockstar or halobrush", format);
  switch (kind_of(path)) {
    case FileKind::rockstar:
      return HaloFormat::rockstar;
    case FileKind::halo_catalog:
      return HaloFormat::halobrush;
    case FileKind::mock:
      throw data_error("{}: holds galaxies (a mock), not halos; give a halo catalog", path);
    default:
      throw data_error(
          "{}: no halo catalog (neither a Rockstar list, whose first line begins with '#', nor our HDF5 "
          "format); "
          "check input.path, or set input.format to learn what is missing",
          path);
  }
}

}  // namespace

HaloCatalog read_halos(const std::string& path, const ReadOptions& options, const mpi::Communicator& comm) {
  auto format =
      mpi::agree(comm, [&] { return comm.root() ? format_of(path, options.format) : HaloFormat{}; });
  comm.broadcast(std::span(&format, 1));
  auto catalog =
      format == HaloFormat::rockstar ? read_rockstar(path, options, comm) : read_canonical(path, comm);
  wrap_upper_edge(catalog.halos, catalog.simulation);
  check_unique_ids(path, catalog.halos, comm);
  catalog.source.sha256 = comm.broadcast(
      mpi::agree(comm, [&] { return comm.root() ? sha256_hex_of_file(path) : std::string(); }));
  return catalog;
}

HaloHeader read_header(const std::string& path, const ReadOptions& options) {
  return format_of(path, options.format) == HaloFormat::rockstar ? read_rockstar_header(path, options)
                                                                 : read_canonical_header(path);
}

}  // namespace halobrush::catalog
