// A tile with all that its painting needs: owned galaxies and the ghosts around them.
#pragma once

#include <cstdint>
#include <vector>

#include "halobrush/catalog/table.hpp"
#include "halobrush/core/geometry.hpp"

namespace halobrush::domain {

/// The same whatever the number of ranks: owned rows by id, then ghosts by (id, image).
struct Patch {
  std::int64_t tile = 0;
  std::size_t owned = 0;  ///< the first rows; whole host-halo groups
  catalog::Table halos;   ///< owned, then ghosts; x y z as in the catalog
  std::vector<Vec3> pos;  ///< [n,3] Mpc/h, unwrapped: continuous around the tile's first owned host
};

}  // namespace halobrush::domain
