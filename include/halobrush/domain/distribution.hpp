// Halos on the ranks that paint them, and the patches that are made of them.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "halobrush/catalog/table.hpp"
#include "halobrush/domain/box.hpp"
#include "halobrush/domain/ownership.hpp"
#include "halobrush/domain/patch.hpp"
#include "halobrush/domain/schedule.hpp"
#include "halobrush/mpi/communicator.hpp"
#include "halobrush/mpi/service.hpp"

namespace halobrush::domain {

/// Holds this rank's share of the halos, once. Patches are made when they are asked for, wherever their halos are kept, so
/// that memory grows with the patches that are there at a time and not with the catalog.
class Distribution {
 public:
  /// @collective Sends each halo to the rank that keeps its tile; those of tiles that are not in `todo` are ghosts only.
  /// Ghosts: every periodic image of every halo that is not an owned row itself and lies within `ghost_width` Mpc/h (per
  /// axis) of the bounding box of the tile's galaxies. Galaxies far from the tile's region (a satellite of a torn group)
  /// have bounding boxes of their own. Throws config_error when ghost_width exceeds half of a side of the box.
  Distribution(const Box& box, Ownership ownership, catalog::Table halos, double ghost_width,
               std::vector<std::int64_t> todo, const mpi::Communicator& comm);

  /// The columns of the patches, without rows.
  catalog::Table columns() const { return halos_.empty_like(); }
  /// Halos that this rank keeps.
  std::size_t rows() const { return halos_.rows(); }
  /// The tiles of `todo` that this rank keeps, in their order.
  const std::vector<std::int64_t>& tiles() const { return tiles_; }
  /// Halos of each tile, over all ranks.
  const std::vector<std::uint64_t>& counts() const { return counts_; }
  /// Of tiles().
  std::vector<TileCost> costs() const;

  /// The patches of some tiles of `todo`; answer() gives the halos, on every rank that is asked. Tiles without halos give
  /// empty patches. Not collective.
  using Ask = std::function<std::vector<mpi::Bytes>(std::span<const mpi::Service::Question>)>;
  std::vector<Patch> patches(std::span<const std::int64_t> tiles, const Ask& ask) const;
  mpi::Bytes answer(std::span<const std::byte> question) const;

 private:
  struct Bounds {
    std::array<double, 3> low, high;
  };
  // The bounding box of galaxies that a tile owns, widened by the ghost width.
  struct Reach {
    std::int32_t tile;
    Bounds bounds;
  };
  // A halo in the patch of a tile.
  struct Member {
    Place place;
    std::int32_t owned;  // or a ghost
  };
  struct Members {
    catalog::Table halos;
    std::vector<Member> member;  // [halos]
  };

  void keep(catalog::Table halos, std::vector<Place> place, const mpi::Communicator& comm);
  void sort_rows();
  std::vector<Bounds> extents(const mpi::Communicator& comm) const;
  bool touches(const Bounds& extent, const Reach& reach) const;
  std::vector<Reach> reaches_of(std::int64_t tile, const std::array<Vec3, 2>& region, double ghost_width) const;
  std::span<const Reach> reaches_of(std::int64_t tile) const;
  std::vector<mpi::Service::Question> questions_for(std::span<const std::int64_t> tiles) const;
  void add_ghosts(std::int64_t from, std::span<const Reach> reaches, std::vector<std::size_t>& rows,
                  std::vector<Member>& members) const;
  Members gathered(const std::vector<mpi::Bytes>& answers) const;
  Patch patch_of(std::int64_t tile, const Members& members, std::span<const std::size_t> rows) const;

  Box box_;
  std::vector<int> keeper_;           // [tiles] rank
  int rank_;
  std::vector<std::int64_t> tiles_;
  std::vector<std::uint64_t> counts_;
  std::vector<Reach> reaches_;        // of all tiles to do, by tile: the same on every rank
  std::vector<Bounds> extent_;        // [tiles] of their halos as the catalog has them: the same on every rank
  catalog::Table halos_;              // by (tile, id)
  std::vector<Place> place_;          // [halos_]
  std::vector<std::size_t> begin_;    // [tiles + 1] where the rows of each tile begin
};

}  // namespace halobrush::domain
