// Where the host of each galaxy of a snapshot is, on disk, block by block.
#pragma once

#include <optional>
#include <vector>

#include "halobrush/catalog/staging.hpp"
#include "halobrush/catalog/table.hpp"
#include "halobrush/domain/box.hpp"
#include "halobrush/mpi/communicator.hpp"
#include "pieces.hpp"

namespace halobrush::lightcone {

/// Columns host_row (of the snapshot) and host_x, host_y, host_z (Mpc/h, in the box).
class Hosts {
 public:
  /// @collective Each rank reads a share of the blocks. Throws data_error naming a galaxy whose host is not in its snapshot.
  Hosts(const Cone& cone, std::vector<Block>& blocks, const catalog::Staging& staging, const mpi::Communicator& comm);
  /// Not collective.
  catalog::Table read(std::int64_t block) const;

 private:
  const catalog::Staging& staging_;
  std::vector<catalog::StagedTile> blocks_;  // of all ranks
};

/// A galaxy beside its host, in one piece across the faces of the box.
inline Vec3 beside(const domain::Box& box, const Vec3& host, const Vec3& position) {
  return host + box.nearest_image(position - host);
}

}  // namespace halobrush::lightcone
