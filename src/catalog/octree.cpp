#include "halobrush/catalog/octree.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace halobrush::catalog {

Octree::Octree(double side, std::uint64_t rows) : side_(side) {
  constexpr std::uint64_t rows_per_cell = 128;
  constexpr int deepest = 7;  // 2 million cells: 32 MB of the file
  while (level_ < deepest && rows >= rows_per_cell << (3 * (level_ + 1))) ++level_;
}

std::int64_t Octree::cell_of(const Vec3& position) const {
  const auto slices = std::int64_t{1} << level_;
  std::int64_t cell = 0;
  for (int axis = 0; axis < 3; ++axis) {
    const auto slice = std::clamp<std::int64_t>(static_cast<std::int64_t>(std::floor(position[axis] / (side_ / static_cast<double>(slices)))), 0, slices - 1);
    for (int bit = 0; bit < level_; ++bit) cell |= (slice >> bit & 1) << (3 * bit + axis);
  }
  return cell;
}

std::vector<std::int64_t> Octree::cells_of(const Table& rows) const {
  const auto positions = rows.vectors("");
  std::vector<std::int64_t> cells(rows.rows());
  for (std::size_t i = 0; i < cells.size(); ++i) cells[i] = cell_of(positions[i]);
  return cells;
}

Table Octree::sorted(const Table& rows) const {
  const auto cells = cells_of(rows);
  std::vector<std::size_t> order(cells.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, {}, [&](std::size_t row) { return cells[row]; });
  return rows.select(order);
}

std::vector<CellRows> Octree::count(std::int64_t tile, const Table& sorted) const {
  std::vector<CellRows> counts;
  for (const auto cell : cells_of(sorted)) {
    if (counts.empty() || counts.back().cell != cell) counts.push_back({tile, cell, 0});
    ++counts.back().rows;
  }
  return counts;
}

}  // namespace halobrush::catalog
