// Patches against brute force over the periodic box, on any number of ranks.
#include <gtest/gtest.h>

#include <limits>
#include <map>
#include <tuple>

#include "halobrush/catalog/reader.hpp"
#include "halobrush/core/hash.hpp"
#include "halobrush/domain/hosts.hpp"
#include "halobrush/domain/distribution.hpp"
#include "halobrush/domain/patch_queue.hpp"
#include "halobrush/graph/graph.hpp"
#include "synthetic.hpp"

namespace halobrush::domain {
namespace {

using Tiles = std::array<std::int64_t, 3>;

catalog::Table resolved(const Box& box, const std::vector<Halo>& halos, Deal deal,
                        const mpi::Communicator& comm) {
  auto catalog = as_catalog(halos);
  catalog.halos = share_of(catalog.halos, deal, comm);
  resolve_hosts(catalog, box, OrphanPolicy::error, comm);
  return catalog.halos;
}

std::vector<std::int64_t> all_tiles(const Tiling& tiling) {
  std::vector<std::int64_t> todo(static_cast<std::size_t>(tiling.count()));
  std::iota(todo.begin(), todo.end(), 0);
  return todo;
}

// A few at a time. Kept tiles come in order; by need, every tile comes to one rank.
std::vector<Patch> all_patches(const Box& box, const Tiles& tiles, bool balance, const catalog::Table& share,
                               double width, const std::vector<std::int64_t>& todo, const mpi::Communicator& comm,
                               PatchQueue::Deal deal = PatchQueue::Deal::kept) {
  auto owned = Ownership::of(box, tiles, balance, share, comm);
  const auto ranks = assign_tiles(todo, owned.counts, comm.size());
  const Distribution distribution(box, std::move(owned), share, width, todo, comm);
  PatchQueue queue(distribution, deal, 2e4, comm);
  std::vector<Patch> patches;
  const double slow = deal == PatchQueue::Deal::by_need && comm.rank() == 0 ? 0.1 : 0.001;
  for (auto next = queue.next(); !next.empty(); next = queue.next(slow))
    for (auto& patch : next) patches.push_back(std::move(patch));
  queue.finish();
  std::vector<std::int64_t> mine, expected;
  for (const auto& patch : patches) mine.push_back(patch.tile);
  for (std::size_t i = 0; i < todo.size(); ++i)
    if (ranks[i] == comm.rank()) expected.push_back(todo[i]);
  EXPECT_TRUE(deal == PatchQueue::Deal::by_need || mine == expected);
  auto all = comm.gather_all(std::span<const std::int64_t>(mine)).data;
  std::ranges::sort(all);
  auto wanted = todo;
  std::ranges::sort(wanted);
  EXPECT_EQ(all, wanted) << "every tile once";
  return patches;
}

// A row of the full catalog in one of its images, in the order of a patch.
struct Instance {
  std::int64_t id;
  std::array<int, 3> image;
  std::size_t row;
  Vec3 pos;
  bool operator<(const Instance& other) const {
    return std::tie(id, image) < std::tie(other.id, other.image);
  }
};

std::vector<Instance> images_of(const Box& box, const catalog::Table& all, std::size_t row, int most) {
  std::vector<Instance> images;
  const Vec3 p = all.vectors("")[row];
  for (int x = -most; x <= most; ++x)
    for (int y = -most; y <= most; ++y)
      for (int z = -most; z <= most; ++z)
        images.push_back({all.get<std::int64_t>("id")[row],
                          {x, y, z},
                          row,
                          Vec3(p[0] + x * box.side[0], p[1] + y * box.side[1], p[2] + z * box.side[2])});
  return images;
}

// The patch of one tile from the full catalog, by trying everything.
class BruteForce {
 public:
  BruteForce(const Box& box, const catalog::Table& all) : box_(box), all_(all) {
    for (std::size_t row = 0; row < all.rows(); ++row) {
      row_of_[all.get<std::int64_t>("id")[row]] = row;
      images_.push_back(images_of(box, all, row, 2));
    }
  }

