// A halo catalog as every rank holds it: its share of the rows, and the simulation they come from.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "halobrush/catalog/table.hpp"

namespace halobrush::catalog {

/// The run behind a catalog. NaN: unknown.
struct Simulation {
  std::array<double, 3> box{};  ///< Mpc/h, periodic
  double scale_factor = 1, omega_m = 0, omega_l = 0, h = 0;
  double omega_b = std::numeric_limits<double>::quiet_NaN(), sigma_8 = omega_b, n_s = omega_b;
  double particle_mass = omega_b;  ///< Msun/h
  std::string mass_definition;     ///< of hosts: vir, 200b, 200c, 500c...; empty: unknown
};

/// Where rows came from, for the provenance of what is made of them.
struct Source {
  std::string path, format;  ///< path as input.path takes it, also where it names several files
  std::uint64_t bytes = 0;
  std::string sha256;
  std::string brief = {};  ///< for messages: the path, or the first of several and how many more there are
};

/// Halos that are left out on reading, each counted under the first of these limits that it misses.
struct LeftOut {
  std::uint64_t few_particles = 0, light = 0, slow = 0;  ///< input.min_particles, min_mass, min_vmax
  std::uint64_t total() const { return few_particles + light + slow; }
};

/// Columns of a halo table (double unless said otherwise); the first block is required, the rest optional.
///   id (i64), parent_id (i64, -1: a host), mass Msun/h, radius Mpc/h, x y z Mpc/h in [0, box), vx vy vz km/s
///   vmax, vrms km/s; scale_radius Mpc/h; spin; jx jy jz (any unit: only the direction is used);
///   specific_spin (Mpc/h) (km/s), physical; bound_mass Msun/h; n_particles (i64); b_to_a, c_to_a; axis_x axis_y axis_z (unit major axis; all zero where shape_resolved
///   is 0); shape_resolved (u8)
/// resolve_hosts (domain/hosts.hpp) adds host_id (i64), host_mass, host_radius, host_dx host_dy host_dz (from
/// the host's centre, Mpc/h, nearest image), host_dvx host_dvy host_dvz (relative to the host, km/s);
/// tidal_tensor (field/mesh.hpp) adds tidal_<R>_xx, yy, zz, xy, xz, yz for each smoothing radius, R printed
/// by "{:g}".
struct HaloCatalog {
  Table halos;
  Simulation simulation;
  Source source;
  std::vector<std::string> remarks;  ///< what was assumed or found on reading, one sentence each
  LeftOut left_out = {};             ///< of all ranks
};

/// The declared halo columns, required ones first.
struct HaloColumn {
  ColumnSpec spec;
  bool required = false;
  bool integer = false;
  bool boolean = false;
};
const std::vector<HaloColumn>& halo_schema();

}  // namespace halobrush::catalog
