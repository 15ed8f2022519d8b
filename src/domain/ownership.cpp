#include "halobrush/domain/ownership.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "columns.hpp"
#include "halobrush/core/error.hpp"
#include "halobrush/mpi/agree.hpp"

namespace halobrush::domain {
namespace {

// The host lies at its position inside the tile's region, and the satellite in the image nearest to it.
Image image_beside(const Box& box, const Vec3& host, const Vec3& position) {
  constexpr double most = std::numeric_limits<std::int16_t>::max();
  const Vec3 offset = host + box.nearest_image(position - host) - position;
  Image image;
  for (int k = 0; k < 3; ++k) {
    const double sides = offset[k] / box.side[k];
    if (!(std::abs(sides) < most)) throw internal_error("a satellite is {:g} box sides from its host", sides);
    image[static_cast<std::size_t>(k)] = static_cast<std::int16_t>(std::lround(sides));
  }
  return image;
}

// How many blocks of consecutive weights, each of at most `capacity`, hold all of them.
std::size_t blocks_needed(std::span<const std::uint64_t> weights, std::uint64_t capacity) {
  std::size_t blocks = 1;
  std::uint64_t load = 0;
  for (const auto weight : weights) {
    if (load + weight > capacity) {
      ++blocks;
      load = 0;
    }
    load += weight;
  }
  return blocks;
}

// The smallest possible load of the busiest of `ranks` consecutive blocks.
std::uint64_t smallest_capacity(std::span<const std::uint64_t> weights, std::size_t ranks) {
  std::uint64_t low = *std::max_element(weights.begin(), weights.end());
  std::uint64_t high = std::accumulate(weights.begin(), weights.end(), std::uint64_t{0});
  while (low < high) {
    const auto middle = low + (high - low) / 2;
    if (blocks_needed(weights, middle) <= ranks)
      high = middle;
    else
      low = middle + 1;
  }
  return low;
}

}  // namespace

Ownership Ownership::of(const Box& box, std::array<std::int64_t, 3> tiles, bool balanced,
                        const catalog::Table& halos, const mpi::Communicator& comm, std::uint64_t max_halos) {
  const auto centres = host_centres(halos, comm);
  const auto grid = balanced ? Tiling::balanced(box, tiles, centres, comm) : Tiling(box, tiles);
  Ownership owned{grid.with_at_most(max_halos, centres, comm), {}, {}};
  owned.counts.resize(static_cast<std::size_t>(owned.tiling.count()));
  mpi::agree(comm, [&] {
    const auto pos = halos.vectors("");
    owned.place.reserve(centres.size());
    for (std::size_t row = 0; row < centres.size(); ++row) {
      const auto tile = owned.tiling.tile_of(centres[row]);
      owned.place.push_back({static_cast<std::int32_t>(tile), image_beside(box, centres[row], pos[row])});
      ++owned.counts[static_cast<std::size_t>(tile)];
    }
  });
  comm.sum_in_place(std::span(owned.counts));
  return owned;
}

std::vector<std::int64_t> Ownership::all_tiles() const {
  std::vector<std::int64_t> tiles(counts.size());
  std::iota(tiles.begin(), tiles.end(), std::int64_t{0});
  return tiles;
}

std::vector<int> assign_tiles(std::span<const std::int64_t> todo, std::span<const std::uint64_t> counts, int ranks) {
  if (todo.empty()) return {};
  std::vector<std::uint64_t> weights(todo.size());
  std::transform(todo.begin(), todo.end(), weights.begin(),
                 [&](std::int64_t tile) { return counts[static_cast<std::size_t>(tile)]; });
  const auto capacity = smallest_capacity(weights, static_cast<std::size_t>(ranks));
  std::vector<int> rank_of_todo(todo.size());
  int rank = 0;
  std::uint64_t load = 0;
  for (std::size_t i = 0; i < todo.size(); ++i) {
    // No rank stays idle as long as there are tiles for all that follow.
    const bool one_each = todo.size() - i <= static_cast<std::size_t>(ranks - rank - 1);
    if (i > 0 && (load + weights[i] > capacity || one_each)) {
      ++rank;
      load = 0;
    }
    load += weights[i];
    rank_of_todo[i] = rank;
  }
  return rank_of_todo;
}

}  // namespace halobrush::domain
