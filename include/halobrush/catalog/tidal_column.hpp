// What the columns of the tidal tensor are called.
#pragma once

#include <array>
#include <string>

#include "halobrush/core/error.hpp"

namespace halobrush::catalog {

/// e.g. tidal_4_xy, of a Gaussian smoothing radius in Mpc/h. `component` indexes xx, yy, zz, xy, xz, yz.
inline std::string tidal_column(double smoothing_mpc_h, int component) {
  constexpr std::array names = {"xx", "yy", "zz", "xy", "xz", "yz"};
  return fmt::format("tidal_{:g}_{}", smoothing_mpc_h, names.at(static_cast<std::size_t>(component)));
}

}  // namespace halobrush::catalog
