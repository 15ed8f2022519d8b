#include "snapshots.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <tuple>
#include <utility>

#include "halobrush/catalog/identity.hpp"
#include "halobrush/core/error.hpp"

namespace halobrush::lightcone {
namespace {

constexpr double unbounded = std::numeric_limits<double>::infinity();

// What painting depends on, apart from what belongs to one time or decides the order of rows alone.
catalog::Identity painting_of(const Snapshot& snapshot) {
  const auto all = catalog::identity_from(catalog::entry_of(snapshot.header.provenance, catalog::identity_attribute));
  const auto same = catalog::without(all, catalog::acceptable_differences());
  return catalog::without(same, {"input.path (SHA-256)", "input.scale_factor", "density.file", "density.file (SHA-256)", "domain.tiles", "domain.balance",
                                 "domain.max_halos", "domain.ghost_width", "output.index"});
}

constexpr double greatest_redshift = 20;  // as of lightcone.redshift
constexpr std::array needed = {"galaxy_id",      "halo_id",        "host_halo_id",   "x",  "y",  "z",  "vx", "vy", "vz", "galaxy_axisA_x", "galaxy_axisA_y", "galaxy_axisA_z",
                               "galaxy_axisB_x", "galaxy_axisB_y", "galaxy_axisB_z", "galaxy_axisC_x", "galaxy_axisC_y", "galaxy_axisC_z", "b_to_a", "c_to_a"};
constexpr std::array added = {"ra", "dec", "chi", "redshift", "redshift_true", "redshift_obs", "replica", "snapshot_galaxy_id", "snapshot_redshift", "source_galaxy_upid"};

Snapshot open_snapshot(const std::string& path) {
  if (path.empty()) throw config_error("lightcone.snapshots: one of the names is empty; name painted mocks");
  const auto mock = catalog::summarise_mock(path);
  if (mock.header.cone) throw data_error("{}: is a light cone; give snapshots", path);
  const auto has = [&](const std::string& name) { return std::ranges::count(mock.columns, name, &catalog::ColumnSpec::name) > 0; };
  for (const char* name : needed)
    if (!has(name)) throw data_error("{}: has no column '{}': it is no mock that halobrush painted; give one", path, name);
  for (const char* name : added)
    if (has(name)) throw data_error("{}: has a column '{}', which a light cone adds; rename or remove it", path, name);
  if (catalog::entry_of(mock.header.provenance, catalog::identity_attribute).empty())
    throw data_error("{}: does not say how it was painted (/provenance: {}); give a mock that halobrush painted", path, catalog::identity_attribute);
  const double redshift = 1 / mock.header.simulation.scale_factor - 1;
  if (!(redshift > -1e-6 && redshift <= greatest_redshift))
    throw data_error("{}: its redshift {:g} is not between 0 and {:g}, where light cones are made", path, redshift, greatest_redshift);
  return {path, mock.header, mock.rows, redshift};
}

void check_same_columns(const Snapshot& first, const Snapshot& other) {
  const auto here = catalog::MockRows(first.path).read(0, 0), there = catalog::MockRows(other.path).read(0, 0);
  const auto same = [](const catalog::Column& a, const catalog::Column& b) { return a.spec == b.spec && a.data.index() == b.data.index(); };
  const auto& [a, b] = std::ranges::mismatch(here.columns(), there.columns(), same);
  if (a == here.columns().end() && b == there.columns().end()) return;
  throw data_error("{} and {}: column '{}' is in one of them alone, or has another type, unit, description or place; give snapshots that were painted alike", first.path, other.path,
                   a != here.columns().end() ? a->spec.name : b->spec.name);
}

// What all snapshots have in common.
void check_alike(const Snapshot& first, const Snapshot& other) {
  const auto &a = first.header.simulation, &b = other.header.simulation;
  const auto differ = [&](const std::string& what, const std::string& here, const std::string& there) {
    if (here != there)
      throw data_error("{} and {}: {} differs ({} and {}); give snapshots of one simulation, painted alike", first.path, other.path, what, here, there);
  };
  differ("the box", fmt::format("{:g} {:g} {:g} Mpc/h", a.box[0], a.box[1], a.box[2]), fmt::format("{:g} {:g} {:g} Mpc/h", b.box[0], b.box[1], b.box[2]));
  for (const auto& [name, here, there] : {std::tuple("Omega_m", a.omega_m, b.omega_m), {"h", a.h, b.h}, {"the particle mass", a.particle_mass, b.particle_mass}})
    if (!(std::isnan(here) && std::isnan(there))) differ(name, fmt::format("{:.6g}", here), fmt::format("{:.6g}", there));
  differ("the mass definition", a.mass_definition, b.mass_definition);
  if (const auto painted = catalog::differences(painting_of(first), painting_of(other)); !painted.empty())
    throw data_error("{} and {}: are painted otherwise: {} (there: the first, here: the second); paint them alike", first.path, other.path, painted);
  check_same_columns(first, other);
  if (first.redshift == other.redshift)
    throw data_error("{} and {}: are both of redshift {:.4g}; give one of them", first.path, other.path, first.redshift);
}

void check_flat(const Snapshot& snapshot) {
  const auto& s = snapshot.header.simulation;
  if (std::abs(s.omega_m + s.omega_l - 1) > 1e-3)
    throw data_error("{}: Omega_m = {:g} and Omega_Lambda = {:g} are of no flat universe; distances are known for flat ones alone", snapshot.path, s.omega_m, s.omega_l);
  if (s.omega_m >= 1) throw data_error("{}: Omega_m = {:g} leaves no cosmological constant, and light cones are made for universes with one", snapshot.path, s.omega_m);
}

// Half of a vector cannot be turned.
void check_vectors_are_whole(const std::string& path) {
  const auto rows = catalog::MockRows(path).read(0, 0);
  for (const auto& column : rows.columns()) {
    const auto& name = column.spec.name;
    if (name.size() < 3 || name[name.size() - 2] != '_' || std::string("xyz").find(name.back()) == std::string::npos) continue;
    for (const char axis : {'x', 'y', 'z'})
      if (const auto part = name.substr(0, name.size() - 1) + axis; !rows.has(part))
        throw data_error("{}: has a column '{}' and none '{}', so it cannot be turned (lightcone.turn); remove it or add the other", path, name, part);
  }
}

Sky sky_of(const config::LightCone& config) {
  if (config.sky == "full") return Sky::full();
  if (config.sky == "octant") return Sky::octant();
  if (!(config.radius > 0 && config.radius <= 180)) throw config_error("lightcone.radius: a cone needs one, above 0 and up to 180 degrees");
  if (std::abs(config.centre[1]) > 90) throw config_error("lightcone.centre: the declination {:g} is not between -90 and 90 degrees", config.centre[1]);
  return Sky::cone(config.centre[0], config.centre[1], config.radius);
}

void check_range(const config::LightCone& config, const std::vector<Snapshot>& snapshots) {
  if (!(config.redshift[1] > 0)) throw config_error("lightcone.redshift: is not given; name the redshifts from and to which galaxies are wanted");
  constexpr double rounding = 1e-6;
  const double least = snapshots.front().redshift, greatest = snapshots.back().redshift;
  if (config.beyond || (config.redshift[0] >= least - rounding && config.redshift[1] <= greatest + rounding)) return;
  throw config_error("lightcone.redshift: [{:g}, {:g}] is beyond the snapshots (redshift {:.4g} to {:.4g}); add snapshots, or allow the nearest one by lightcone.beyond: true",
                     config.redshift[0], config.redshift[1], least, greatest);
}

// Half way in time between neighbours; the first and the last reach as far as is asked for, satellites included.
void bound(std::vector<Snapshot>& snapshots, const Distances& distances) {
  snapshots.front().from = 0;
  snapshots.back().to = unbounded;
  for (std::size_t i = 0; i + 1 < snapshots.size(); ++i) {
    const double middle = (distances.time_at(snapshots[i].redshift) + distances.time_at(snapshots[i + 1].redshift)) / 2;
    snapshots[i].to = snapshots[i + 1].from = distances.comoving(distances.redshift_at(middle));
  }
}

}  // namespace

Cone cone_of(const config::Config& config) {
  const auto& wanted = config.lightcone;
  if (wanted.snapshots.empty()) throw config_error("lightcone.snapshots: is not given; name painted mocks");
  std::vector<Snapshot> snapshots;
  for (const auto& path : wanted.snapshots) snapshots.push_back(open_snapshot(path));
  std::ranges::sort(snapshots, {}, &Snapshot::redshift);
  for (std::size_t i = 1; i < snapshots.size(); ++i) check_alike(snapshots[i - 1], snapshots[i]);
  check_flat(snapshots.front());
  check_range(wanted, snapshots);
  const auto& s = snapshots.front().header.simulation;
  const Vec3 side(s.box[0], s.box[1], s.box[2]), observer(wanted.observer[0], wanted.observer[1], wanted.observer[2]);
  if (!((observer.array() >= 0).all() && (observer.array() <= side.array()).all()))
    throw config_error("lightcone.observer: [{:g}, {:g}, {:g}] is not in the box of {:g} x {:g} x {:g} Mpc/h", observer[0], observer[1], observer[2], side[0], side[1], side[2]);
  if (wanted.turn) check_vectors_are_whole(snapshots.front().path);
  Distances distances(s.omega_m, std::max(wanted.redshift[1], snapshots.back().redshift));
  bound(snapshots, distances);
  const double near = distances.comoving(wanted.redshift[0]), far = distances.comoving(wanted.redshift[1]);
  if (wanted.turn && side.maxCoeff() != side.minCoeff())
    throw config_error("lightcone.turn: the box of {:g} x {:g} x {:g} Mpc/h is no cube, and images of it that are turned do not fit together; leave them as they are", side[0], side[1], side[2]);
  return {std::move(snapshots), side, observer, std::move(distances), sky_of(wanted), wanted.turn, wanted.redshift, near, far};
}

void check_finite(const std::string& path, const catalog::Table& rows, std::span<const char* const> columns, std::uint64_t first_row) {
  for (const char* name : columns) {
    const auto values = rows.reals(name);
    for (std::size_t i = 0; i < values.size(); ++i)
      if (!std::isfinite(values[i])) throw data_error("{}: column '{}' holds {} in row {}; give the mock as it was painted", path, name, values[i], first_row + i);
  }
}

Shell shell_of(const Cone& cone, const Snapshot& snapshot) {
  return {std::max(snapshot.from, cone.near), std::min(snapshot.to, cone.far)};
}

std::vector<std::string> warnings_on_shells(const Cone& cone) {
  constexpr double far = 0.1;  // the growth of structure changes by about a twentieth
  std::vector<std::string> warnings;
  for (const auto& snapshot : cone.snapshots) {
    const auto shell = shell_of(cone, snapshot);
    if (shell.empty()) continue;
    const double apart = std::max(snapshot.redshift - cone.distances.redshift(shell.from), cone.distances.redshift(shell.to) - snapshot.redshift);
    if (apart > far)
      warnings.push_back(fmt::format("{} (redshift {:.4f}) fills redshifts up to {:.3f} away: structure and galaxies there are of another time; more snapshots would mend it",
                                     snapshot.path, snapshot.redshift, apart));
  }
  return warnings;
}

void say_shells(const Cone& cone, Logger& log) {
  for (const auto& warning : warnings_on_shells(cone)) log.warn("light cone: {}", warning);
  for (const auto& snapshot : cone.snapshots) {
    const auto [from, to] = shell_of(cone, snapshot);
    if (from < to)
      log.info("light cone: redshift {:.4f} to {:.4f} ({:.1f} to {:.1f} Mpc/h) from {} (redshift {:.4f}, {} galaxies)", cone.distances.redshift(from),
               cone.distances.redshift(to), from, to, snapshot.path, snapshot.redshift, snapshot.rows);
    else
      log.warn("light cone: {} (redshift {:.4f}) is not nearest to any of the redshifts asked for, and is not used", snapshot.path, snapshot.redshift);
  }
}

}  // namespace halobrush::lightcone
