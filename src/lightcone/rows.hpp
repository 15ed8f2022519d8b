// The galaxies of a light cone that pieces of snapshots give.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "halobrush/catalog/mock.hpp"
#include "hosts.hpp"
#include "pieces.hpp"

namespace halobrush::lightcone {

/// Not collective; keeps the block that it read last.
class Rows {
 public:
  Rows(const Cone& cone, const std::vector<Block>& blocks, const Hosts& hosts);

  /// What a light cone has, without rows: the columns of the mocks, those on the sky added.
  static catalog::Table columns(const Cone& cone);
  /// In the order of pieces, and of the snapshot's rows.
  catalog::Table of(std::span<const Piece> pieces);

 private:
  struct Loaded {
    std::int64_t block;
    catalog::Table galaxies, hosts;
  };
  const Loaded& load(std::int64_t block);
  catalog::Table of(const Piece& piece);

  const Cone& cone_;
  const std::vector<Block>& blocks_;
  const Hosts& hosts_;
  Images images_;
  std::vector<std::int64_t> first_id_;  // of each snapshot
  std::vector<catalog::MockRows> mocks_;
  std::optional<Loaded> loaded_;
};

}  // namespace halobrush::lightcone
