// The innermost loops of every instruction set that this processor has: the same bits, and the pairs there
// are.
#include "kernel.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "halobrush/core/random.hpp"

namespace halobrush::stats {
namespace {

constexpr int bins = 9;
constexpr double pi_max = 15;

// Rows of random galaxies, those beyond the last as other cells' would be.
class Cell {
 public:
  Cell(std::int64_t n, double x, std::uint64_t seed) : rows_{} {
    RandomStream random(seed, 1, Purpose::test);
    for (auto& column : columns_)
      for (std::size_t i = 0; i < static_cast<std::size_t>(n) + padding; ++i)
        column.push_back(random.uniform());
    for (std::size_t i = 0; i < columns_[0].size(); ++i) {
      columns_[col_x][i] = x + 4 * columns_[col_x][i];
      columns_[col_y][i] *= 4;
      columns_[col_z][i] *= 60;
    }
    std::sort(columns_[col_z].begin(), columns_[col_z].begin() + n);
    for (int c = 0; c < columns; ++c) rows_.column[c] = columns_[static_cast<std::size_t>(c)].data();
    rows_.count = n;
    for (int k = 0; k < 2; ++k) {
      const auto& column = columns_[k == 0 ? col_x : col_y];
      rows_.low[k] = *std::min_element(column.begin(), column.begin() + n);
      rows_.high[k] = *std::max_element(column.begin(), column.begin() + n);
    }
  }
  const CellRows& rows() const { return rows_; }

 private:
  std::array<std::vector<double>, columns> columns_;
  CellRows rows_;
};

struct Sums {
  std::vector<double> radial = std::vector<double>(bins * radial_sums * lanes),
                      sky = std::vector<double>(bins * sky_sums * lanes);
  std::vector<std::int64_t> radial_pairs = std::vector<std::int64_t>(bins * lanes),
                            sky_pairs = std::vector<std::int64_t>(bins * lanes);

  std::vector<std::int64_t> of_bins(const std::vector<std::int64_t>& of_lanes) const {
    std::vector<std::int64_t> sum(bins);
    for (std::size_t i = 0; i < of_lanes.size(); ++i) sum[i / lanes] += of_lanes[i];
    return sum;
  }
};

std::vector<double> squared_edges() {
  std::vector<double> edges;
  for (int b = 0; b <= bins; ++b) edges.push_back(0.3 * std::pow(1.6, b) * 0.3 * std::pow(1.6, b));
  return edges;
}

Sums sums_by(const Kernels& kernels, const CellPair& pair, const Wanted& wanted) {
  const auto edges = squared_edges();
  Sums sums;
  kernels.sums(pair, {{edges.data(), bins}, {edges.data(), bins}, std::sqrt(edges.back()), pi_max}, wanted,
               {sums.radial.data(), sums.radial_pairs.data(), sums.sky.data(), sums.sky_pairs.data()});
  return sums;
}

Sums by_brute_force(const CellPair& pair) {
  const auto edges = squared_edges();
  const auto bin = [&](double squared) {
    return std::upper_bound(edges.begin(), edges.end(), squared) - edges.begin() - 1;
  };
  const auto add = [&](std::vector<std::int64_t>& pairs, double squared) {
    if (const auto b = bin(squared); b >= 0 && b < bins) ++pairs[static_cast<std::size_t>(b) * lanes];
  };
  Sums sums;
  for (std::int64_t i = 0; i < pair.first.count; ++i)
    for (std::int64_t j = pair.same ? i + 1 : 0; j < pair.second.count; ++j) {
      const auto separation = [&](int column, int axis) {
        return (pair.second.column[column][j] - pair.first.column[column][i]) + pair.shift[axis];
      };
      const double dx = separation(col_x, 0), dy = separation(col_y, 1), dz = separation(col_z, 2);
      add(sums.radial_pairs, (dx * dx + dy * dy) + dz * dz);
      if (std::abs(dz) < pi_max) add(sums.sky_pairs, dx * dx + dy * dy);
    }
  return sums;
}

// One cell with itself, its neighbours near and far, an image of one; few rows and many.
std::vector<CellPair> pairs_of(const std::vector<Cell>& cells) {
  std::vector<CellPair> pairs;
  for (const auto& cell : cells) pairs.push_back({cell.rows(), cell.rows(), {0, 0, 0}, true});
  for (const auto& a : cells)
    for (const auto& b : cells)
      for (const double shift : {0.0, -7.5}) pairs.push_back({a.rows(), b.rows(), {shift, 3, 5}, false});
  return pairs;
}

std::vector<Cell> cells() {
  std::vector<Cell> all;
  for (const auto& [n, x] :
       {std::pair<int, double>{1, 0}, {7, 2}, {8, 0}, {130, 4}, {300, 0}, {300, 12}, {300, 40}})
    all.emplace_back(n, x, static_cast<std::uint64_t>(n) + static_cast<std::uint64_t>(x));
  return all;
}

const Wanted counts_only{false, false, false, false, false, false, {}};

TEST(Kernels, CountThePairsThereAre) {
  const auto all = cells();
  for (const int width : {2, 4, 8})
    for (const auto& pair : pairs_of(all)) {
      const auto& k = kernels(width);
      const auto counted = sums_by(k, pair, counts_only), brute = by_brute_force(pair);
      EXPECT_EQ(counted.of_bins(counted.radial_pairs), brute.of_bins(brute.radial_pairs)) << k.name;
      EXPECT_EQ(counted.of_bins(counted.sky_pairs), brute.of_bins(brute.sky_pairs)) << k.name;
    }
}

TEST(Kernels, SumTheSameBitsWithEveryInstructionSet) {
  const auto all = cells();
  for (const bool weighted : {false, true})
    for (const bool both : {false, true}) {
      const Wanted wanted{true, both, both, weighted, true, true, {true, false, true}};
      for (const auto& pair : pairs_of(all)) {
        const auto plain = sums_by(kernels(2), pair, wanted), brute = by_brute_force(pair);
        EXPECT_EQ(plain.of_bins(plain.radial_pairs), brute.of_bins(brute.radial_pairs));
        EXPECT_EQ(plain.of_bins(plain.sky_pairs), brute.of_bins(brute.sky_pairs));
        for (const int width : {4, 8}) {
          const auto wide = sums_by(kernels(width), pair, wanted);
          EXPECT_EQ(wide.radial, plain.radial) << kernels(width).name;
          EXPECT_EQ(wide.sky, plain.sky) << kernels(width).name;
          EXPECT_EQ(wide.radial_pairs, plain.radial_pairs) << kernels(width).name;
          EXPECT_EQ(wide.sky_pairs, plain.sky_pairs) << kernels(width).name;
        }
      }
    }
}

}  // namespace
}  // namespace halobrush::stats
