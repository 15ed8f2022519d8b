// Which rank gets which tiles, with painting played by a clock of its own for each rank.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <vector>

#include "halobrush/core/random.hpp"
#include "halobrush/domain/schedule.hpp"

namespace halobrush::domain {
namespace {

struct Outcome {
  std::vector<double> busy;                      // [ranks] s
  std::map<std::int64_t, int> painted_by;        // tile -> rank
  std::vector<std::vector<std::int64_t>> batches;
};

// The rank whose clock shows the least asks next. `seconds`: what a tile takes.
Outcome play(std::vector<TileCost> tiles, int ranks, double bytes, const std::map<std::int64_t, double>& seconds) {
  Schedule schedule(std::move(tiles), ranks, bytes);
  Outcome out{std::vector<double>(static_cast<std::size_t>(ranks)), {}, {}};
  std::vector<double> took(out.busy.size()), clock(out.busy.size());
  for (int idle = 0; idle < ranks;) {
    const auto rank = static_cast<std::size_t>(std::ranges::min_element(clock) - clock.begin());
    const auto batch = schedule.take(static_cast<int>(rank), took[rank]);
    took[rank] = 0;
    if (batch.empty()) {
      clock[rank] = 1e300;
      ++idle;
    }
    for (const auto tile : batch) {
      EXPECT_TRUE(out.painted_by.emplace(tile, static_cast<int>(rank)).second) << "tile " << tile << " twice";
      took[rank] += seconds.at(tile);
    }
    clock[rank] += took[rank];
    out.busy[rank] += took[rank];
    out.batches.push_back(batch);
  }
  EXPECT_NEAR(schedule.given(), 1, 1e-12);
  return out;
}

std::vector<TileCost> in_blocks(std::int64_t count, int ranks, const std::vector<double>& cost) {
  std::vector<TileCost> tiles;
  for (std::int64_t t = 0; t < count; ++t)
    tiles.push_back({t, cost[static_cast<std::size_t>(t)], 100, static_cast<int>(t * ranks / count)});
  return tiles;
}

double imbalance(const std::vector<double>& busy) {
  const double mean = std::accumulate(busy.begin(), busy.end(), 0.) / static_cast<double>(busy.size());
  return *std::ranges::max_element(busy) / mean - 1;
}

TEST(Schedule, EveryTileOnceAndItsKeeperFirst) {
  const auto tiles = in_blocks(40, 4, std::vector<double>(40, 1));
  std::map<std::int64_t, double> seconds;
  for (const auto& tile : tiles) seconds[tile.tile] = 1;
  const auto out = play(tiles, 4, 1e9, seconds);
  EXPECT_EQ(out.painted_by.size(), 40u);
  for (const auto& tile : tiles) EXPECT_EQ(out.painted_by.at(tile.tile), tile.keeper) << "equal tiles stay where they are";
}

TEST(Schedule, RanksEndTogetherWhateverTilesCost) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    RandomStream random(seed, 1, Purpose::test);
    std::vector<double> cost(200);
    std::map<std::int64_t, double> seconds;
    for (std::size_t t = 0; t < cost.size(); ++t) {
      cost[t] = t == 3 ? 30 : t < 50 ? 0.1 : random.uniform();      // one rank keeps little, and one tile is large
      seconds[static_cast<std::int64_t>(t)] = cost[t] * (0.7 + 0.6 * random.uniform());  // costs are estimates
    }
    const auto out = play(in_blocks(200, 4, cost), 4, 1e9, seconds);
    EXPECT_EQ(out.painted_by.size(), 200u);
    const double mean = std::accumulate(out.busy.begin(), out.busy.end(), 0.) / 4;
    EXPECT_LT(*std::ranges::max_element(out.busy), std::max(1.05 * mean, seconds[3] + 0.1)) << "seed " << seed;
    std::vector<double> others = out.busy;
    others.erase(others.begin() + out.painted_by.at(3));
    EXPECT_LT(imbalance(others), 0.05) << "seed " << seed;
  }
}

TEST(Schedule, NoMoreThanTheBytesAtOnceButOneTileAtLeast) {
  auto tiles = in_blocks(100, 1, std::vector<double>(100, 1));
  tiles[50].bytes = 5000;
  std::map<std::int64_t, double> seconds;
  for (const auto& tile : tiles) seconds[tile.tile] = 1e-3;
  const auto out = play(tiles, 1, 350, seconds);
  EXPECT_EQ(out.painted_by.size(), 100u);
  std::size_t most = 0;
  for (const auto& batch : out.batches) {
    most = std::max(most, batch.size());
    EXPECT_TRUE(batch.size() < 2 || std::ranges::count(batch, 50) == 0);
  }
  EXPECT_EQ(most, 3u);
}

TEST(Schedule, ABatchTakesNoLongerThanTenSeconds) {
  const auto tiles = in_blocks(1000, 1, std::vector<double>(1000, 1));
  std::map<std::int64_t, double> seconds;
  for (const auto& tile : tiles) seconds[tile.tile] = 3;
  for (const auto& batch : play(tiles, 1, 1e9, seconds).batches) EXPECT_LE(batch.size(), 3u);
}

TEST(Schedule, TilesWithoutGalaxiesAreGivenOutAsWell) {
  const auto tiles = in_blocks(7, 3, std::vector<double>(7, 0));
  std::map<std::int64_t, double> seconds;
  for (const auto& tile : tiles) seconds[tile.tile] = 0;
  EXPECT_EQ(play(tiles, 3, 1e9, seconds).painted_by.size(), 7u);
}

}  // namespace
}  // namespace halobrush::domain
