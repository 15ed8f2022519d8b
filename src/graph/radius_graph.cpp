#include <algorithm>
#include <limits>
#include <utility>

#include "halobrush/graph/graph.hpp"
#include "incoming.hpp"
#include "nearest.hpp"
#include "tree.hpp"

namespace halobrush::graph {
namespace {

// Moves bit k to bit 3k, for the lowest 21 bits.
std::uint64_t spread_bits(std::uint64_t v) {
  v = (v | v << 32) & 0x1f00000000ffff;
  v = (v | v << 16) & 0x1f0000ff0000ff;
  v = (v | v << 8) & 0x100f00f00f00f00f;
  v = (v | v << 4) & 0x10c30c30c30c30c3;
  v = (v | v << 2) & 0x1249249249249249;
  return v;
}

// Rows along a Morton curve: neighbours in space become neighbours in memory, worth a factor five in the
// search.
std::vector<std::int64_t> morton_order(std::span<const Vec3> pos) {
  Vec3 low = pos[0], high = pos[0];
  for (const auto& p : pos) {
    low = low.cwiseMin(p);
    high = high.cwiseMax(p);
  }
  constexpr double cells = 1 << 21;
  const double extent = std::max((high - low).maxCoeff(), std::numeric_limits<double>::min());
  std::vector<std::pair<std::uint64_t, std::int64_t>> keyed(pos.size());
  for (std::size_t i = 0; i < pos.size(); ++i) {
    std::uint64_t key = 0;
    for (int k = 0; k < 3; ++k) {
      const double cell = std::min((pos[i][k] - low[k]) / extent * cells, cells - 1);
      key |= spread_bits(static_cast<std::uint64_t>(cell)) << k;
    }
    keyed[i] = {key, static_cast<std::int64_t>(i)};
  }
  std::sort(keyed.begin(), keyed.end());
  std::vector<std::int64_t> order(pos.size());
  std::transform(keyed.begin(), keyed.end(), order.begin(), [](const auto& entry) { return entry.second; });
  return order;
}

}  // namespace

Edges radius_graph(std::span<const Vec3> pos, double radius_mpc_h, std::size_t neighbours) {
  if (!(radius_mpc_h > 0) || pos.size() < 2) return {};
  const double radius2 = radius_mpc_h * radius_mpc_h;
  const auto row_of = morton_order(pos);
  std::vector<Vec3> ordered(pos.size());
  std::transform(row_of.begin(), row_of.end(), ordered.begin(),
                 [&](std::int64_t row) { return pos[static_cast<std::size_t>(row)]; });
  const Tree tree(ordered);

  Incoming incoming(pos.size());
  Nearest nearest(neighbours > 0 ? neighbours : pos.size());
  std::vector<std::int64_t> sources;
  for (std::size_t i = 0; i < ordered.size(); ++i) {
    nearest.clear();
    tree.search(
        ordered[i], [&] { return std::min(radius2, nearest.reach()); },
        [&](std::size_t j) {
          const double distance2 = squared_distance(ordered[i], ordered[j]);
          if (j != i && distance2 <= radius2) nearest.offer(distance2, static_cast<std::size_t>(row_of[j]));
        });
    sources.clear();
    for (const auto& [distance2, row] : nearest.found()) sources.push_back(static_cast<std::int64_t>(row));
    incoming.set(row_of[i], sources);
  }
  return std::move(incoming).sorted();
}

Edges within(Edges edges, std::span<const Vec3> pos, double radius_mpc_h) {
  const auto at = [&](std::int64_t row) { return pos[static_cast<std::size_t>(row)]; };
  std::size_t kept = 0;
  for (std::size_t e = 0; e < edges.size(); ++e) {
    if (squared_distance(at(edges.source[e]), at(edges.destination[e])) > radius_mpc_h * radius_mpc_h)
      continue;
    edges.source[kept] = edges.source[e];
    edges.destination[kept++] = edges.destination[e];
  }
  edges.source.resize(kept);
  edges.destination.resize(kept);
  return edges;
}

}  // namespace halobrush::graph
