#include "halobrush/catalog/reader.hpp"

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

}  // namespace

HaloCatalog read_halos(const std::string& path, const ReadOptions& options, const mpi::Communicator& comm) {
  auto catalog = read_rockstar(path, options, comm);
  wrap_upper_edge(catalog.halos, catalog.simulation);
  check_unique_ids(path, catalog.halos, comm);
  catalog.source.sha256 =
      comm.broadcast(mpi::agree(comm, [&] { return comm.root() ? sha256_hex_of_file(path) : std::string(); }));
  return catalog;
}

HaloHeader read_header(const std::string& path, const ReadOptions& options) {
  return read_rockstar_header(path, options);
}

}  // namespace halobrush::catalog