  Patch patch(const Tiling& tiling, std::int64_t tile, double width) const {
    const auto owned = owned_of(tiling.region(tile));
    std::vector<Instance> ghosts;
    if (!owned.empty()) {
      const auto zones = zones_of(owned, tiling.region(tile), width);
      for (const auto& images : images_)
        for (const auto& one : images) {
          const bool within = std::ranges::any_of(zones, [&](const Zone& zone) {
            return ((one.pos - zone.low).array() >= -width).all() && ((zone.high - one.pos).array() >= -width).all();
          });
          const bool is_owned = std::any_of(owned.begin(), owned.end(), [&](const Instance& o) {
            return o.id == one.id && o.image == one.image;
          });
          if (within && !is_owned) ghosts.push_back(one);
        }
      std::sort(ghosts.begin(), ghosts.end());
    }
    Patch result;
    result.tile = tile;
    result.owned = owned.size();
    std::vector<std::size_t> rows;
    for (const auto& part : {owned, ghosts})
      for (const auto& one : part) {
        rows.push_back(one.row);
        result.pos.push_back(one.pos);
      }
    result.halos = all_.select(rows);
    return result;
  }

 private:
  struct Zone {
    Vec3 low, high;
  };
  // The bounding box of galaxies not further than the width from the region, and one of the others in each cell of 1/32
  // of the box.
  std::vector<Zone> zones_of(const std::vector<Instance>& owned, const std::array<Vec3, 2>& region, double width) const {
    std::map<std::array<double, 4>, Zone> zones;
    for (const auto& one : owned) {
      const Vec3 cell = (one.pos.array() / box_.side.array() * 32).floor();
      const bool beside = ((one.pos - region[0]).array() >= -width).all() && ((region[1] - one.pos).array() >= -width).all();
      const std::array<double, 4> key = {beside ? 0. : 1., beside ? 0. : cell[0], beside ? 0. : cell[1], beside ? 0. : cell[2]};
      auto& zone = zones.try_emplace(key, Zone{one.pos, one.pos}).first->second;
      zone.low = zone.low.cwiseMin(one.pos);
      zone.high = zone.high.cwiseMax(one.pos);
    }
    std::vector<Zone> all;
    for (const auto& [key, zone] : zones) all.push_back(zone);
    return all;
  }

  // Groups whose host lies in the region, each member in the image nearest to the host.
  std::vector<Instance> owned_of(const std::array<Vec3, 2>& region) const {
    std::vector<Instance> owned;
    for (std::size_t row = 0; row < all_.rows(); ++row) {
      const Vec3 host = all_.vectors("")[row_of_.at(all_.get<std::int64_t>("host_id")[row])];
      if ((host.array() < region[0].array()).any() || (host.array() >= region[1].array()).any()) continue;
      owned.push_back(*std::min_element(images_[row].begin(), images_[row].end(),
                                        [&](const Instance& a, const Instance& b) {
                                          return (a.pos - host).squaredNorm() < (b.pos - host).squaredNorm();
                                        }));
    }
    std::sort(owned.begin(), owned.end());
    return owned;
  }

