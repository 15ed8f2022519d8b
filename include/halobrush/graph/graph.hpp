// The two graphs of a patch: environment (all within a radius) and group (same host halo). Serial, no
// communicator.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "halobrush/core/geometry.hpp"

namespace halobrush::graph {

/// Directed edges source -> destination, sorted by (destination, source); no self loops.
struct Edges {
  std::vector<std::int64_t> source, destination;
  std::size_t size() const { return source.size(); }
};

/// Both directions of every pair with |pos_j - pos_i| <= radius. pos [n,3] Mpc/h, unwrapped; radius <= 0
/// gives none. With `neighbours` > 0 only the nearest so many edges into each node (ties by row).
Edges radius_graph(std::span<const Vec3> pos, double radius_mpc_h, std::size_t neighbours = 0);

/// The edges that are no longer than the radius.
Edges within(Edges edges, std::span<const Vec3> pos, double radius_mpc_h);

/// Edges among rows of equal `host`: all pairs in groups of up to `neighbours` + 1 members, else the
/// `neighbours` nearest of each galaxy (ties by row), so that a cluster of 5,000 costs no quadratic memory.
Edges group_graph(std::span<const Vec3> pos, std::span<const std::int64_t> host, std::size_t neighbours);

}  // namespace halobrush::graph
