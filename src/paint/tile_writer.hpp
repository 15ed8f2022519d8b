// Stages a tile while the next one is painted.
#pragma once

#include <cstdint>
#include <future>
#include <utility>
#include <vector>

#include "halobrush/catalog/staging.hpp"

namespace halobrush::paint {

class TileWriter {
 public:
  TileWriter(const catalog::Staging& staging, int rank) : staging_(staging), rank_(rank) {}

  /// Waits for the tile before. Throws what writing that one threw.
  void write(std::int64_t tile, catalog::Table rows, double seconds) {
    finish();
    pending_ = std::async(std::launch::async, [this, tile, seconds, rows = std::move(rows)] {
      return staging_.write(tile, rows, seconds, rank_);
    });
  }

  /// Waits for the last tile; throws likewise.
  void finish() {
    if (pending_.valid()) written_.push_back(pending_.get());
  }

  const std::vector<catalog::StagedTile>& written() const { return written_; }

 private:
  const catalog::Staging& staging_;
  int rank_;
  std::vector<catalog::StagedTile> written_;
  std::future<catalog::StagedTile> pending_;
};

}  // namespace halobrush::paint