  Box box_;
  const catalog::Table& all_;
  std::map<std::int64_t, std::size_t> row_of_;
  std::vector<std::vector<Instance>> images_;
};

void expect_equal(const Patch& patch, const Patch& expected) {
  EXPECT_EQ(patch.tile, expected.tile);
  EXPECT_EQ(patch.owned, expected.owned) << "tile " << expected.tile;
  EXPECT_EQ(patch.halos.rows(), expected.halos.rows()) << "tile " << expected.tile;
  EXPECT_TRUE(same_columns(patch.halos, expected.halos)) << "tile " << expected.tile;
  EXPECT_EQ(patch.pos, expected.pos) << "tile " << expected.tile;
}

void expect_brute_force(const Box& box, const std::vector<Halo>& halos, const Tiles& tiles, bool balance,
                        double width) {
  SCOPED_TRACE(testing::Message() << "tiles " << tiles[0] << " " << tiles[1] << " " << tiles[2] << " width "
                                  << width);
  const mpi::Communicator world(MPI_COMM_WORLD), self(MPI_COMM_SELF);
  const auto all = resolved(box, halos, Deal::scattered, self);
  const BruteForce brute_force(box, all);
  const auto share = resolved(box, halos, Deal::reversed, world);
  const auto tiling = Ownership::of(box, tiles, balance, share, world).tiling;
  for (const auto deal : {PatchQueue::Deal::kept, PatchQueue::Deal::by_need}) {
    std::uint64_t owned = 0;
    for (const auto& patch : all_patches(box, tiles, balance, share, width, all_tiles(tiling), world, deal)) {
      expect_equal(patch, brute_force.patch(tiling, patch.tile, width));
      owned += patch.owned;
    }
    EXPECT_EQ(world.sum(owned), halos.size());  // with each patch right, this makes them a partition
  }
}

const Box oblong{Vec3(20, 31, 17)};

TEST(Patch, SlabsPencilsAndBricksEqualBruteForce) {
  const auto halos = clustered_halos(oblong, 250, 11);
  for (const bool balance : {false, true}) {
    expect_brute_force(oblong, halos, {4, 1, 1}, balance, 2.5);
    expect_brute_force(oblong, halos, {3, 2, 1}, balance, 1.3);
    expect_brute_force(oblong, halos, {2, 2, 2}, balance, 3.1);
  }
}

TEST(Patch, OneTileSeesItsOwnImagesAsGhosts) {
  const auto halos = clustered_halos(oblong, 120, 12);
  expect_brute_force(oblong, halos, {1, 1, 1}, true, 4);
  expect_brute_force(oblong, halos, {1, 1, 1}, true, 0);
}

TEST(Patch, AGhostWidthOfHalfTheSideIsAllowed) {
  const auto halos = clustered_halos(oblong, 60, 13);
  expect_brute_force(oblong, halos, {3, 1, 1}, true, 8.5);
  expect_brute_force(oblong, halos, {1, 1, 1}, false, 8.5);
}

TEST(Patch, MoreTilesThanHalosLeavesEmptyPatches) {
  expect_brute_force(oblong, clustered_halos(oblong, 5, 14), {4, 4, 4}, true, 2);
  expect_brute_force(oblong, clustered_halos(oblong, 5, 14), {11, 3, 2}, false, 2);
  expect_brute_force(oblong, {}, {4, 1, 1}, true, 2);
}

TEST(Patch, GhostsExactlyAtTheWidthAreIn) {
  const Box cube{Vec3(16, 16, 16)};
  std::vector<Halo> halos;  // on an integer lattice, so that widths and images are exact
  for (std::int64_t i = 0; i < 512; ++i)
    halos.push_back(
        {i, -1,
         Vec3(static_cast<double>(i % 8), static_cast<double>(i / 8 % 8), static_cast<double>(i / 64)) * 2});
  expect_brute_force(cube, halos, {4, 1, 1}, false, 2);
  expect_brute_force(cube, halos, {2, 2, 1}, false, 8);
  const mpi::Communicator self(MPI_COMM_SELF);
  const Tiling tiling(cube, {4, 1, 1});
  const auto patches =
      all_patches(cube, {4, 1, 1}, false, resolved(cube, halos, Deal::scattered, self), 2, all_tiles(tiling), self);
  EXPECT_EQ(patches[0].owned, 2U * 64);
  EXPECT_EQ(patches[0].pos.size(), 4U * 10 * 10);  // one lattice plane more on every side
}

TEST(Patch, AGroupAcrossTheBoxEdgeStaysInOnePiece) {
  const std::vector<Halo> halos = {{7, -1, Vec3(19.9, 0.05, 16.99)},
                                   {8, 7, Vec3(0.3, 30.8, 0.2)},
                                   {9, 8, Vec3(19.7, 0.2, 0.1)},
                                   {1, -1, Vec3(10, 10, 10)}};
  expect_brute_force(oblong, halos, {4, 2, 2}, false, 3);
  const mpi::Communicator self(MPI_COMM_SELF);
  const Tiling tiling(oblong, {4, 1, 1});
  const auto patches =
      all_patches(oblong, {4, 1, 1}, false, resolved(oblong, halos, Deal::scattered, self), 1, all_tiles(tiling), self);
  ASSERT_EQ(patches[3].owned, 3U);
  EXPECT_LT((patches[3].pos[1] - Vec3(20.3, -0.2, 17.2)).norm(), 1e-12);
  EXPECT_EQ(patches[3].halos.get<double>("x")[1], 0.3);
}

TEST(Patch, HostsExactlyOnTileEdgesKeepTheirSatellites) {
  const Tiling tiling(oblong, {7, 3, 1});
  RandomStream random(18, 1, Purpose::test);
  std::vector<Halo> halos;
  for (std::int64_t tile = 0; tile < tiling.count(); ++tile) {
    const Vec3 corner = tiling.region(tile)[0];
    halos.push_back({100 * tile, -1, corner});
    for (std::int64_t s = 1; s < 8; ++s)
      halos.push_back({100 * tile + s, 100 * tile, oblong.wrap(corner + random.normal3())});
  }
  expect_brute_force(oblong, halos, {7, 3, 1}, false, 1);
}

std::uint64_t fingerprint(const Patch& patch) {
  std::vector<std::byte> bytes;
  const auto add = [&](const auto& values) {
    const auto raw = std::as_bytes(std::span(values));
    bytes.insert(bytes.end(), raw.begin(), raw.end());
  };
  add(std::array{patch.tile, static_cast<std::int64_t>(patch.owned)});
  for (const auto& column : patch.halos.columns()) {
    add(column.spec.name);
    std::visit(add, column.data);
  }
  for (const auto& p : patch.pos) add(std::array{p[0], p[1], p[2]});
  return xxh3(bytes);
}

TEST(Patch, BitsDoNotDependOnRanksOrRowOrder) {
  const mpi::Communicator world(MPI_COMM_WORLD), self(MPI_COMM_SELF);
  const Box box{Vec3(100, 60, 80)};
  const auto halos = clustered_halos(box, 4000, 15);
  const auto all = resolved(box, halos, Deal::scattered, self);
  const std::vector<std::int64_t> todo = {0, 1, 2, 5, 7, 8, 13, 14, 19};  // as after a restart
  std::map<std::int64_t, std::uint64_t> expected;
  for (const auto& patch : all_patches(box, {5, 2, 2}, true, all, 5, todo, self))
    expected[patch.tile] = fingerprint(patch);
  for (const auto deal : {Deal::scattered, Deal::reversed, Deal::last_rank_only}) {
    const auto share = resolved(box, halos, deal, world);
    for (const auto& patch : all_patches(box, {5, 2, 2}, true, share, 5, todo, world))
      EXPECT_EQ(fingerprint(patch), expected[patch.tile]) << "tile " << patch.tile;
  }
}

TEST(Patch, ARealCatalogIsTheSameOnAnyRanks) {
  const mpi::Communicator world(MPI_COMM_WORLD), self(MPI_COMM_SELF);
  const std::array<const mpi::Communicator*, 2> comms = {&self, &world};
  std::map<std::int64_t, std::uint64_t> expected;
  for (const auto* comm : comms) {
    auto catalog = catalog::read_halos(HALOBRUSH_SOURCE_DIR "/data/demo/rockstar_z0_pid.list.gz", {}, *comm);
    const auto side = catalog.simulation.box;
    const Box box{Vec3(side[0], side[1], side[2])};
    resolve_hosts(catalog, box, OrphanPolicy::error, *comm);
    const auto ids = catalog.halos.get<std::int64_t>("id"),
               hosts = catalog.halos.get<std::int64_t>("host_id"),
               parents = catalog.halos.get<std::int64_t>("parent_id");
    std::int64_t centrals = 0, grandchildren = 0;
    for (std::size_t row = 0; row < ids.size(); ++row) {
      centrals += hosts[row] == ids[row];
      grandchildren += hosts[row] != ids[row] && hosts[row] != parents[row];
    }
    EXPECT_EQ(comm->sum(centrals), 23726);  // data/demo/PROVENANCE.md
    EXPECT_EQ(comm->sum(grandchildren), 248);
    std::int64_t owned = 0;
    for (const auto& patch : all_patches(box, {8, 1, 1}, true, catalog.halos, 6, all_tiles(Tiling(box, {8, 1, 1})), *comm)) {
      owned += static_cast<std::int64_t>(patch.owned);
      const auto bits = fingerprint(patch);
      EXPECT_EQ(expected.try_emplace(patch.tile, bits).first->second, bits) << "tile " << patch.tile;
    }
    EXPECT_EQ(comm->sum(owned), 25667);
    EXPECT_EQ(expected.size(), 8U);
  }
}

// (destination id, source id, displacement to 1e-9): what a graph over the periodic box is made of.
using Link = std::array<std::int64_t, 5>;
Link link(std::int64_t destination, std::int64_t source, const Vec3& d) {
  return {destination, source, std::llround(d[0] * 1e9), std::llround(d[1] * 1e9), std::llround(d[2] * 1e9)};
}

TEST(Patch, GhostsMakeTheRadiusGraphOfOwnedGalaxiesPeriodic) {
  const mpi::Communicator world(MPI_COMM_WORLD), self(MPI_COMM_SELF);
  const auto halos = clustered_halos(oblong, 200, 16);
  const auto all = resolved(oblong, halos, Deal::scattered, self);
  const double radius = 2.2;
  std::vector<Link> expected;
  for (std::size_t i = 0; i < all.rows(); ++i)
    for (std::size_t j = 0; j < all.rows(); ++j)
      for (const auto& source : images_of(oblong, all, j, 1)) {
        const Vec3 d = source.pos - all.vectors("")[i];
        if (d.norm() <= radius && !(i == j && d.isZero()))
          expected.push_back(link(all.get<std::int64_t>("id")[i], source.id, d));
      }
  std::sort(expected.begin(), expected.end());
  for (const auto tiles : {Tiles{4, 1, 1}, Tiles{2, 2, 2}}) {
    const auto share = resolved(oblong, halos, Deal::scattered, world);
    std::vector<Link> mine;
    for (const auto& patch : all_patches(oblong, tiles, true, share, radius, all_tiles(Tiling(oblong, tiles)), world)) {
      const auto ids = patch.halos.get<std::int64_t>("id");
      const auto edges = graph::radius_graph(patch.pos, radius);
      for (std::size_t e = 0; e < edges.size(); ++e) {
        const auto to = static_cast<std::size_t>(edges.destination[e]),
                   from = static_cast<std::size_t>(edges.source[e]);
        if (to < patch.owned) mine.push_back(link(ids[to], ids[from], patch.pos[from] - patch.pos[to]));
      }
    }
    auto found = world.gather_all(std::span<const Link>(mine)).data;
    std::sort(found.begin(), found.end());
    EXPECT_EQ(found, expected);
  }
}

TEST(Patch, AGhostWidthOverHalfTheSideIsAnErrorOnEveryRank) {
  const mpi::Communicator world(MPI_COMM_WORLD);
  const Box box{Vec3(40, 20, 30)};
  const auto share = resolved(box, clustered_halos(box, 20, 17), Deal::scattered, world);
  const Tiling tiling(box, {2, 1, 1});
  const auto error = error_of([&] { all_patches(box, {2, 1, 1}, false, share, 12, all_tiles(tiling), world); });
  ASSERT_TRUE(error.has_value());
  EXPECT_EQ(error->code(), ExitCode::config);
  EXPECT_EQ(
      std::string(error->what()),
      "domain: ghost width 12 Mpc/h is over half of the box side 20 Mpc/h (layers x radius of the model plus "
      "domain.ghost_width); use a model of shorter reach or a larger box");
}

}  // namespace
}  // namespace halobrush::domain
