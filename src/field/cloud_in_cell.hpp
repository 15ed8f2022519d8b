// Cloud-in-cell weights (Hockney & Eastwood 1981, section 5-3): a cube of one cell's size spread over the
// cells it covers.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>

#include "halobrush/domain/box.hpp"

namespace halobrush::field {

/// The two cells that a point reaches along one axis.
struct CicAxis {
  std::array<std::int64_t, 2> cell;
  std::array<double, 2> weight;
};

inline CicAxis cic_axis(double x, double side, std::int64_t n) {
  const double in_cells = x / side * static_cast<double>(n) - 0.5;  // from the centre of cell 0
  const double lower = std::floor(in_cells);
  const double fraction = in_cells - lower;
  const auto cell = (static_cast<std::int64_t>(lower) + n) % n;
  return {{cell, (cell + 1) % n}, {1 - fraction, fraction}};
}

using Cic = std::array<CicAxis, 3>;

/// @param pos Mpc/h, in [0, side]
inline Cic cloud_in_cell(const std::array<double, 3>& pos, const domain::Box& box, std::int64_t n) {
  return {cic_axis(pos[0], box.side[0], n), cic_axis(pos[1], box.side[1], n),
          cic_axis(pos[2], box.side[2], n)};
}

}  // namespace halobrush::field
