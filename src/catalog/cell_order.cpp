#include "halobrush/catalog/cell_order.hpp"

#include <algorithm>
#include <numeric>

namespace halobrush::catalog {

std::vector<std::int64_t> CellOrder::cells_of(const Table& rows) const {
  const auto positions = rows.vectors("");
  std::vector<std::int64_t> cells(rows.rows());
  for (std::size_t i = 0; i < cells.size(); ++i) cells[i] = cell_of(positions[i]);
  return cells;
}

Table CellOrder::sorted(const Table& rows) const {
  const auto cells = cells_of(rows);
  std::vector<std::size_t> order(cells.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, {}, [&](std::size_t row) { return cells[row]; });
  return rows.select(order);
}

std::vector<CellRows> CellOrder::count(std::int64_t tile, const Table& sorted) const {
  std::vector<CellRows> counts;
  for (const auto cell : cells_of(sorted)) {
    if (counts.empty() || counts.back().cell != cell) counts.push_back({tile, cell, 0});
    ++counts.back().rows;
  }
  return counts;
}

std::vector<std::uint64_t> CellOrder::sizes(const std::vector<CellRows>& counts) const {
  std::vector<std::uint64_t> sizes(cells());
  for (const auto& [tile, cell, rows] : counts) sizes[static_cast<std::size_t>(cell)] += rows;
  return sizes;
}

}  // namespace halobrush::catalog
