#include "halobrush/domain/tiling.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <span>

#include "halobrush/core/error.hpp"

namespace halobrush::domain {
namespace {

constexpr std::int64_t least_bins = 1 << 14;

using Edges = std::vector<double>;

Edges equal_widths(double side, std::int64_t n) {
  Edges edges(static_cast<std::size_t>(n) + 1);
  for (std::int64_t i = 0; i <= n; ++i)
    edges[static_cast<std::size_t>(i)] = side * static_cast<double>(i) / static_cast<double>(n);
  edges.back() = side;
  return edges;
}

// Cuts a histogram over [0, side) into n parts of about equal counts and at least one bin each.
Edges equal_counts(std::span<const std::int64_t> bins, double side, std::int64_t n) {
  const auto total = std::accumulate(bins.begin(), bins.end(), std::int64_t{0});
  if (total == 0) return equal_widths(side, n);
  const auto bin_count = static_cast<std::int64_t>(bins.size());
  Edges edges{0};
  std::int64_t below = 0, cut = 0;  // halos in the bins before the cut
  for (std::int64_t part = 1; part < n; ++part) {
    const auto first = cut + 1, last = bin_count - (n - part);
    while (cut < first || (cut < last && below * n < part * total))
      below += bins[static_cast<std::size_t>(cut++)];
    edges.push_back(side * static_cast<double>(cut) / static_cast<double>(bin_count));
  }
  edges.push_back(side);
  return edges;
}

// Which of the intervals [edges[i], edges[i+1]) holds x; beyond the ends, the first or last.
std::int64_t interval(std::span<const double> edges, double x) {
  const auto above = std::upper_bound(edges.begin() + 1, edges.end() - 1, x);
  return above - edges.begin() - 1;
}

std::span<const double> part_of(const std::vector<double>& edges, std::int64_t part, std::int64_t n) {
  return std::span(edges).subspan(static_cast<std::size_t>(part * (n + 1)), static_cast<std::size_t>(n + 1));
}

// Histograms along one axis of the halos of each part, over all ranks; equal-count edges of every part,
// concatenated.
// @collective
Edges balance(const std::vector<Vec3>& centres, std::span<const std::size_t> rows,
              std::span<const std::int64_t> part_of_row, std::int64_t parts, int axis, double side,
              std::int64_t n, const mpi::Communicator& comm) {
  if (n == 1) {  // nothing to balance
    Edges whole;
    for (std::int64_t part = 0; part < parts; ++part) whole.insert(whole.end(), {0.0, side});
    return whole;
  }
  const auto bin_count = std::max(least_bins, n);
  std::vector<std::int64_t> counts(static_cast<std::size_t>(parts * bin_count));
  for (std::size_t k = 0; k < rows.size(); ++k) {
    const auto bin =
        static_cast<std::int64_t>(centres[rows[k]][axis] / side * static_cast<double>(bin_count));
    ++counts[static_cast<std::size_t>(part_of_row[k] * bin_count +
                                      std::clamp(bin, std::int64_t{0}, bin_count - 1))];
  }
  comm.sum_in_place(std::span(counts));
  Edges edges;
  for (std::int64_t part = 0; part < parts; ++part) {
    const auto own = std::span(counts).subspan(static_cast<std::size_t>(part * bin_count),
                                               static_cast<std::size_t>(bin_count));
    const auto cut = equal_counts(own, side, n);
    edges.insert(edges.end(), cut.begin(), cut.end());
  }
  return edges;
}

}  // namespace

Tiling::Tiling(const Box& box, std::array<std::int64_t, 3> tiles) : box_(box), tiles_(tiles) {
  if (*std::min_element(tiles.begin(), tiles.end()) < 1)
    throw config_error(
        "domain.tiles: [{}, {}, {}] (every direction needs at least one tile); give positive numbers",
        tiles[0], tiles[1], tiles[2]);
  const auto y = equal_widths(box.side[1], tiles[1]), z = equal_widths(box.side[2], tiles[2]);
  x_edges_ = equal_widths(box.side[0], tiles[0]);
  for (std::int64_t i = 0; i < tiles[0]; ++i) y_edges_.insert(y_edges_.end(), y.begin(), y.end());
  for (std::int64_t i = 0; i < tiles[0] * tiles[1]; ++i) z_edges_.insert(z_edges_.end(), z.begin(), z.end());
}

Tiling Tiling::balanced(const Box& box, std::array<std::int64_t, 3> tiles, const std::vector<Vec3>& centres,
                        const mpi::Communicator& comm) {
  Tiling tiling(box, tiles);
  const auto [nx, ny, nz] = tiles;

  std::vector<std::size_t> all(centres.size());
  std::iota(all.begin(), all.end(), std::size_t{0});
  tiling.x_edges_ = balance(centres, all, std::vector<std::int64_t>(all.size()), 1, 0, box.side[0], nx, comm);

  std::vector<std::vector<std::size_t>> slabs(static_cast<std::size_t>(nx));
  for (const auto row : all)
    slabs[static_cast<std::size_t>(interval(tiling.x_edges_, centres[row][0]))].push_back(row);

  tiling.y_edges_.clear();
  tiling.z_edges_.clear();
  for (const auto& slab : slabs) {  // one slab at a time bounds the memory of the histograms
    std::vector<std::int64_t> pencil(slab.size());
    const auto y_edges = balance(centres, slab, pencil, 1, 1, box.side[1], ny, comm);
    for (std::size_t k = 0; k < slab.size(); ++k) pencil[k] = interval(y_edges, centres[slab[k]][1]);
    const auto z_edges = balance(centres, slab, pencil, ny, 2, box.side[2], nz, comm);
    tiling.y_edges_.insert(tiling.y_edges_.end(), y_edges.begin(), y_edges.end());
    tiling.z_edges_.insert(tiling.z_edges_.end(), z_edges.begin(), z_edges.end());
  }
  return tiling;
}

std::int64_t Tiling::tile_of(const Vec3& position) const {
  const auto x = interval(x_edges_, position[0]);
  const auto y = interval(part_of(y_edges_, x, tiles_[1]), position[1]);
  const auto z = interval(part_of(z_edges_, x * tiles_[1] + y, tiles_[2]), position[2]);
  return (x * tiles_[1] + y) * tiles_[2] + z;
}

std::array<Vec3, 2> Tiling::region(std::int64_t tile) const {
  const auto z = tile % tiles_[2], y = tile / tiles_[2] % tiles_[1], x = tile / tiles_[2] / tiles_[1];
  const auto x_edges = std::span(x_edges_).subspan(static_cast<std::size_t>(x), 2);
  const auto y_edges = part_of(y_edges_, x, tiles_[1]).subspan(static_cast<std::size_t>(y), 2);
  const auto z_edges =
      part_of(z_edges_, x * tiles_[1] + y, tiles_[2]).subspan(static_cast<std::size_t>(z), 2);
  return {Vec3(x_edges[0], y_edges[0], z_edges[0]), Vec3(x_edges[1], y_edges[1], z_edges[1])};
}

}  // namespace halobrush::domain
