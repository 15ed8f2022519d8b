// A periodic box.
#pragma once

#include <array>
#include <cmath>

#include "halobrush/core/geometry.hpp"

namespace halobrush::domain {

struct Box {
  Vec3 side;  ///< Mpc/h; the three may differ

  /// Into [0, side).
  Vec3 wrap(Vec3 p) const {
    for (int k = 0; k < 3; ++k) {
      p[k] -= side[k] * std::floor(p[k] / side[k]);
      if (p[k] >= side[k]) p[k] = 0;
    }
    return p;
  }
  /// The shortest of a separation's periodic images.
  Vec3 nearest_image(Vec3 d) const {
    for (int k = 0; k < 3; ++k) d[k] -= side[k] * std::round(d[k] / side[k]);
    return d;
  }
};

}  // namespace halobrush::domain
