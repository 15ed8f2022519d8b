// Sums over all pairs of two samples, in total and for each jackknife sub-box, in one pass.
#pragma once

#include <vector>

#include "cells.hpp"

namespace halobrush::stats {

struct PairSums {
  std::vector<double> radial, sky;                    ///< [bins][radial_sums], [bins][sky_sums]
  std::vector<std::int64_t> radial_pairs, sky_pairs;  ///< [bins]
};

struct PassSums {
  PairSums total;
  /// [regions] of the pairs with a member in this sub-box, each once; leave-one-out is total - touching.
  /// Empty for one region.
  std::vector<PairSums> touching;
};

/// Galaxies of each sub-box.
struct Moments {
  double count = 0, weight = 0, weight_squared = 0;
};

/// @collective
std::int64_t total_rows(const std::vector<const Sample*>& samples, const mpi::Communicator& comm);

/// Which rank works on a tile.
using Shares = std::vector<int>;

/// @collective Equal work, judged from the number of candidates, the same on every rank.
Shares share_out(const Grid& grid, const std::vector<const Sample*>& samples, const mpi::Communicator& comm);

/// [cell] The ranks that need it: its tile's, and those of the cells it is a neighbour of (`upper` as in
/// Grid).
std::vector<std::vector<int>> needed_by(const Grid& grid, const Shares& shares, bool upper);

/// Squared edges and reach, kept alive for the kernels.
class Bins {
 public:
  Bins(const std::vector<double>& r_edges, const std::vector<double>& rp_edges, double pi_max);
  const PairBins& view() const { return view_; }
  Reach reach() const;
  Bins(const Bins&) = delete;
  Bins& operator=(const Bins&) = delete;

 private:
  std::vector<double> r_squared_, rp_squared_;
  PairBins view_;
};

/// @collective `same`: first and second are one sample; then each unordered pair counts once.
PassSums sum_pairs(const Grid& grid, const Cells& first, const Cells& second, bool same, const Bins& bins,
                   const Wanted& wanted, const Shares& shares, const mpi::Communicator& comm);

/// @collective [regions]
std::vector<Moments> moments(const Grid& grid, const Cells& cells, const Shares& shares,
                             const mpi::Communicator& comm);

/// Work on one cell and one of its neighbours.
template <class Work>
void for_cell_pairs(const Grid& grid, const std::vector<std::int64_t>& cells, const Cells& first,
                    const Cells& second, bool same, Work&& work) {
  for (const auto cell : cells) {
    CellPair pair{};
    pair.first = first.rows(cell);
    if (pair.first.count == 0) continue;
    grid.for_neighbours(cell, same, [&](std::int64_t other, const Vec3& shift) {
      pair.second = second.rows(other);
      if (pair.second.count == 0) return;
      for (int k = 0; k < 3; ++k) pair.shift[k] = shift[k];
      pair.same = same && other == cell && shift.isZero(0);
      work(pair, cell, other);
    });
  }
}

/// [tiles] the cells of each tile of this rank; no cells for the others'.
std::vector<std::vector<std::int64_t>> own_cells(const Grid& grid, const Shares& shares, int rank);

/// @collective Adds the vectors of all tiles in the order of tiles, whoever holds them: the bits do not
/// depend on ranks.
std::vector<double> add_in_order(std::vector<std::vector<double>> of_tile, std::size_t size,
                                 const Shares& shares, const mpi::Communicator& comm);

}  // namespace halobrush::stats
