// Halos on the ranks that paint them, and the patches that are made of them.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "halobrush/catalog/table.hpp"
#include "halobrush/domain/box.hpp"
#include "halobrush/domain/ownership.hpp"
#include "halobrush/domain/patch.hpp"
#include "halobrush/mpi/communicator.hpp"

namespace halobrush::domain {

/// Holds this rank's share of the halos, once. Patches are made a wave of tiles at a time, with ghosts fetched for these
/// tiles alone, so that memory grows with a wave and not with the catalog.
class Distribution {
 public:
  /// @collective Sends each halo to the rank that keeps its tile: the one that paints it, for the tiles `todo`; the
  /// other tiles' halos are ghosts only. Ghosts: every periodic image of every halo that is not an owned row itself and
  /// lies within `ghost_width` Mpc/h (per axis) of the bounding box of the tile's galaxies. Galaxies far from the tile's
  /// region (a satellite of a torn group) have bounding boxes of their own. Throws config_error when ghost_width exceeds
  /// half of a side of the box.
  Distribution(const Box& box, Ownership ownership, catalog::Table halos, double ghost_width,
               std::vector<std::int64_t> todo, const mpi::Communicator& comm);

  /// The columns of the patches, without rows.
  catalog::Table columns() const { return halos_.empty_like(); }
  /// This rank's tiles of those to do, in their order.
  const std::vector<std::int64_t>& tiles() const { return tiles_; }
  /// Halos of each tile, over all ranks.
  const std::vector<std::uint64_t>& counts() const { return counts_; }

  /// @collective Cuts tiles() into waves, as many on every rank (the last ones may be empty), whose owned halos take
  /// about `bytes` on each rank; one tile is the least.
  std::vector<std::vector<std::int64_t>> waves(double bytes) const;

  /// @collective The patches of some of tiles(), which may differ from rank to rank. Tiles without halos give empty
  /// patches.
  std::vector<Patch> patches(std::span<const std::int64_t> tiles) const;

 private:
  // The bounding box of galaxies that a tile owns, widened by the ghost width.
  struct Reach {
    std::int32_t tile;
    std::array<double, 3> low, high;
  };
  // The bounding box of a tile's halos as the catalog has them.
  struct Extent {
    std::array<double, 3> low, high;
  };
  // Rows that were sent, one for each place.
  struct Arrived {
    catalog::Table halos;
    std::vector<Place> place;
  };
  class ReachIndex;

  void keep(catalog::Table halos, std::vector<Place> place, std::span<const int> keeper);
  void sort_rows();
  std::vector<Extent> extents() const;
  bool touches(const Extent& extent, const Reach& reach) const;
  std::vector<Reach> reaches_of(std::int64_t tile, const std::array<Vec3, 2>& region, double ghost_width) const;
  Arrived ghosts_of(std::span<const std::int64_t> tiles) const;
  void add_ghosts_of(std::size_t row, const Vec3& position, std::span<const Reach> reaches, const ReachIndex& index,
                     std::vector<Place>& places) const;
  Patch patch_of(std::int64_t tile, const Arrived& ghosts, std::span<const std::size_t> rows) const;

  Box box_;
  const mpi::Communicator& comm_;
  std::vector<std::int64_t> tiles_;
  std::vector<std::uint64_t> counts_;
  std::vector<Reach> reaches_;        // of all tiles to do, by tile: the same on every rank
  catalog::Table halos_;              // by (tile, id)
  std::vector<Place> place_;          // [halos_]
  std::vector<std::size_t> begin_;    // [tiles + 1] where the rows of each tile begin
  std::vector<Extent> extent_;        // [tiles] of rows here
};

}  // namespace halobrush::domain
