#include "halobrush/domain/tiling.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <optional>
#include <span>
#include <utility>

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

std::span<const double> edges_of(const std::vector<double>& edges, std::int64_t part, std::int64_t n) {
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

// Halos of some parts, and the box around the centres of these halos.
struct Contents {
  std::vector<std::uint64_t> count;  // [parts]
  std::vector<double> corners;       // [parts][6] low, then -high
  int longest_axis(std::size_t part) const {
    int longest = 0;
    for (int k = 1; k < 3; ++k)
      if (width(part, k) > width(part, longest)) longest = k;
    return longest;
  }
  double low(std::size_t part, int axis) const { return corners[6 * part + static_cast<std::size_t>(axis)]; }
  double width(std::size_t part, int axis) const { return -corners[6 * part + 3 + static_cast<std::size_t>(axis)] - low(part, axis); }
};

// @collective Of the parts [first, end); part_of_row: where each halo is.
Contents contents_of(std::int64_t first, std::int64_t end, const std::vector<Vec3>& centres,
                     std::span<const std::int64_t> part_of_row, const mpi::Communicator& comm) {
  const auto parts = static_cast<std::size_t>(end - first);
  Contents found{std::vector<std::uint64_t>(parts), std::vector<double>(6 * parts, std::numeric_limits<double>::max())};
  for (std::size_t row = 0; row < centres.size(); ++row) {
    if (part_of_row[row] < first) continue;
    const auto part = static_cast<std::size_t>(part_of_row[row] - first);
    ++found.count[part];
    for (std::size_t k = 0; k < 3; ++k) {
      const double x = centres[row][static_cast<int>(k)];
      auto &low = found.corners[6 * part + k], &minus_high = found.corners[6 * part + 3 + k];
      low = std::min(low, x);
      minus_high = std::min(minus_high, -x);
    }
  }
  comm.sum_in_place(std::span(found.count));
  comm.min_in_place(std::span(found.corners));
  return found;
}

// @collective Where each of the parts `cut` is cut: about as many halos below as above, and some on either side.
std::vector<double> middles(std::span<const std::int64_t> cut, std::int64_t first, const Contents& contents,
                            const std::vector<Vec3>& centres, std::span<const std::int64_t> part_of_row,
                            const mpi::Communicator& comm) {
  constexpr std::size_t bins = 1 << 10, at_a_time = 1 << 11;  // 16 MiB
  struct Histogram {
    int axis;
    double low, width;
    std::size_t begin;
  };
  std::vector<double> middle;
  for (std::size_t begin = 0; begin < cut.size(); begin += at_a_time) {
    std::vector<std::optional<Histogram>> of_part(contents.count.size());
    std::vector<Histogram> histograms;
    for (const auto index : cut.subspan(begin, std::min(at_a_time, cut.size() - begin))) {
      const auto part = static_cast<std::size_t>(index - first);
      const int axis = contents.longest_axis(part);
      histograms.push_back({axis, contents.low(part, axis), contents.width(part, axis), histograms.size() * bins});
      of_part[part] = histograms.back();
    }
    std::vector<std::int64_t> counts(histograms.size() * bins);
    for (std::size_t row = 0; row < centres.size(); ++row) {
      if (part_of_row[row] < first) continue;
      const auto& histogram = of_part[static_cast<std::size_t>(part_of_row[row] - first)];
      if (!histogram) continue;
      const double place = (centres[row][histogram->axis] - histogram->low) / histogram->width;
      ++counts[histogram->begin + std::min(static_cast<std::size_t>(place * bins), bins - 1)];
    }
    comm.sum_in_place(std::span(counts));
    for (const auto& [axis, low, width, at] : histograms)
      middle.push_back(low + equal_counts(std::span(counts).subspan(at, bins), width, 2)[1]);
  }
  return middle;
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
  if (ny == 1 && nz == 1) return tiling;

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

Tiling Tiling::with_at_most(std::uint64_t most, const std::vector<Vec3>& centres, const mpi::Communicator& comm) const {
  constexpr double one_place = 1e-6;  // Mpc/h
  Tiling finer(box_, tiles_);
  finer.x_edges_ = x_edges_, finer.y_edges_ = y_edges_, finer.z_edges_ = z_edges_;
  auto& parts = finer.parts_;
  for (std::int64_t tile = 0; tile < grid_count(); ++tile) parts.push_back({.region = grid_region(tile)});
  std::vector<std::int64_t> part_of_row(centres.size());
  std::ranges::transform(centres, part_of_row.begin(), [&](const Vec3& centre) { return grid_tile_of(centre); });
  for (std::int64_t first = 0, end = std::ssize(parts); first < end; first = std::exchange(end, std::ssize(parts))) {
    const auto contents = contents_of(first, end, centres, part_of_row, comm);
    std::vector<std::int64_t> cut;
    for (auto part = first; part < end; ++part) {
      const auto i = static_cast<std::size_t>(part - first);
      if (contents.count[i] > most && contents.width(i, contents.longest_axis(i)) > one_place) cut.push_back(part);
    }
    const auto middle = middles(cut, first, contents, centres, part_of_row, comm);
    for (std::size_t i = 0; i < cut.size(); ++i)
      finer.cut_in_two(cut[i], contents.longest_axis(static_cast<std::size_t>(cut[i] - first)), middle[i]);
    for (std::size_t row = 0; row < centres.size(); ++row) part_of_row[row] = finer.part_of(part_of_row[row], centres[row]);
  }
  finer.number_parts();
  return finer;
}

void Tiling::cut_in_two(std::int64_t index, int axis, double cut) {
  auto& part = parts_[static_cast<std::size_t>(index)];
  part.axis = axis, part.cut = cut, part.below = std::ssize(parts_);
  Part below{.region = part.region}, above{.region = part.region};
  below.region[1][axis] = above.region[0][axis] = cut;
  parts_.push_back(below);
  parts_.push_back(above);
}

// The part of a part, down to one without parts, that holds a position.
std::int64_t Tiling::part_of(std::int64_t index, const Vec3& position) const {
  for (;;) {
    const auto& part = parts_[static_cast<std::size_t>(index)];
    if (part.below < 0) return index;
    index = position[part.axis] < part.cut ? part.below : part.below + 1;
  }
}

// Depth first: the parts of a tile stand where the tile stood.
void Tiling::number_parts() {
  std::vector<std::int64_t> stack;
  for (auto tile = grid_count() - 1; tile >= 0; --tile) stack.push_back(tile);
  while (!stack.empty()) {
    const auto index = stack.back();
    stack.pop_back();
    auto& part = parts_[static_cast<std::size_t>(index)];
    if (part.below >= 0) {
      stack.insert(stack.end(), {part.below + 1, part.below});
      continue;
    }
    part.tile = std::ssize(part_of_tile_);
    part_of_tile_.push_back(index);
  }
}

std::int64_t Tiling::count() const {
  return parts_.empty() ? grid_count() : std::ssize(part_of_tile_);
}

std::int64_t Tiling::tile_of(const Vec3& position) const {
  const auto tile = grid_tile_of(position);
  return parts_.empty() ? tile : parts_[static_cast<std::size_t>(part_of(tile, position))].tile;
}

std::array<Vec3, 2> Tiling::region(std::int64_t tile) const {
  if (parts_.empty()) return grid_region(tile);
  return parts_[static_cast<std::size_t>(part_of_tile_[static_cast<std::size_t>(tile)])].region;
}

std::int64_t Tiling::grid_tile_of(const Vec3& position) const {
  const auto x = interval(x_edges_, position[0]);
  const auto y = interval(edges_of(y_edges_, x, tiles_[1]), position[1]);
  const auto z = interval(edges_of(z_edges_, x * tiles_[1] + y, tiles_[2]), position[2]);
  return (x * tiles_[1] + y) * tiles_[2] + z;
}

std::array<Vec3, 2> Tiling::grid_region(std::int64_t tile) const {
  const auto z = tile % tiles_[2], y = tile / tiles_[2] % tiles_[1], x = tile / tiles_[2] / tiles_[1];
  const auto x_edges = std::span(x_edges_).subspan(static_cast<std::size_t>(x), 2);
  const auto y_edges = edges_of(y_edges_, x, tiles_[1]).subspan(static_cast<std::size_t>(y), 2);
  const auto z_edges =
      edges_of(z_edges_, x * tiles_[1] + y, tiles_[2]).subspan(static_cast<std::size_t>(z), 2);
  return {Vec3(x_edges[0], y_edges[0], z_edges[0]), Vec3(x_edges[1], y_edges[1], z_edges[1])};
}

}  // namespace halobrush::domain
