// What a model was trained on, as far as its file says: compared with what it is asked to paint on
// (pipeline/origin.hpp).
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "halobrush/catalog/halo_catalog.hpp"

namespace halobrush::model {

/// What a tidal tensor was made of. No smoothing radius: there was none.
struct TidalField {
  std::vector<double> smoothing;  ///< Mpc/h
  std::int64_t mesh = 0;          ///< cells a side
  double cell = std::numeric_limits<double>::quiet_NaN();  ///< Mpc/h, of the longest side
  std::string density_file;  ///< empty: the halos, weighted by mass
};

/// A simulation of which nothing is known.
inline catalog::Simulation unknown_simulation() {
  catalog::Simulation simulation;
  simulation.scale_factor = simulation.omega_m = simulation.omega_l = simulation.h =
      std::numeric_limits<double>::quiet_NaN();
  return simulation;
}

/// Numbers that are NaN and texts that are empty are unknown.
struct Origin {
  catalog::Simulation simulation = unknown_simulation();
  std::string format;  ///< of the halo catalog
  double min_vmax = std::numeric_limits<double>::quiet_NaN();       ///< km/s, input.min_vmax
  double min_particles = std::numeric_limits<double>::quiet_NaN();  ///< input.min_particles
  double min_mass = std::numeric_limits<double>::quiet_NaN();       ///< Msun/h, input.min_mass
  double least_mass = std::numeric_limits<double>::quiet_NaN();     ///< Msun/h, of the training galaxies' halos
  double least_vmax = std::numeric_limits<double>::quiet_NaN();     ///< km/s, the same
  double least_particles = std::numeric_limits<double>::quiet_NaN();  ///< the same
  std::uint64_t galaxies = 0;                                         ///< trained on; 0: unknown
  TidalField tidal;

  /// Files of older versions say nothing.
  bool known() const { return galaxies > 0; }
};

}  // namespace halobrush::model
