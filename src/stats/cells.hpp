// Galaxies in cells that are long along z. Cells never straddle a jackknife sub-box or a tile.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "halobrush/domain/box.hpp"
#include "halobrush/mpi/communicator.hpp"
#include "halobrush/stats/sample.hpp"
#include "kernel.hpp"

namespace halobrush::stats {

/// Pairs further apart than this are of no interest, Mpc/h.
struct Reach {
  double across, along;  ///< the line of sight
};

/// Another cell along one axis, or an image of it.
struct Neighbour {
  std::int64_t cell;
  double shift;  ///< of that image, Mpc/h
  double gap;    ///< between the two, Mpc/h
  int side;      ///< -1 below, 0 the same, 1 above
};

class Grid {
 public:
  /// The same on every rank and for any number of them.
  /// `galaxies`: how many there are on all ranks; few ones get wide cells.
  Grid(const domain::Box& box, const Reach& reach, std::int64_t galaxies, std::int64_t regions_per_side,
       std::array<std::int64_t, 3> tiles);

  const domain::Box& box() const { return box_; }
  std::int64_t cells() const { return size(0) * size(1) * size(2); }
  std::int64_t tiles() const { return tiles_[0] * tiles_[1] * tiles_[2]; }
  std::int64_t regions() const { return per_side_ * per_side_ * per_side_; }
  std::int64_t cell_of(const Vec3& position) const;
  std::int64_t tile_of_cell(std::int64_t cell) const;
  std::int64_t region_of_cell(std::int64_t cell) const;

  /// Calls work(cell, shift) for every image of a cell that may hold partners; `upper` leaves out those of
  /// which `cell` is itself a neighbour, so that each pair of cells is met once.
  template <class Work>
  void for_neighbours(std::int64_t cell, bool upper, Work&& work) const {
    const auto at = split(cell);
    for (const auto& x : neighbours_[0][at[0]])
      for (const auto& y : neighbours_[1][at[1]]) {
        if (x.gap * x.gap + y.gap * y.gap >= reach_.across * reach_.across) continue;
        if (upper && (x.side < 0 || (x.side == 0 && y.side < 0))) continue;
        for (const auto& z : neighbours_[2][at[2]])
          if (!upper || x.side > 0 || y.side > 0 || z.side >= 0)
            work((x.cell * size(1) + y.cell) * size(2) + z.cell, Vec3(x.shift, y.shift, z.shift));
      }
  }

 private:
  std::int64_t size(std::size_t axis) const { return static_cast<std::int64_t>(cuts_[axis].size()) - 1; }
  std::array<std::size_t, 3> split(std::int64_t cell) const;
  /// Which of n equal parts of the box each coordinate of a cell lies in, as one number.
  std::int64_t part(std::int64_t cell, std::array<std::int64_t, 3> n) const;

  domain::Box box_;
  Reach reach_;
  std::int64_t per_side_;
  std::array<std::int64_t, 3> tiles_;
  std::array<std::vector<double>, 3> cuts_;
  std::array<std::vector<std::vector<Neighbour>>, 3> neighbours_;  // [axis][cell]
};

/// Which columns a sample has, on all ranks together.
struct Present {
  bool weight = false, ellipticity = false;
  std::array<bool, 3> axes{};
};

/// Galaxies by cell and, inside a cell, by z and then by their other columns, so that the order of the input
/// is forgotten.
class Cells {
 public:
  /// @collective Every rank gets the rows of the cells that it asks for: `wanted_by[cell]` lists ranks.
  /// Throws data_error.
  Cells(const Grid& grid, const Sample& sample, const Present& present,
        const std::vector<std::vector<int>>& wanted_by, const mpi::Communicator& comm);

  CellRows rows(std::int64_t cell) const;

 private:
  std::vector<std::size_t> start_;  // [cells+1]
  std::array<std::vector<double>, columns> column_;
  std::vector<std::array<double, 4>> bounds_;  // [cells] low x, low y, high x, high y
};

/// @collective Throws data_error for a sample that cannot be measured; `what` names it.
Present check_sample(const Sample& sample, const char* what, const mpi::Communicator& comm);

}  // namespace halobrush::stats
