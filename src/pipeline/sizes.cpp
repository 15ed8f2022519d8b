#include "halobrush/pipeline/sizes.hpp"

#include <algorithm>
#include <cmath>

#include "halobrush/catalog/mesh_file.hpp"
#include "halobrush/core/error.hpp"
#include "halobrush/core/memory.hpp"
#include "halobrush/mpi/agree.hpp"

namespace halobrush::pipeline {
namespace {

// Cells a side of the mesh that tides are computed on; 0: none.
double mesh_of(const config::Config& config) {
  if (config.field.smoothing.empty()) return 0;
  if (config.density.file.empty()) return static_cast<double>(config.field.mesh);
  return static_cast<double>(catalog::mesh_shape(config.density.file, config.density.dataset)[0]);
}

// Of one rank that holds so many planes: the overdensity, and two buffers of the transform with a plane more.
double mesh_bytes(double side, double planes) {
  return 8 * side * side * (planes + 2 * (planes + 1));
}

double planes_of(double side, int ranks) {
  return std::ceil(side / ranks);
}

std::string too_large(const config::Config& config, double side, double bytes, double memory) {
  return fmt::format("{}: {:.0f} cells a side take {} on a rank, and this node has {}",
                     config.density.file.empty() ? "field.mesh" : "density.file", side, human_bytes(bytes),
                     human_bytes(memory));
}

}  // namespace

void check_input(const config::Config& config) {
  if (config.input.path.empty())
    throw config_error("input.path: is not given; name the halo catalog (--set input.path=FILE)");
}

void check_mesh(const config::Config& config, const mpi::Communicator& comm) {
  const int on_node = comm.node().size();
  mpi::agree(comm, [&] {
    const double side = mesh_of(config), bytes = mesh_bytes(side, planes_of(side, comm.size()));
    const double memory = node_memory_bytes();
    if (bytes * on_node > memory)
      throw config_error("{} for {} of the {} ranks; set it lower, or use more nodes",
                         too_large(config, side, bytes, memory), on_node, comm.size());
  });
}

void check_mesh(const config::Config& config, int ranks, Logger& log) {
  const double side = mesh_of(config), memory = node_memory_bytes();
  if (mesh_bytes(side, 1) > memory)
    throw config_error("{}, however many ranks there are (two planes are the least); set it lower",
                       too_large(config, side, mesh_bytes(side, 1), memory));
  const double all = mesh_bytes(side, planes_of(side, ranks)) * ranks;
  if (all > memory)
    log.warn("dry run: {} ({} ranks); spread the run over {:.0f} nodes like this one, or set it lower",
             too_large(config, side, all / ranks, memory), ranks, std::ceil(all / memory));
}

void check_tiles(const config::Config& config, std::uint64_t halos) {
  const auto [nx, ny, nz] = config.domain.tiles;
  const double tiles = static_cast<double>(nx) * static_cast<double>(ny) * static_cast<double>(nz);
  if (tiles > std::max(1000.0, static_cast<double>(halos)))
    throw config_error("domain.tiles: [{}, {}, {}] is {:.0f} tiles for {} halos; give each tile some thousands of halos",
                       nx, ny, nz, tiles, halos);
}

}  // namespace halobrush::pipeline
