// Distributed meshes over the periodic box and the tidal tensor on them (FFTW-MPI behind this module).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "halobrush/catalog/table.hpp"
#include "halobrush/domain/box.hpp"
#include "halobrush/mpi/communicator.hpp"

namespace halobrush::field {

/// A real mesh [n,n,n], index order x, y, z, cell centres at (i + 1/2) L/n; this rank holds planes
/// [first_plane, first_plane + planes) of x.
struct Mesh {
  std::int64_t n = 0, first_plane = 0, planes = 0;
  std::vector<double> values;  ///< [planes, n, n]
};

/// How a mesh was filled, so that its window can be undone.
enum class Window { none, cloud_in_cell };

/// A mesh of zeros with this rank's planes: the only distribution that the functions below make and take.
/// Ranks beyond the last plane hold none. Not collective.
Mesh empty_mesh(std::int64_t n, const mpi::Communicator& comm);

/// @collective Overdensity of the halos weighted by mass, cloud-in-cell. Accumulates in 64-bit fixed point:
/// the same bits in any order of rows and for any number of ranks. Without halos (or mass) it is zero
/// everywhere.
Mesh halo_overdensity(const catalog::Table& halos, const domain::Box& box, std::int64_t n,
                      const mpi::Communicator& comm);

/// @collective An overdensity [n,n,n] from an HDF5 dataset, each rank its planes. Throws data_error naming
/// file and dataset, also for values that are not finite and for a mean that no overdensity has.
Mesh read_overdensity(const std::string& file, const std::string& dataset, const mpi::Communicator& comm);

/// @collective Adds tidal_<R>_{xx,yy,zz,xy,xz,yz} to every halo for each Gaussian smoothing radius:
/// T_ij(k) = k_i k_j / k^2 exp(-k^2 R^2 / 2) delta(k) / W(k)^p, with W the cloud-in-cell window, once for the
/// interpolation to the halos and once more for the assignment when `filled` says so; trace = smoothed
/// overdensity. Sides of the box may differ.
void add_tidal_tensor(catalog::Table& halos, const Mesh& overdensity, Window filled, const domain::Box& box,
                      const std::vector<double>& smoothing_mpc_h, const mpi::Communicator& comm);

}  // namespace halobrush::field
