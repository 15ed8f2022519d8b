// Which tile owns each halo.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "halobrush/catalog/table.hpp"
#include "halobrush/domain/box.hpp"
#include "halobrush/domain/tiling.hpp"
#include "halobrush/mpi/communicator.hpp"

namespace halobrush::domain {

/// Whole box sides to add to a position in [0, side). A group may reach around the box, more than once around a thin one.
using Image = std::array<std::int16_t, 3>;

/// A halo's place in a patch; ghosts are there in several images, perhaps.
struct Place {
  std::int32_t tile;
  Image image;
  bool operator==(const Place&) const = default;
};

/// Tiles own whole groups: the host lies inside of the tile's region, its satellites beside it.
struct Ownership {
  Tiling tiling;
  std::vector<Place> place;           ///< [this rank's halos]
  std::vector<std::uint64_t> counts;  ///< [tiles] halos, over all ranks

  /// @collective Tiles of equal numbers of halos when `balanced`, of equal widths otherwise; those with more than
  /// `max_halos` are cut further (Tiling::with_at_most). Needs the column host_id.
  static Ownership of(const Box& box, std::array<std::int64_t, 3> tiles, bool balanced, const catalog::Table& halos,
                      const mpi::Communicator& comm, std::uint64_t max_halos = std::numeric_limits<std::uint64_t>::max());
  std::vector<std::int64_t> all_tiles() const;
};

/// Which rank paints each of the `todo` tiles: contiguous blocks of about equal numbers of halos. More ranks
/// than tiles leaves ranks without any. `counts` is of all tiles. Not collective, the same on every rank.
std::vector<int> assign_tiles(std::span<const std::int64_t> todo, std::span<const std::uint64_t> counts, int ranks);

}  // namespace halobrush::domain
