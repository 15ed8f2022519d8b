// Galaxies as the statistics see them.
#pragma once

#include <array>
#include <vector>

#include "halobrush/core/geometry.hpp"

namespace halobrush::stats {

/// Any share of a catalog's rows, in any order. A column is given for all rows of all ranks or for none.
struct Sample {
  std::vector<Vec3> pos;       ///< [n,3] Mpc/h, comoving; wrapped into the box
  std::vector<double> weight;  ///< [n], or empty: all one
  /// Major, intermediate, minor axis (A, B, C): [n,3] unit vectors each, the sign means nothing; or empty.
  std::array<std::vector<Vec3>, 3> axes;
  /// [n] (e1, e2) of the image seen along z; e1 > 0 elongated along x, e2 > 0 along x = y; or empty.
  std::vector<std::array<double, 2>> ellipticity;
};

}  // namespace halobrush::stats
