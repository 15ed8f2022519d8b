// Which way galaxies point: against the tidal field and their host's centre; and the slice that the page
// shows.
#pragma once

#include <vector>

#include "halobrush/catalog/results_file.hpp"
#include "halobrush/config/config.hpp"
#include "halobrush/field/mesh.hpp"
#include "halobrush/mpi/communicator.hpp"
#include "halobrush/validate/galaxies.hpp"
#include "halobrush/validate/results.hpp"

namespace halobrush::validate {

/// The environment of each of this rank's galaxies.
struct Environment {
  field::Mesh overdensity;            ///< of the halo mass that the galaxies carry
  /// Eigenvectors of the smallest and of the largest eigenvalue of the tidal tensor.
  std::vector<Vec3> stretching_axis, compressing_axis;
  double smoothing = 0;               ///< Mpc/h
};

/// @collective The largest of field.smoothing. Needs halo_mass.
Environment environment_of(const Galaxies& galaxies, const config::Field& field,
                           const mpi::Communicator& comm);

/// Unit vectors to the host's centre; zero for centrals and where the host is absent. @collective
std::vector<Vec3> host_directions(const Galaxies& galaxies, const mpi::Communicator& comm);

/// @collective Arrays of a slice around the heaviest halo (root only; elsewhere empty): galaxies, the
/// projected overdensity and the tidal axes.
std::vector<catalog::ResultArray> slice_of(const Galaxies& galaxies, const Environment& environment,
                                           const mpi::Communicator& comm);

}  // namespace halobrush::validate
