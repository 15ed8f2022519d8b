#include "pairs.hpp"

#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "halobrush/domain/ownership.hpp"
#include "halobrush/mpi/agree.hpp"

namespace halobrush::stats {
namespace {

// Sums of the pairs between two sub-boxes.
struct RegionPair {
  std::int64_t first, second;
  std::vector<double> radial, sky;
  std::vector<std::int64_t> radial_pairs, sky_pairs;

  RegionPair(std::int64_t a, std::int64_t b, const PairBins& bins)
      : first(a),
        second(b),
        radial(static_cast<std::size_t>(bins.r.bins * radial_sums * lanes)),
        sky(static_cast<std::size_t>(bins.rp.bins * sky_sums * lanes)),
        radial_pairs(static_cast<std::size_t>(bins.r.bins * lanes)),
        sky_pairs(static_cast<std::size_t>(bins.rp.bins * lanes)) {}

  LaneSums lane_sums() { return {radial.data(), radial_pairs.data(), sky.data(), sky_pairs.data()}; }
};

// Lanes are added in their order to out[at...].
template <class T, class Out>
std::size_t add_lanes(const std::vector<T>& from, std::vector<Out>& out, std::size_t at) {
  for (std::size_t i = 0; i < from.size(); i += lanes, ++at) {
    T sum{};
    for (std::size_t l = 0; l < lanes; ++l) sum += from[i + l];
    out[at] += sum;
  }
  return at;
}

// The sums of one tile as flat arrays: total, then each region's.
struct TileSums {
  std::vector<double> sums;
  std::vector<std::int64_t> pairs;
};

struct Sizes {
  std::size_t sums, pairs, parts;
  Sizes(const PairBins& bins, std::int64_t regions)
      : sums(static_cast<std::size_t>(bins.r.bins * radial_sums + bins.rp.bins * sky_sums)),
        pairs(static_cast<std::size_t>(bins.r.bins + bins.rp.bins)),
        parts(regions > 1 ? static_cast<std::size_t>(regions) + 1 : 1) {}
};

void add(const RegionPair& sums, std::size_t part, const Sizes& sizes, TileSums& out) {
  add_lanes(sums.sky, out.sums, add_lanes(sums.radial, out.sums, part * sizes.sums));
  add_lanes(sums.sky_pairs, out.pairs, add_lanes(sums.radial_pairs, out.pairs, part * sizes.pairs));
}

void sum_tile(const Grid& grid, const std::vector<std::int64_t>& cells, const Cells& first,
              const Cells& second, bool same, const PairBins& bins, const Wanted& wanted, TileSums& out) {
  const Sizes sizes(bins, grid.regions());
  std::vector<RegionPair> pairs;  // in the order in which they are met
  std::unordered_map<std::int64_t, std::size_t> index;
  for_cell_pairs(grid, cells, first, second, same,
                 [&](const CellPair& pair, std::int64_t cell, std::int64_t other) {
                   const auto a = grid.region_of_cell(cell), b = grid.region_of_cell(other);
                   const auto [at, is_new] = index.try_emplace(a * grid.regions() + b, pairs.size());
                   if (is_new) pairs.emplace_back(a, b, bins);
                   kernels().sums(pair, bins, wanted, pairs[at->second].lane_sums());
                 });
  for (const auto& pair : pairs) {
    add(pair, 0, sizes, out);
    if (sizes.parts == 1) continue;
    add(pair, static_cast<std::size_t>(pair.first) + 1, sizes, out);
    if (pair.second != pair.first) add(pair, static_cast<std::size_t>(pair.second) + 1, sizes, out);
  }
}

PairSums part_of(const TileSums& all, std::size_t part, const PairBins& bins, const Sizes& sizes) {
  const auto sums = all.sums.begin() + static_cast<std::ptrdiff_t>(part * sizes.sums);
  const auto pairs = all.pairs.begin() + static_cast<std::ptrdiff_t>(part * sizes.pairs);
  PairSums out;
  out.radial.assign(sums, sums + bins.r.bins * radial_sums);
  out.sky.assign(sums + bins.r.bins * radial_sums, sums + static_cast<std::ptrdiff_t>(sizes.sums));
  out.radial_pairs.assign(pairs, pairs + bins.r.bins);
  out.sky_pairs.assign(pairs + bins.r.bins, pairs + static_cast<std::ptrdiff_t>(sizes.pairs));
  return out;
}

std::vector<double> squares(std::vector<double> values) {
  for (auto& v : values) v *= v;
  return values;
}

Edges edges_of(const std::vector<double>& squared) {
  return {squared.data(), squared.empty() ? 0 : static_cast<int>(squared.size()) - 1};
}

}  // namespace

Bins::Bins(const std::vector<double>& r_edges, const std::vector<double>& rp_edges, double pi_max)
    : r_squared_(squares(r_edges)), rp_squared_(squares(rp_edges)) {
  view_ = {edges_of(r_squared_), edges_of(rp_squared_), r_edges.empty() ? 0 : r_edges.back(),
           rp_edges.empty() ? 0 : pi_max};
}

Reach Bins::reach() const {
  const double rp_max = rp_squared_.empty() ? 0 : std::sqrt(rp_squared_.back());
  return {std::max(rp_max, view_.r_max) * (1 + 1e-9), std::max(view_.pi_max, view_.r_max) * (1 + 1e-9)};
}

std::int64_t total_rows(const std::vector<const Sample*>& samples, const mpi::Communicator& comm) {
  std::int64_t rows = 0;
  for (const auto* sample : samples) rows += static_cast<std::int64_t>(sample->pos.size());
  return comm.sum(rows);
}

Shares share_out(const Grid& grid, const std::vector<const Sample*>& samples, const mpi::Communicator& comm) {
  std::vector<std::int64_t> count(static_cast<std::size_t>(grid.cells()));
  for (const auto* sample : samples)
    for (const auto& pos : sample->pos) ++count[static_cast<std::size_t>(grid.cell_of(grid.box().wrap(pos)))];
  comm.sum_in_place(std::span(count));
  std::vector<std::uint64_t> candidates(static_cast<std::size_t>(grid.tiles()));
  std::vector<std::int64_t> todo(candidates.size());
  for (std::size_t t = 0; t < todo.size(); ++t) todo[t] = static_cast<std::int64_t>(t);
  for (std::int64_t cell = 0; cell < grid.cells(); ++cell) {
    const auto mine = count[static_cast<std::size_t>(cell)];
    std::int64_t others = 0;
    if (mine > 0)
      grid.for_neighbours(cell, true, [&](std::int64_t other, const Vec3&) {
        others += count[static_cast<std::size_t>(other)];
      });
    candidates[static_cast<std::size_t>(grid.tile_of_cell(cell))] +=
        static_cast<std::uint64_t>(mine * others);
  }
  return domain::assign_tiles(todo, candidates, comm.size());
}

std::vector<std::vector<int>> needed_by(const Grid& grid, const Shares& shares, bool upper) {
  std::vector<std::vector<int>> ranks(static_cast<std::size_t>(grid.cells()));
  for (std::int64_t cell = 0; cell < grid.cells(); ++cell) {
    const int rank = shares[static_cast<std::size_t>(grid.tile_of_cell(cell))];
    const auto need = [&](std::int64_t other) {
      auto& list = ranks[static_cast<std::size_t>(other)];
      if (std::find(list.begin(), list.end(), rank) == list.end()) list.push_back(rank);
    };
    need(cell);
    grid.for_neighbours(cell, upper, [&](std::int64_t other, const Vec3&) { need(other); });
  }
  return ranks;
}

std::vector<std::vector<std::int64_t>> own_cells(const Grid& grid, const Shares& shares, int rank) {
  std::vector<std::vector<std::int64_t>> cells(shares.size());
  for (std::int64_t cell = 0; cell < grid.cells(); ++cell) {
    const auto tile = static_cast<std::size_t>(grid.tile_of_cell(cell));
    if (shares[tile] == rank) cells[tile].push_back(cell);
  }
  return cells;
}

std::vector<double> add_in_order(std::vector<std::vector<double>> of_tile, std::size_t size,
                                 const Shares& shares, const mpi::Communicator& comm) {
  std::vector<double> sum(size);
  for (int rank = 0; rank < comm.size(); ++rank) {
    if (rank == comm.rank())
      for (const auto& values : of_tile)
        for (std::size_t i = 0; i < values.size(); ++i) sum[i] += values[i];
    if (comm.size() > 1 && std::find(shares.begin(), shares.end(), rank) != shares.end())
      comm.broadcast(std::span<double>(sum), rank);
  }
  return sum;
}

PassSums sum_pairs(const Grid& grid, const Cells& first, const Cells& second, bool same, const Bins& bins,
                   const Wanted& wanted, const Shares& shares, const mpi::Communicator& comm) {
  const Sizes sizes(bins.view(), grid.regions());
  TileSums all{{}, std::vector<std::int64_t>(sizes.parts * sizes.pairs)};
  std::vector<std::vector<double>> of_tile(shares.size());
  mpi::agree(comm, [&] {
    const auto cells = own_cells(grid, shares, comm.rank());
    for (std::size_t tile = 0; tile < cells.size(); ++tile) {
      if (cells[tile].empty()) continue;
      TileSums sums{std::vector<double>(sizes.parts * sizes.sums), std::move(all.pairs)};
      sum_tile(grid, cells[tile], first, second, same, bins.view(), wanted, sums);
      of_tile[tile] = std::move(sums.sums);
      all.pairs = std::move(sums.pairs);
    }
  });
  comm.sum_in_place(std::span(all.pairs));
  all.sums = add_in_order(std::move(of_tile), sizes.parts * sizes.sums, shares, comm);

  PassSums out{part_of(all, 0, bins.view(), sizes), {}};
  for (std::size_t part = 1; part < sizes.parts; ++part)
    out.touching.push_back(part_of(all, part, bins.view(), sizes));
  return out;
}

std::vector<Moments> moments(const Grid& grid, const Cells& cells, const Shares& shares,
                             const mpi::Communicator& comm) {
  const auto regions = static_cast<std::size_t>(grid.regions());
  std::vector<std::vector<double>> of_tile(shares.size());
  const auto own = own_cells(grid, shares, comm.rank());
  for (std::size_t tile = 0; tile < own.size(); ++tile)
    for (const auto cell : own[tile]) {
      of_tile[tile].resize(3 * regions);
      const auto rows = cells.rows(cell);
      auto* sums = of_tile[tile].data() + 3 * grid.region_of_cell(cell);
      for (std::int64_t i = 0; i < rows.count; ++i) {
        const double w = rows.column[col_weight] ? rows.column[col_weight][i] : 1;
        sums[0] += 1;
        sums[1] += w;
        sums[2] += w * w;
      }
    }
  const auto sums = add_in_order(std::move(of_tile), 3 * regions, shares, comm);
  std::vector<Moments> out;
  for (std::size_t r = 0; r < regions; ++r) out.push_back({sums[3 * r], sums[3 * r + 1], sums[3 * r + 2]});
  return out;
}

}  // namespace halobrush::stats
