#include "halobrush/pipeline/sizes.hpp"

#include <algorithm>
#include <cmath>

#include "halobrush/catalog/mesh_file.hpp"
#include "halobrush/core/error.hpp"
#include "halobrush/core/memory.hpp"
#include "halobrush/mpi/agree.hpp"
#include "halobrush/pipeline/pipeline.hpp"

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

double tiles_of_grid(const config::Config& config) {
  const auto [nx, ny, nz] = config.domain.tiles;
  return static_cast<double>(nx) * static_cast<double>(ny) * static_cast<double>(nz);
}

// Of a row, those of the tidal tensor.
double bytes_of_tides(const catalog::Table& columns) {
  auto tides = columns.empty_like();
  std::erase_if(tides.columns(), [](const catalog::Column& column) { return !column.spec.name.starts_with("tidal_"); });
  return catalog::bytes_per_row(tides);
}

double wave_bytes_of(double limit) {
  return std::clamp(limit / 32, 16e6, 128e6);
}

// Doubles the ranks, and halves domain.max_halos, until a run fits.
void refuse_too_large(const config::Config& config, double halos, const catalog::Table& columns, bool learned, int ranks,
                      double limit) {
  const auto need = memory_need(config, halos, columns, learned, ranks, limit);
  if (need.peak() <= limit) return;
  const auto text = fmt::format(
      "limits.memory: {:.3g} halos take about {} on each of {} ranks ({} halos; and the largest of {} to send them, {} mesh, {} tiles), and {} {}", halos,
      human_bytes(need.peak()), ranks, human_bytes(need.halos), human_bytes(need.sending), human_bytes(need.mesh), human_bytes(need.tiles + need.model),
      human_bytes(limit), config.limits.memory.empty() ? "are there" : "are allowed");
  constexpr std::int64_t least_halos = 1000;
  const auto halos_of_tile = std::min(config.domain.max_halos, static_cast<std::int64_t>(tiles_of(config, halos).halos));
  auto other = config;
  for (int more = ranks; more <= (1 << 20); more *= 2)
    for (const std::int64_t finer : {1, 2, 4, 8, 16, 32, 64}) {
      auto& most = other.domain.max_halos;
      most = finer == 1 ? config.domain.max_halos : halos_of_tile / finer;
      if (finer > 1 && most < least_halos) break;
      if (memory_need(other, halos, columns, learned, more, limit).peak() <= limit)
        throw config_error("{}; {} ranks with domain.max_halos {} fit", text, more, most);
    }
  throw config_error("{}; no number of ranks fits: allow more", text);
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

Tiles tiles_of(const config::Config& config, double halos) {
  double tiles = tiles_of_grid(config);
  const auto most = static_cast<double>(config.domain.max_halos);
  while (halos / tiles > most) tiles *= 2;
  return {tiles, config.domain.balance ? halos / tiles : std::min(halos, most)};
}

MemoryNeed memory_need(const config::Config& config, double halos, const catalog::Table& columns, bool learned, int ranks,
                       double limit) {
  const double program = learned ? 200e6 : 45e6;  // with LibTorch, or without
  // A halo: its tile; positions and a directory, while hosts are looked up; routes and one column twice, while rows are sent.
  constexpr double of_place = 20, of_directory = 102, of_routes = 80;
  constexpr double of_networks = 7500, of_laws = 800;  // a galaxy of a tile: edges, inputs, intermediate tensors
  const auto [tiles, tile] = tiles_of(config, halos);
  const double side = mesh_of(config), row = catalog::bytes_per_row(columns);
  // No rank has less than a tile.
  const double kept = halos / std::min(tiles, static_cast<double>(ranks));
  return {.program = program,
          .halos = kept * (row + of_place),
          .sending = kept * std::max(of_directory - bytes_of_tides(columns), of_routes),  // tides are known after the hosts
          .mesh = side > 0 ? mesh_bytes(side, planes_of(side, ranks)) : 0,
          .tiles = 3 * std::min(std::max(tile * row, wave_bytes_of(limit)), kept * row),
          .model = tile * (learned ? of_networks : of_laws)};
}

double memory_limit(const config::Config& config, int ranks_on_node) {
  const auto set = bytes_in(config.limits.memory);
  return set ? *set : node_memory_bytes() / ranks_on_node;
}

double wave_bytes(const config::Config& config, const mpi::Communicator& comm) {
  return wave_bytes_of(memory_limit(config, comm.node().size()));
}

void check_memory(const config::Config& config, const catalog::HaloSource& source, const model::Painter& painter,
                  const mpi::Communicator& comm) {
  const double limit = memory_limit(config, comm.node().size());
  mpi::agree(comm, [&] {
    if (!comm.root()) return;
    auto columns = offered_columns(config, source.header().halos);
    columns.keep(columns_for(painter));
    columns.to_single();
    refuse_too_large(config, source.rows(), columns, !painter.models().empty(), comm.size(), limit);
  });
}

void check_tiles(const config::Config& config, std::uint64_t halos) {
  const auto [nx, ny, nz] = config.domain.tiles;
  const double tiles = tiles_of_grid(config);
  if (tiles > std::max(1000.0, static_cast<double>(halos)))
    throw config_error("domain.tiles: [{}, {}, {}] is {:.0f} tiles for {} halos; give each tile some thousands of halos",
                       nx, ny, nz, tiles, halos);
}

}  // namespace halobrush::pipeline
