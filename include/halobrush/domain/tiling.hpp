// The cut of the box into tiles, fixed by the config and the catalog, never by the number of ranks.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "halobrush/domain/box.hpp"
#include "halobrush/mpi/communicator.hpp"

namespace halobrush::domain {

class Tiling {
 public:
  /// Equal widths. Slabs are {n,1,1}; pencils and bricks are the same code.
  Tiling(const Box& box, std::array<std::int64_t, 3> tiles);
  /// @collective Edges such that tiles hold equal numbers of halos, to the resolution of a fine integer
  /// histogram (so that they do not depend on ranks or row order): along x, then y inside each x slab, then
  /// z. `centres`: of each halo's host, as the tiles go by hosts.
  static Tiling balanced(const Box& box, std::array<std::int64_t, 3> tiles, const std::vector<Vec3>& centres,
                         const mpi::Communicator& comm);

  std::int64_t count() const { return tiles_[0] * tiles_[1] * tiles_[2]; }
  /// The tile that holds a wrapped position.
  std::int64_t tile_of(const Vec3& position) const;
  /// Its low and high corner, Mpc/h.
  std::array<Vec3, 2> region(std::int64_t tile) const;

 private:
  Box box_;
  std::array<std::int64_t, 3> tiles_;
  std::vector<double> x_edges_, y_edges_, z_edges_;  // [nx+1], [nx][ny+1], [nx][ny][nz+1]
};

}  // namespace halobrush::domain
