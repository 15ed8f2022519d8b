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

  /// @collective The same tiles, but those with more than `most` halos are cut in two at the middle of their halos along
  /// the longest side, and again, until none has more or all that it has are of one group. The parts of a tile follow
  /// each other.
  Tiling with_at_most(std::uint64_t most, const std::vector<Vec3>& centres, const mpi::Communicator& comm) const;

  std::int64_t count() const;
  /// The tile that holds a wrapped position.
  std::int64_t tile_of(const Vec3& position) const;
  /// Its low and high corner, Mpc/h.
  std::array<Vec3, 2> region(std::int64_t tile) const;

 private:
  // A tile of the grid, or a part of one; it has two parts itself, or is the tile of this number.
  struct Part {
    std::array<Vec3, 2> region;
    int axis = 0;
    double cut = 0;
    std::int64_t below = -1;  // the part below the cut; that above is the next
    std::int64_t tile = -1;
  };
  std::int64_t grid_count() const { return tiles_[0] * tiles_[1] * tiles_[2]; }
  std::int64_t grid_tile_of(const Vec3& position) const;
  std::array<Vec3, 2> grid_region(std::int64_t tile) const;
  void cut_in_two(std::int64_t index, int axis, double cut);
  std::int64_t part_of(std::int64_t index, const Vec3& position) const;
  void number_parts();

  Box box_;
  std::array<std::int64_t, 3> tiles_;
  std::vector<double> x_edges_, y_edges_, z_edges_;  // [nx+1], [nx][ny+1], [nx][ny][nz+1]
  std::vector<Part> parts_;                          // those of the grid first; none: nothing was cut
  std::vector<std::int64_t> part_of_tile_;           // [tiles] where it is among parts_
};

}  // namespace halobrush::domain
