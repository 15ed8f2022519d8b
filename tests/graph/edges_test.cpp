// Both graphs against brute force.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "halobrush/core/error.hpp"
#include "halobrush/core/random.hpp"
#include "halobrush/graph/graph.hpp"

namespace halobrush::graph {
namespace {

using Pairs = std::vector<std::pair<std::int64_t, std::int64_t>>;  // (destination, source)

Pairs pairs_of(const Edges& edges) {
  Pairs pairs;
  for (std::size_t e = 0; e < edges.size(); ++e) pairs.emplace_back(edges.destination[e], edges.source[e]);
  return pairs;
}

// Half the points are uniform in a 40 x 30 x 20 box off the origin, half in tight clumps, some at the same
// place.
std::vector<Vec3> clustered_points(std::size_t n) {
  RandomStream random(7, 1, Purpose::test);
  std::vector<Vec3> pos;
  while (pos.size() < n) {
    const Vec3 centre(40 * random.uniform() - 15, 30 * random.uniform(), 20 * random.uniform() + 100);
    pos.push_back(centre);
    if (random.uniform() < 0.1)
      for (int i = 0; i < 12 && pos.size() < n; ++i) pos.push_back(centre + 0.5 * random.normal3());
    if (random.uniform() < 0.02 && pos.size() < n) pos.push_back(centre);
  }
  return pos;
}

Pairs brute_force_radius(const std::vector<Vec3>& pos, double radius) {
  Pairs pairs;
  for (std::size_t i = 0; i < pos.size(); ++i)
    for (std::size_t j = 0; j < pos.size(); ++j)
      if (i != j && (pos[j] - pos[i]).squaredNorm() <= radius * radius) pairs.emplace_back(i, j);
  return pairs;
}

Pairs brute_force_group(const std::vector<Vec3>& pos, const std::vector<std::int64_t>& host,
                        std::size_t neighbours) {
  Pairs pairs;
  for (std::size_t i = 0; i < pos.size(); ++i) {
    std::vector<std::pair<double, std::int64_t>> others;
    for (std::size_t j = 0; j < pos.size(); ++j)
      if (i != j && host[i] == host[j]) others.emplace_back((pos[j] - pos[i]).squaredNorm(), j);
    std::sort(others.begin(), others.end());
    others.resize(std::min(others.size(), neighbours));
    for (const auto& [distance, j] : others) pairs.emplace_back(i, j);
  }
  std::sort(pairs.begin(), pairs.end());
  return pairs;
}

TEST(RadiusGraph, EqualsBruteForceInOrder) {
  const auto pos = clustered_points(1500);
  for (const double radius : {0.3, 2.0, 7.0, 100.0})
    EXPECT_EQ(pairs_of(radius_graph(pos, radius)), brute_force_radius(pos, radius)) << "radius " << radius;
}

TEST(RadiusGraph, KeepsTheNearestWhereNeighboursAreBounded) {
  const auto pos = clustered_points(800);
  const std::vector<std::int64_t> one_group(pos.size(), 1);
  for (const double radius : {0.5, 7.0}) {
    Pairs expected;
    for (const auto& [to, from] : brute_force_group(pos, one_group, 5))
      if ((pos[static_cast<std::size_t>(from)] - pos[static_cast<std::size_t>(to)]).squaredNorm() <=
          radius * radius)
        expected.emplace_back(to, from);
    EXPECT_EQ(pairs_of(radius_graph(pos, radius, 5)), expected) << "radius " << radius;
    EXPECT_EQ(pairs_of(within(group_graph(pos, one_group, 5), pos, radius)), expected) << "radius " << radius;
  }
}

TEST(RadiusGraph, LatticePairsExactlyAtTheRadiusAreIn) {
  std::vector<Vec3> pos;
  for (int x = 0; x < 6; ++x)
    for (int y = 0; y < 6; ++y)
      for (int z = 0; z < 6; ++z) pos.emplace_back(x, y, z);
  EXPECT_EQ(radius_graph(pos, 1.0).size(), 2U * 3 * 5 * 6 * 6);
  EXPECT_EQ(radius_graph(pos, std::nextafter(1.0, 0.0)).size(), 0U);
  EXPECT_EQ(pairs_of(radius_graph(pos, 3.0)), brute_force_radius(pos, 3.0));  // also (2, 2, 1)
}

TEST(RadiusGraph, APairHasBothDirectionsEvenWhereRoundingDecides) {
  auto pos = clustered_points(300);
  std::size_t at_the_radius = 0;
  for (std::size_t i = 0; i + 1 < pos.size(); i += 7) {
    const double radius = (pos[i] - pos[i + 1]).norm();
    const auto pairs = pairs_of(radius_graph(pos, radius));
    const std::set<Pairs::value_type> all(pairs.begin(), pairs.end());
    for (const auto& [a, b] : pairs) ASSERT_TRUE(all.contains({b, a})) << a << " " << b;
    at_the_radius += all.contains({static_cast<std::int64_t>(i), static_cast<std::int64_t>(i + 1)});
  }
  EXPECT_GT(at_the_radius, 10U);
}

TEST(RadiusGraph, FewOrCoincidentPointsAndNoRadiusAreNormal) {
  EXPECT_EQ(radius_graph({}, 1).size(), 0U);
  EXPECT_EQ(radius_graph(std::vector<Vec3>{{1, 2, 3}}, 1).size(), 0U);
  const std::vector<Vec3> same(70, Vec3(1, 2, 3));
  EXPECT_EQ(radius_graph(same, 1e-9).size(), 70U * 69);
  EXPECT_EQ(radius_graph(same, 0).size(), 0U);
  EXPECT_EQ(radius_graph(same, -1).size(), 0U);
}

TEST(GroupGraph, EqualsBruteForceForFewAndManyNeighbours) {
  const auto pos = clustered_points(1200);
  RandomStream random(8, 2, Purpose::test);
  std::vector<std::int64_t> host(pos.size());
  for (auto& h : host)  // from singles to a cluster of hundreds, rows of a host apart
    h = random.uniform() < 0.4 ? 5000000000
                               : static_cast<std::int64_t>(400 * random.uniform() * random.uniform());
  for (const std::size_t neighbours : {1U, 3U, 16U, 64U, 5000U})
    EXPECT_EQ(pairs_of(group_graph(pos, host, neighbours)), brute_force_group(pos, host, neighbours))
        << neighbours << " neighbours";
}

TEST(GroupGraph, TiesGoToTheLowerRow) {
  std::vector<Vec3> pos;
  for (int x = 0; x < 5; ++x)
    for (int y = 0; y < 5; ++y)
      for (int z = 0; z < 5; ++z) pos.emplace_back(z, x, y);
  pos.insert(pos.end(), 40, Vec3(2, 2, 2));  // many at no distance at all
  const std::vector<std::int64_t> host(pos.size(), 9);
  for (const std::size_t neighbours : {2U, 5U, 20U})
    EXPECT_EQ(pairs_of(group_graph(pos, host, neighbours)), brute_force_group(pos, host, neighbours));
}

TEST(GroupGraph, AGroupOfNeighboursPlusOneIsComplete) {
  const auto pos = clustered_points(17);
  EXPECT_EQ(group_graph(pos, std::vector<std::int64_t>(17, 1), 16).size(), 17U * 16);
  EXPECT_EQ(group_graph(std::span(pos).first(0), {}, 16).size(), 0U);
  EXPECT_EQ(group_graph(pos, std::vector<std::int64_t>(17, 1), 0).size(), 0U);
  std::vector<std::int64_t> single(17);
  for (std::size_t i = 0; i < single.size(); ++i) single[i] = static_cast<std::int64_t>(i);
  EXPECT_EQ(group_graph(pos, single, 16).size(), 0U);
}

TEST(GroupGraph, AClusterOfTwentyThousandCostsNoQuadraticWork) {
  RandomStream random(9, 3, Purpose::test);
  std::vector<Vec3> pos(20000);
  for (auto& p : pos) p = random.normal3();
  const auto edges = group_graph(pos, std::vector<std::int64_t>(pos.size(), 1), 16);
  EXPECT_EQ(edges.size(), pos.size() * 16);
}

}  // namespace
}  // namespace halobrush::graph
