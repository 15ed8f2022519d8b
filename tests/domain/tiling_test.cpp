// The cut of the box: a partition of space, balanced by counts, the same on any ranks.
#include <gtest/gtest.h>

#include <cmath>

#include "halobrush/domain/hosts.hpp"
#include "halobrush/domain/ownership.hpp"
#include "halobrush/domain/tiling.hpp"
#include "synthetic.hpp"

namespace halobrush::domain {
namespace {

const Box box{Vec3(20, 31, 17)};

catalog::Table resolved(const std::vector<Halo>& halos, Deal deal, const mpi::Communicator& comm) {
  auto catalog = as_catalog(halos);
  catalog.halos = share_of(catalog.halos, deal, comm);
  resolve_hosts(catalog, box, OrphanPolicy::error, comm);
  return catalog.halos;
}

bool inside(const std::array<Vec3, 2>& region, const Vec3& p) {
  return (region[0].array() <= p.array()).all() && (p.array() < region[1].array()).all();
}

// Regions fill the box without overlap; tile_of agrees with them inside, on every edge, and just below it.
void expect_partition(const Tiling& tiling) {
  double volume = 0;
  std::vector<Vec3> probes;
  RandomStream random(1, 1, Purpose::test);
  for (int i = 0; i < 300; ++i)
    probes.push_back(Vec3(random.uniform(), random.uniform(), random.uniform()).cwiseProduct(box.side));
  for (std::int64_t tile = 0; tile < tiling.count(); ++tile) {
    const auto [low, high] = tiling.region(tile);
    ASSERT_TRUE((low.array() < high.array()).all()) << "tile " << tile;
    volume += (high - low).prod();
    probes.push_back(low);
    probes.push_back(0.5 * (low + high));
    Vec3 last;
    for (int k = 0; k < 3; ++k) last[k] = std::nextafter(high[k], 0);
    probes.push_back(last);
    EXPECT_EQ(tiling.tile_of(low), tile);
    EXPECT_EQ(tiling.tile_of(last), tile);
  }
  EXPECT_NEAR(volume, box.side.prod(), 1e-9);
  EXPECT_EQ(tiling.tile_of(box.side),
            tiling.count() - 1);  // where rounding has put a position just out of the box
  EXPECT_EQ(tiling.tile_of(Vec3(-1e-300, -1e-300, -1e-300)), 0);
  for (const auto& p : probes) {
    std::int64_t holders = 0;
    for (std::int64_t tile = 0; tile < tiling.count(); ++tile) holders += inside(tiling.region(tile), p);
    EXPECT_EQ(holders, 1);
    EXPECT_TRUE(inside(tiling.region(tiling.tile_of(p)), p));
  }
}

TEST(Tiling, EqualTilesPartitionTheBox) {
  for (const auto tiles : {std::array<std::int64_t, 3>{1, 1, 1}, {7, 1, 1}, {3, 5, 1}, {3, 2, 4}}) {
    const Tiling tiling(box, tiles);
    EXPECT_EQ(tiling.count(), tiles[0] * tiles[1] * tiles[2]);
    expect_partition(tiling);
    const auto [low, high] = tiling.region(tiling.count() - 1);
    EXPECT_EQ(high, box.side);
    EXPECT_NEAR(high[0] - low[0], box.side[0] / static_cast<double>(tiles[0]), 1e-12);
  }
}

TEST(Tiling, BalancedTilesPartitionTheBoxAlsoWithFewOrNoHalos) {
  const mpi::Communicator world(MPI_COMM_WORLD);
  const std::vector<Halo> heap = {{1, -1, Vec3(3, 3, 3)}, {2, -1, Vec3(3, 3, 3)}, {3, -1, Vec3(3, 3, 3)}};
  const std::vector<Halo> corners = {{1, -1, Vec3(0, 0, 0)},
                                     {2, -1, Vec3(std::nextafter(20, 0), 30.999, 16.999)}};
  for (const auto& halos : {std::vector<Halo>{}, heap, corners, clustered_halos(box, 200, 4)})
    for (const auto tiles : {std::array<std::int64_t, 3>{1, 1, 1}, {9, 1, 1}, {3, 2, 1}, {2, 2, 3}})
      expect_partition(Ownership::of(box, tiles, true, resolved(halos, Deal::scattered, world), world).tiling);
}

TEST(Tiling, BalancedTilesHoldEqualNumbersOfHostPositions) {
  const mpi::Communicator world(MPI_COMM_WORLD);
  std::vector<Halo> halos;  // singles on an irrational lattice, denser towards low x, y and z
  for (std::int64_t i = 0; i < 6000; ++i) {
    const auto part = [&](double irrational) {
      return std::pow(std::fmod(static_cast<double>(i) * irrational, 1.0), 2);
    };
    halos.push_back(
        {i, -1, Vec3(20 * part(std::sqrt(2.0)), 31 * part(std::sqrt(3.0)), 17 * part(std::sqrt(5.0)))});
  }
  const auto table = resolved(halos, Deal::scattered, world);
  for (const auto tiles : {std::array<std::int64_t, 3>{12, 1, 1}, {4, 3, 1}, {2, 3, 2}}) {
    // A cut misses its share by at most the halos of one bin: 1.2 % near the origin, 2^14 bins, at 1/sqrt
    // density.
    for (const auto count : Ownership::of(box, tiles, true, table, world).counts)
      EXPECT_NEAR(static_cast<double>(count), 500, 60);
  }
}

TEST(Tiling, EdgesDoNotDependOnRanksOrRowOrder) {
  const mpi::Communicator world(MPI_COMM_WORLD), self(MPI_COMM_SELF);
  const auto halos = clustered_halos(box, 400, 5);
  const std::array<std::int64_t, 3> tiles = {4, 3, 2};
  const auto expected = Ownership::of(box, tiles, true, resolved(halos, Deal::scattered, self), self).tiling;
  for (const auto deal : {Deal::scattered, Deal::reversed, Deal::last_rank_only}) {
    const auto tiling = Ownership::of(box, tiles, true, resolved(halos, deal, world), world).tiling;
    for (std::int64_t tile = 0; tile < tiling.count(); ++tile)
      EXPECT_EQ(tiling.region(tile), expected.region(tile));
  }
}

TEST(Tiling, OwnedCountsAddUpToAllHalos) {
  const mpi::Communicator world(MPI_COMM_WORLD);
  const auto halos = clustered_halos(box, 400, 6);
  const auto counts = Ownership::of(box, {5, 4, 3}, false, resolved(halos, Deal::reversed, world), world).counts;
  EXPECT_EQ(counts.size(), 60U);
  EXPECT_EQ(std::accumulate(counts.begin(), counts.end(), std::uint64_t{0}), halos.size());
}

// Every part has at most so many halos, a group stays in one, and the parts are those of any ranks and row order.
TEST(Tiling, TilesWithTooManyHalosAreCut) {
  const mpi::Communicator world(MPI_COMM_WORLD), self(MPI_COMM_SELF);
  const auto halos = clustered_halos(box, 2000, 7);
  for (const bool balanced : {true, false}) {
    const auto alone = Ownership::of(box, {2, 1, 1}, balanced, resolved(halos, Deal::scattered, self), self, 100);
    EXPECT_GE(alone.counts.size(), halos.size() / 100);
    EXPECT_LE(alone.counts.size(), halos.size() / 100 * 4);  // halves of tiles just over the limit, and their rest
    expect_partition(alone.tiling);
    for (const auto deal : {Deal::scattered, Deal::reversed, Deal::last_rank_only}) {
      const auto owned = Ownership::of(box, {2, 1, 1}, balanced, resolved(halos, deal, world), world, 100);
      EXPECT_EQ(owned.counts, alone.counts);
      for (std::int64_t tile = 0; tile < owned.tiling.count(); ++tile)
        EXPECT_EQ(owned.tiling.region(tile), alone.tiling.region(tile));
    }
    EXPECT_LE(*std::ranges::max_element(alone.counts), 100U);
    EXPECT_EQ(std::accumulate(alone.counts.begin(), alone.counts.end(), std::uint64_t{0}), halos.size());
  }
}

// The parts of a tile follow each other, so that neighbours in space stay neighbours in the mock.
TEST(Tiling, PartsOfATileStandWhereItStood) {
  const mpi::Communicator self(MPI_COMM_SELF);
  const auto table = resolved(clustered_halos(box, 500, 8), Deal::scattered, self);
  const auto whole = Ownership::of(box, {3, 1, 1}, true, table, self), cut = Ownership::of(box, {3, 1, 1}, true, table, self, 60);
  std::int64_t before = 0;
  for (std::int64_t tile = 0; tile < cut.tiling.count(); ++tile) {
    const auto [low, high] = cut.tiling.region(tile);
    const auto parent = whole.tiling.tile_of(0.5 * (low + high));
    EXPECT_GE(parent, before);
    before = parent;
  }
  EXPECT_EQ(before, 2);
}

TEST(Tiling, AGroupLargerThanTheLimitIsOneTile) {
  const mpi::Communicator self(MPI_COMM_SELF);
  std::vector<Halo> halos = {{0, -1, Vec3(5, 5, 5)}, {1000, -1, Vec3(15, 5, 5)}};
  for (std::int64_t i = 1; i < 200; ++i) halos.push_back({i, 0, Vec3(5 + 0.001 * static_cast<double>(i), 5, 5)});
  const auto owned = Ownership::of(box, {1, 1, 1}, true, resolved(halos, Deal::scattered, self), self, 50);
  EXPECT_EQ(owned.counts, (std::vector<std::uint64_t>{200, 1}));
  expect_partition(owned.tiling);
}

TEST(Tiling, NoTilesInADirectionIsAnError) {
  const auto error = error_of([] { Tiling(box, {4, 0, 1}); });
  ASSERT_TRUE(error.has_value());
  EXPECT_EQ(error->code(), ExitCode::config);
}

std::uint64_t busiest(const std::vector<int>& ranks, const std::vector<std::int64_t>& todo,
                      const std::vector<std::uint64_t>& counts, int n) {
  std::vector<std::uint64_t> load(static_cast<std::size_t>(n));
  for (std::size_t i = 0; i < todo.size(); ++i)
    load[static_cast<std::size_t>(ranks[i])] += counts[static_cast<std::size_t>(todo[i])];
  return *std::max_element(load.begin(), load.end());
}

// The best busiest load over all ways to cut todo[first..] into `n` consecutive blocks.
std::uint64_t best_possible(const std::vector<std::uint64_t>& weights, std::size_t first, int n) {
  std::uint64_t load = 0, best = std::accumulate(weights.begin() + static_cast<std::ptrdiff_t>(first),
                                                 weights.end(), std::uint64_t{0});
  if (n == 1) return best;
  for (std::size_t cut = first; cut < weights.size(); ++cut) {
    load += weights[cut];
    best = std::min(best, std::max(load, best_possible(weights, cut + 1, n - 1)));
  }
  return best;
}

TEST(AssignTiles, BlocksAreConsecutiveAndAsBalancedAsPossible) {
  RandomStream random(2, 1, Purpose::test);
  for (int trial = 0; trial < 50; ++trial) {
    std::vector<std::uint64_t> counts(12);
    for (auto& count : counts)
      count = random.uniform() < 0.2 ? 0 : static_cast<std::uint64_t>(1000 * random.uniform());
    const std::vector<std::int64_t> todo = {0, 1, 3, 4, 5, 8, 9, 11};
    std::vector<std::uint64_t> weights;
    for (const auto tile : todo) weights.push_back(counts[static_cast<std::size_t>(tile)]);
    for (const int ranks : {1, 2, 3, 5, 8, 20}) {
      const auto assigned = assign_tiles(todo, counts, ranks);
      ASSERT_EQ(assigned.size(), todo.size());
      EXPECT_EQ(assigned.front(), 0);
      EXPECT_EQ(assigned.back(), std::min(ranks, 8) - 1);  // nobody idle as long as there are tiles
      for (std::size_t i = 1; i < assigned.size(); ++i) EXPECT_LE(assigned[i] - assigned[i - 1], 1);
      EXPECT_TRUE(std::is_sorted(assigned.begin(), assigned.end()));
      EXPECT_EQ(busiest(assigned, todo, counts, ranks), best_possible(weights, 0, std::min(ranks, 8)));
    }
  }
  EXPECT_TRUE(assign_tiles({}, std::vector<std::uint64_t>(3), 4).empty());
  EXPECT_EQ(assign_tiles(std::vector<std::int64_t>{0, 1, 2}, std::vector<std::uint64_t>(3), 2).size(), 3U);
}

}  // namespace
}  // namespace halobrush::domain
