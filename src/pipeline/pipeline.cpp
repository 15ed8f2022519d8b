#include "halobrush/catalog/tidal_column.hpp"
#include "halobrush/pipeline/pipeline.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <numeric>

#include "halobrush/core/error.hpp"
#include "halobrush/domain/hosts.hpp"
#include "halobrush/field/mesh.hpp"
#include "halobrush/mpi/agree.hpp"
#include "halobrush/mpi/stop.hpp"
#include "halobrush/pipeline/origin.hpp"
#include "halobrush/pipeline/sizes.hpp"

namespace halobrush::pipeline {
namespace {

void add_tidal_tensor(const config::Config& config, catalog::Table& halos, const domain::Box& box,
                      const mpi::Communicator& comm) {
  if (config.field.smoothing.empty()) return;  // e.g. no complete box
  const auto overdensity = config.density.file.empty()
                               ? field::halo_overdensity(halos, box, config.field.mesh, comm)
                               : field::read_overdensity(config.density.file, config.density.dataset, comm);
  field::add_tidal_tensor(halos, overdensity, field::Window::cloud_in_cell, box, config.field.smoothing,
                          comm);
}

// Those that reading and resolving hosts need as well.
std::vector<std::string> with_required(std::vector<std::string> columns) {
  for (const auto& column : catalog::halo_schema())
    if (column.required) columns.push_back(column.spec.name);
  return columns;
}

void add_inputs(const model::Needs& needs, std::vector<std::string>& columns) {
  std::ranges::copy(features::columns_of(needs.features), std::back_inserter(columns));
  for (const auto& next : needs.then) add_inputs(next, columns);
}

}  // namespace

catalog::ReadOptions read_options(const config::Config& config) {
  const auto& in = config.input;
  catalog::ReadOptions options = {in.format,          in.box_size, in.units,    in.scale_factor, config.cosmology.omega_m,
                                  config.cosmology.h, in.min_vmax, in.host_mass};
  options.columns = in.columns;
  options.mass_definition = in.mass_definition;
  options.min_particles = in.min_particles;
  options.min_mass = in.min_mass;
  return options;
}

std::string complete_cosmology(catalog::Simulation& simulation, const config::Cosmology& cosmology) {
  std::string assumed;
  const auto fill = [&](double& value, double configured, double fallback, const char* name) {
    if (!std::isnan(configured)) value = configured;
    if (!std::isnan(value)) return;
    value = fallback;
    assumed += fmt::format("{} = {} (the catalog does not say; set cosmology.{})\n", name, fallback, name);
  };
  fill(simulation.omega_b, cosmology.omega_b, 0.0486, "omega_b");
  fill(simulation.sigma_8, cosmology.sigma_8, 0.8159, "sigma_8");
  fill(simulation.n_s, cosmology.n_s, 0.9667, "n_s");
  return assumed;
}

domain::Box box_of(const catalog::Simulation& simulation) {
  return {Vec3(simulation.box[0], simulation.box[1], simulation.box[2])};
}

std::unique_ptr<catalog::HaloSource> open_halos(const config::Config& config, const mpi::Communicator& comm) {
  check_mesh(config, comm);
  return catalog::open_halos(config.input.path.each, read_options(config), comm);
}

catalog::HaloCatalog load_halos(const config::Config& config, catalog::HaloSource& source,
                                catalog::Selection selection, const mpi::Communicator& comm,
                                StageTimes& times, Logger& log) {
  const auto columns = selection.columns;
  if (!columns.empty()) selection.columns = with_required(columns);
  selection.single = true;
  const auto& header = source.header();
  const auto on_mesh = mpi::agree(
      comm, [&] { return coarse_mesh(origin_of(config, header.simulation, header.source.format).tidal); });
  auto halos = times.measure(
      "read", [&] { return catalog::read_halos(source, read_options(config), selection, comm); });
  const auto box = box_of(halos.simulation);
  const auto rows = comm.sum(static_cast<std::uint64_t>(halos.halos.rows()));
  check_tiles(config, rows);
  log.info("read: {} halos ({}), box {:g} x {:g} x {:g} Mpc/h, a = {:g}", rows, halos.source.format,
           box.side[0], box.side[1], box.side[2], halos.simulation.scale_factor);
  halos.remarks.insert(halos.remarks.end(), on_mesh.begin(), on_mesh.end());
  mpi::stop_if_asked(comm, "hosts are resolved");
  times.measure("hosts", [&] {
    domain::resolve_hosts(
        halos, box,
        config.input.orphans == "promote" ? domain::OrphanPolicy::promote : domain::OrphanPolicy::error,
        comm);
  });
  if (!columns.empty()) halos.halos.keep(columns);
  catalog::log_remarks(log, "read", halos.remarks);
  mpi::stop_if_asked(comm, "the tidal field");
  times.measure("tidal", [&] { add_tidal_tensor(config, halos.halos, box, comm); });
  if (!columns.empty()) halos.halos.keep(columns);
  return halos;
}

catalog::HaloCatalog load_halos(const config::Config& config, const mpi::Communicator& comm,
                                StageTimes& times, Logger& log) {
  const auto source = open_halos(config, comm);
  return load_halos(config, *source, {}, comm, times, log);
}

catalog::Table offered_columns(const config::Config& config, catalog::Table columns) {
  const auto offer = [&](const std::string& name, auto value) {
    if (!columns.has(name)) columns.add<decltype(value)>({name, "", ""});
  };
  offer("host_id", std::int64_t{});
  for (const char* name :
       {"host_mass", "host_radius", "host_dx", "host_dy", "host_dz", "host_dvx", "host_dvy", "host_dvz"})
    offer(name, double{});
  for (const double r : config.field.smoothing)
    for (int component = 0; component < 6; ++component) offer(catalog::tidal_column(r, component), double{});
  return columns;
}

std::vector<std::string> columns_for(const model::Painter& painter) {
  std::vector<std::string> columns = {"id", "host_id", "x", "y", "z", "vx", "vy", "vz", "mass"};
  // What galaxies are aligned with stands in the mock, as far as the catalog has it.
  for (const char* name : {"axis_x", "axis_y", "axis_z", "jx", "jy", "jz"}) columns.emplace_back(name);
  // By these halos are compared with those of the training.
  if (!painter.models().empty()) columns.insert(columns.end(), {"vmax", "n_particles"});
  add_inputs(painter.needs(), columns);
  std::ranges::sort(columns);
  columns.erase(std::ranges::unique(columns).begin(), columns.end());
  return columns;
}

double ghost_width(const config::Config& config, const model::Needs& needs) {
  return needs.ghost_width() + config.domain.ghost_width;
}

domain::Ownership ownership(const config::Config& config, const domain::Box& box, const catalog::Table& halos,
                            const mpi::Communicator& comm) {
  const auto& [tiles, balance, max_halos, ghost_width] = config.domain;
  return domain::Ownership::of(box, tiles, balance, halos, comm, static_cast<std::uint64_t>(max_halos));
}

domain::Distribution distribute(const config::Config& config, catalog::HaloCatalog& halos, const model::Needs& needs,
                                const mpi::Communicator& comm) {
  const auto box = box_of(halos.simulation);
  auto owned = ownership(config, box, halos.halos, comm);
  auto tiles = owned.all_tiles();
  auto columns = halos.halos.empty_like();
  return {box, std::move(owned), std::exchange(halos.halos, std::move(columns)), ghost_width(config, needs),
          std::move(tiles), comm};
}

namespace {

// Ghosts that another painter of a chain needs are none to this one: matrix products round by the number of rows, too.
std::size_t rows_for(const domain::Patch& patch, const model::Needs& needs) {
  return needs.layers > 0 && !needs.own_group_only ? patch.halos.rows() : patch.owned;
}

features::NodeFeatures features_of(const catalog::Table& halos, std::size_t rows, const model::Needs& needs) {
  if (rows == halos.rows()) return features::assemble(halos, needs.features);
  std::vector<std::size_t> first(rows);
  std::iota(first.begin(), first.end(), std::size_t{0});
  return features::assemble(halos.select(first), needs.features);
}

}  // namespace

model::Inputs inputs_of(const domain::Patch& patch, const model::Needs& needs) {
  const auto rows = rows_for(patch, needs);
  const auto pos = std::span(patch.pos).first(rows), owned = pos.first(patch.owned);
  const auto host = patch.halos.get<std::int64_t>("host_id").first(patch.owned);
  const double radius = needs.layers > 0 ? needs.radius : 0;
  model::Inputs inputs;
  inputs.owned = patch.owned;
  inputs.id = patch.halos.get<std::int64_t>("id").first(rows);
  inputs.pos = pos;
  inputs.nodes = features_of(patch.halos, rows, needs);
  inputs.host = host;
  inputs.environment =
      needs.own_group_only
          ? graph::within(graph::group_graph(owned, host, needs.environment_neighbours), owned, radius)
          : graph::radius_graph(pos, radius, needs.environment_neighbours);
  inputs.group = graph::group_graph(owned, host, needs.group_neighbours);
  for (const auto& next : needs.then) inputs.then.push_back(inputs_of(patch, next));
  return inputs;
}

}  // namespace halobrush::pipeline
