// A tile with all that its painting needs: owned galaxies and the ghosts around them.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "halobrush/catalog/table.hpp"
#include "halobrush/domain/box.hpp"
#include "halobrush/domain/tiling.hpp"
#include "halobrush/mpi/communicator.hpp"

namespace halobrush::domain {

/// The same whatever the number of ranks: owned rows by id, then ghosts by (id, image).
struct Patch {
  std::int64_t tile = 0;
  std::size_t owned = 0;  ///< the first rows; whole host-halo groups
  catalog::Table halos;   ///< owned, then ghosts; x y z as in the catalog
  std::vector<Vec3> pos;  ///< [n,3] Mpc/h, unwrapped: continuous around the tile's first owned host
};

/// How many halos each tile owns. @collective; the same on every rank.
std::vector<std::uint64_t> owned_counts(const Tiling& tiling, const catalog::Table& halos,
                                        const mpi::Communicator& comm);

/// Which rank paints each of the `todo` tiles: contiguous blocks of about equal numbers of halos. More ranks
/// than tiles leaves ranks without any. `owned_counts` is of all tiles. Not collective, the same on every
/// rank.
std::vector<int> assign_tiles(std::span<const std::int64_t> todo, std::span<const std::uint64_t> owned_counts,
                              int ranks);

/// @collective The patches of this rank's tiles, in the order of `todo`. Ghosts: every periodic image of
/// every halo that is not an owned row itself and lies within `ghost_width` (per axis) of the bounding box of
/// the owned galaxies' unwrapped positions. Tiles without halos give empty patches. Throws config_error when
/// ghost_width exceeds half of a side of the box.
std::vector<Patch> distribute(const Box& box, const Tiling& tiling, const catalog::Table& halos,
                              double ghost_width, std::span<const std::int64_t> todo,
                              std::span<const int> rank_of_todo, const mpi::Communicator& comm);

}  // namespace halobrush::domain
