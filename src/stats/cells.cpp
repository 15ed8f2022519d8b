#include "cells.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "halobrush/core/error.hpp"
#include "halobrush/mpi/agree.hpp"

namespace halobrush::stats {
namespace {

using Row = std::array<double, columns>;

constexpr double most_cells_per_reach = 5;  // across
constexpr double rows_in_run =
    128;  // on average: shorter runs cost more than their pairs, wider cells hold candidates too far away
constexpr double same_cut = 1e-9;        // of the side: two cuts that differ by rounding
constexpr double unit_tolerance = 1e-4;  // of an axis' length
constexpr std::array<const char*, 3> axis_names{"axis A", "axis B", "axis C"};
constexpr std::int64_t most_cells = 512;  // per axis

double cut(double side, std::int64_t i, std::int64_t n) {
  return i == n ? side : side * static_cast<double>(i) / static_cast<double>(n);
}

// Borders of sub-boxes and tiles, and between them equal steps of at most `step`.
std::vector<double> cuts_along(double side, std::int64_t regions, std::int64_t tiles, double step) {
  std::vector<double> borders;
  for (const auto n : {regions, tiles})
    for (std::int64_t i = 0; i <= n; ++i) borders.push_back(cut(side, i, n));
  std::sort(borders.begin(), borders.end());
  borders.erase(std::unique(borders.begin(), borders.end(),
                            [&](double a, double b) { return b - a < same_cut * side; }),
                borders.end());
  borders.back() = side;
  std::vector<double> cuts{0};
  for (std::size_t b = 1; b < borders.size(); ++b) {
    const double low = borders[b - 1], width = borders[b] - low;
    const auto parts = static_cast<std::int64_t>(std::ceil(width / step * (1 - same_cut)));
    for (std::int64_t i = 1; i <= std::max<std::int64_t>(parts, 1); ++i)
      cuts.push_back(i == parts ? borders[b] : low + cut(width, i, std::max<std::int64_t>(parts, 1)));
  }
  return cuts;
}

std::vector<std::vector<Neighbour>> neighbours_along(const std::vector<double>& cuts, double side,
                                                     double reach) {
  const auto n = static_cast<std::int64_t>(cuts.size()) - 1;
  std::vector<std::vector<Neighbour>> all(static_cast<std::size_t>(n));
  const auto at = [&](std::int64_t i) { return cuts[static_cast<std::size_t>(i)]; };
  for (std::int64_t c = 0; c < n; ++c)
    for (int image = -1; image <= 1; ++image)
      for (std::int64_t other = 0; other < n; ++other) {
        const double shift = image * side;
        const double gap = std::max({0.0, at(other) + shift - at(c + 1), at(c) - at(other + 1) - shift});
        const auto offset = other + image * n - c;
        if (gap < reach)
          all[static_cast<std::size_t>(c)].push_back({other, shift, gap,
                                                      offset > 0   ? 1
                                                      : offset < 0 ? -1
                                                                   : 0});
      }
  return all;
}

Row row_of(const Sample& sample, const Present& present, const Vec3& position, std::size_t i) {
  Row row{};
  row[col_z] = position.z();
  row[col_y] = position.y();
  row[col_x] = position.x();
  row[col_weight] = sample.weight.empty() ? 1 : sample.weight[i];
  if (present.ellipticity) {
    row[col_e1] = sample.ellipticity[i][0];
    row[col_e2] = sample.ellipticity[i][1];
  }
  for (std::size_t a = 0; a < 3; ++a)
    if (present.axes[a])
      for (std::size_t k = 0; k < 3; ++k) row[col_axes + 3 * a + k] = sample.axes[a][i][static_cast<int>(k)];
  return row;
}

void check_size(const Sample& sample, std::size_t size, bool present, const char* column, const char* what) {
  if (present && size != sample.pos.size())
    throw data_error("stats: {}: {} has {} rows, positions have {}; give all or none", what, column, size,
                     sample.pos.size());
}

void check_values(const Sample& sample, const char* what) {
  for (std::size_t i = 0; i < sample.pos.size(); ++i)
    if (!sample.pos[i].allFinite())
      throw data_error("stats: {}: position of row {} is not finite; leave such rows out", what, i);
  for (std::size_t i = 0; i < sample.weight.size(); ++i)
    if (!(sample.weight[i] >= 0) || std::isinf(sample.weight[i]))
      throw data_error(
          "stats: {}: weight {} of row {} (must be finite and not below zero); leave such rows out", what,
          sample.weight[i], i);
  for (std::size_t i = 0; i < sample.ellipticity.size(); ++i)
    if (!std::isfinite(sample.ellipticity[i][0]) || !std::isfinite(sample.ellipticity[i][1]))
      throw data_error("stats: {}: ellipticity of row {} is not finite; leave such rows out", what, i);
  for (std::size_t a = 0; a < 3; ++a)
    for (std::size_t i = 0; i < sample.axes[a].size(); ++i)
      if (!(std::abs(sample.axes[a][i].norm() - 1) < unit_tolerance))
        throw data_error(
            "stats: {}: {} of row {} has length {:.6g} (not a unit vector); normalise it or leave the row "
            "out",
            what, axis_names[a], i, sample.axes[a][i].norm());
}

}  // namespace

Grid::Grid(const domain::Box& box, const Reach& reach, std::int64_t galaxies, std::int64_t regions_per_side,
           std::array<std::int64_t, 3> tiles)
    : box_(box), reach_(reach), per_side_(std::max<std::int64_t>(regions_per_side, 1)), tiles_(tiles) {
  const double full =
      std::sqrt(rows_in_run * box.side.prod() / (2 * reach.along * static_cast<double>(galaxies)));
  const double fine = std::clamp(full, reach.across / most_cells_per_reach, reach.across);
  for (int k = 0; k < 3; ++k) {
    const auto axis = static_cast<std::size_t>(k);
    const double step = std::max(fine, box.side[k] / static_cast<double>(most_cells));
    if (tiles_[axis] ==
        0) {  // slabs one cell thick: shares for many ranks, and cells that are no smaller for it
      const double per_region = box.side[k] / static_cast<double>(per_side_) / step;
      tiles_[axis] =
          k == 0 ? per_side_ * std::max<std::int64_t>(1, static_cast<std::int64_t>(std::ceil(per_region)))
                 : 1;
    }
    cuts_[axis] = cuts_along(box.side[k], per_side_, tiles_[axis], k < 2 ? step : box.side[k]);
    neighbours_[axis] = neighbours_along(cuts_[axis], box.side[k], k < 2 ? reach.across : reach.along);
  }
}

std::array<std::size_t, 3> Grid::split(std::int64_t cell) const {
  const auto z = cell % size(2), xy = cell / size(2);
  return {static_cast<std::size_t>(xy / size(1)), static_cast<std::size_t>(xy % size(1)),
          static_cast<std::size_t>(z)};
}

std::int64_t Grid::cell_of(const Vec3& position) const {
  std::int64_t cell = 0;
  for (std::size_t k = 0; k < 3; ++k) {
    const auto above =
        std::upper_bound(cuts_[k].begin() + 1, cuts_[k].end() - 1, position[static_cast<int>(k)]);
    cell = cell * size(k) + (above - cuts_[k].begin() - 1);
  }
  return cell;
}

std::int64_t Grid::part(std::int64_t cell, std::array<std::int64_t, 3> n) const {
  const auto at = split(cell);
  std::int64_t part = 0;
  for (std::size_t k = 0; k < 3; ++k) {
    const double middle = (cuts_[k][at[k]] + cuts_[k][at[k] + 1]) / 2 / box_.side[static_cast<int>(k)];
    part = part * n[k] + std::min(n[k] - 1, static_cast<std::int64_t>(middle * static_cast<double>(n[k])));
  }
  return part;
}

std::int64_t Grid::tile_of_cell(std::int64_t cell) const {
  return part(cell, tiles_);
}

std::int64_t Grid::region_of_cell(std::int64_t cell) const {
  return part(cell, {per_side_, per_side_, per_side_});
}

Cells::Cells(const Grid& grid, const Sample& sample, const Present& present,
             const std::vector<std::vector<int>>& wanted_by, const mpi::Communicator& comm) {
  std::vector<Row> rows;
  {
    std::vector<std::int64_t> cell(sample.pos.size());
    std::vector<std::size_t> counts(static_cast<std::size_t>(comm.size()));
    for (std::size_t i = 0; i < cell.size(); ++i) {
      cell[i] = grid.cell_of(grid.box().wrap(sample.pos[i]));
      for (const int rank : wanted_by[static_cast<std::size_t>(cell[i])])
        ++counts[static_cast<std::size_t>(rank)];
    }
    std::vector<std::size_t> next(counts.size());
    std::exclusive_scan(counts.begin(), counts.end(), next.begin(), std::size_t{0});
    std::vector<Row> outgoing(next.back() + counts.back());
    for (std::size_t i = 0; i < cell.size(); ++i)
      for (const int rank : wanted_by[static_cast<std::size_t>(cell[i])])
        outgoing[next[static_cast<std::size_t>(rank)]++] =
            row_of(sample, present, grid.box().wrap(sample.pos[i]), i);
    rows = comm.size() == 1
               ? std::move(outgoing)
               : comm.exchange(std::span<const Row>(outgoing), std::span<const std::size_t>(counts)).data;
  }

  const auto cells = static_cast<std::size_t>(grid.cells());
  std::vector<std::int32_t> cell(rows.size());
  start_.assign(cells + 1, 0);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    cell[i] = static_cast<std::int32_t>(grid.cell_of({rows[i][col_x], rows[i][col_y], rows[i][col_z]}));
    ++start_[static_cast<std::size_t>(cell[i]) + 1];
  }
  std::partial_sum(start_.begin(), start_.end(), start_.begin());
  std::vector<std::uint32_t> order(rows.size());
  auto next = start_;
  for (std::size_t i = 0; i < rows.size(); ++i)
    order[next[static_cast<std::size_t>(cell[i])]++] = static_cast<std::uint32_t>(i);
  for (std::size_t c = 0; c < cells; ++c)
    std::sort(order.begin() + static_cast<std::ptrdiff_t>(start_[c]),
              order.begin() + static_cast<std::ptrdiff_t>(start_[c + 1]),
              [&](std::uint32_t a, std::uint32_t b) { return rows[a] < rows[b]; });

  std::array<bool, columns> kept{true, true, true, present.weight, present.ellipticity, present.ellipticity};
  for (std::size_t k = 0; k < 9; ++k) kept[col_axes + k] = present.axes[k / 3];
  for (std::size_t k = 0; k < columns; ++k) {
    if (!kept[k]) continue;
    column_[k].resize(rows.size() + padding);
    for (std::size_t i = 0; i < rows.size(); ++i) column_[k][i] = rows[order[i]][k];
  }
  constexpr double inf = std::numeric_limits<double>::infinity();
  bounds_.assign(cells, {inf, inf, -inf, -inf});
  for (std::size_t c = 0; c < cells; ++c)
    for (std::size_t i = start_[c]; i < start_[c + 1]; ++i) {
      auto& b = bounds_[c];
      const double x = column_[col_x][i], y = column_[col_y][i];
      b = {std::min(b[0], x), std::min(b[1], y), std::max(b[2], x), std::max(b[3], y)};
    }
}

CellRows Cells::rows(std::int64_t cell) const {
  const auto c = static_cast<std::size_t>(cell);
  CellRows rows{};
  for (std::size_t k = 0; k < columns; ++k)
    rows.column[k] = column_[k].empty() ? nullptr : column_[k].data() + start_[c];
  rows.count = static_cast<std::int64_t>(start_[c + 1] - start_[c]);
  for (std::size_t k = 0; k < 2; ++k) {
    rows.low[k] = bounds_[c][k];
    rows.high[k] = bounds_[c][k + 2];
  }
  return rows;
}

Present check_sample(const Sample& sample, const char* what, const mpi::Communicator& comm) {
  Present present;
  present.weight = comm.max<int>(!sample.weight.empty()) > 0;
  present.ellipticity = comm.max<int>(!sample.ellipticity.empty()) > 0;
  for (std::size_t a = 0; a < 3; ++a) present.axes[a] = comm.max<int>(!sample.axes[a].empty()) > 0;
  mpi::agree(comm, [&] {
    check_size(sample, sample.weight.size(), present.weight, "weight", what);
    check_size(sample, sample.ellipticity.size(), present.ellipticity, "ellipticity", what);
    for (std::size_t a = 0; a < 3; ++a)
      check_size(sample, sample.axes[a].size(), present.axes[a], axis_names[a], what);
    check_values(sample, what);
  });
  const auto total = comm.sum<std::int64_t>(static_cast<std::int64_t>(sample.pos.size()));
  if (total < 2) throw data_error("stats: {}: {} galaxies; a pair takes two", what, total);
  return present;
}

}  // namespace halobrush::stats
