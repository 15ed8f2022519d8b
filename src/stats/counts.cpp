#include <algorithm>
#include <optional>

#include "checks.hpp"
#include "halobrush/core/error.hpp"
#include "halobrush/mpi/agree.hpp"
#include "halobrush/stats/statistics.hpp"
#include "pairs.hpp"
#include "random_pairs.hpp"

namespace halobrush::stats {
namespace {

constexpr std::uint64_t flush_at = 1U << 31U;  // below what one 32-bit count can hold

Present without_shapes(bool weight) {
  Present present;
  present.weight = weight;
  return present;
}

// Histograms of the tiles of this rank. The 32-bit counts of the kernel are emptied into `pairs` in time.
class SkySums {
 public:
  SkySums(const SkyBins& bins, bool shapes)
      : rp_bins_(static_cast<std::size_t>(bins.rp_edges.size()) - 1),
        pi_bins_(static_cast<std::size_t>(bins.pi_bins)),
        pairs(rp_bins_ * pi_bins_),
        counts_(static_cast<std::size_t>(SkyHistogram::copies) * (rp_bins_ + 2) * pi_bins_),
        plus_(shapes ? (rp_bins_ + 2) * pi_bins_ : 0) {}

  SkyHistogram view() {
    return {counts_.data(), plus_.empty() ? nullptr : plus_.data(), static_cast<int>(pi_bins_)};
  }
  void expect(std::uint64_t candidates) {
    if (since_flush_ + candidates >= flush_at) flush();
    since_flush_ += candidates;
  }
  void flush() {
    constexpr auto copies = static_cast<std::size_t>(SkyHistogram::copies);
    for (std::size_t i = 0; i < pairs.size(); ++i)
      for (std::size_t c = 0; c < copies; ++c) pairs[i] += counts_[copies * (i + pi_bins_) + c];
    std::fill(counts_.begin(), counts_.end(), 0);
    since_flush_ = 0;
  }
  std::vector<double> take_plus() {
    std::vector<double> inner(plus_.begin() + static_cast<std::ptrdiff_t>(pi_bins_),
                              plus_.end() - static_cast<std::ptrdiff_t>(pi_bins_));
    std::fill(plus_.begin(), plus_.end(), 0);
    return inner;
  }

 private:
  std::size_t rp_bins_, pi_bins_;

 public:
  std::vector<std::int64_t> pairs;  // [rp][pi]

 private:
  std::vector<std::uint32_t> counts_;
  std::vector<double> plus_;
  std::uint64_t since_flush_ = 0;
};

struct SkyResult {
  std::vector<std::int64_t> pairs;
  std::vector<double> plus;
};

SkyResult sum_sky(const Grid& grid, const Cells& first, const Cells& second, bool same, const Bins& edges,
                  const SkyBins& bins, const Wanted& wanted, const Shares& shares,
                  const mpi::Communicator& comm) {
  SkySums sums(bins, wanted.first);
  std::vector<std::vector<double>> of_tile(shares.size());
  mpi::agree(comm, [&] {
    const auto cells = own_cells(grid, shares, comm.rank());
    for (std::size_t tile = 0; tile < cells.size(); ++tile) {
      for_cell_pairs(grid, cells[tile], first, second, same,
                     [&](const CellPair& pair, std::int64_t, std::int64_t) {
                       sums.expect(static_cast<std::uint64_t>(pair.first.count) *
                                   static_cast<std::uint64_t>(pair.second.count));
                       kernels().histogram(pair, edges.view().rp, bins.pi_max, wanted, sums.view());
                     });
      if (wanted.first && !cells[tile].empty()) of_tile[tile] = sums.take_plus();
    }
    sums.flush();
  });
  comm.sum_in_place(std::span(sums.pairs));
  SkyResult out{std::move(sums.pairs), {}};
  if (wanted.first) out.plus = add_in_order(std::move(of_tile), out.pairs.size(), shares, comm);
  return out;
}

void check_sky_bins(const domain::Box& box, const SkyBins& bins) {
  check_box(box);
  check_sky(box, bins.rp_edges, bins.pi_max);
  if (bins.pi_bins < 1) throw config_error("stats.pi_bins: {} (must be at least 1)", bins.pi_bins);
}

}  // namespace

std::vector<std::int64_t> count_pairs(const domain::Box& box, const Sample& sample,
                                      const std::vector<double>& r_edges, const mpi::Communicator& comm) {
  check_box(box);
  check_radial(box, r_edges);
  check_sample(sample, "galaxies", comm);
  const Bins bins(r_edges, {}, 0);
  const Grid grid(box, bins.reach(), total_rows({&sample}, comm), 1, {});
  const auto shares = share_out(grid, {&sample}, comm);
  const Cells cells(grid, sample, without_shapes(false), needed_by(grid, shares, true), comm);
  auto pairs = sum_pairs(grid, cells, cells, true, bins, {}, shares, comm).total.radial_pairs;
  for (auto& n : pairs) n *= 2;
  return pairs;
}

std::vector<std::int64_t> count_pairs(const domain::Box& box, const Sample& sample, const SkyBins& bins,
                                      const mpi::Communicator& comm) {
  check_sky_bins(box, bins);
  check_sample(sample, "galaxies", comm);
  const Bins edges({}, bins.rp_edges, bins.pi_max);
  const Grid grid(box, edges.reach(), total_rows({&sample}, comm), 1, bins.tiles);
  const auto shares = share_out(grid, {&sample}, comm);
  const Cells cells(grid, sample, without_shapes(false), needed_by(grid, shares, true), comm);
  auto pairs = sum_sky(grid, cells, cells, true, edges, bins, {}, shares, comm).pairs;
  for (auto& n : pairs) n *= 2;
  return pairs;
}

std::vector<double> xi_gplus(const domain::Box& box, const Sample& shapes, const Sample& density,
                             const SkyBins& bins, const mpi::Communicator& comm) {
  check_sky_bins(box, bins);
  const bool same = &shapes == &density;
  const auto shape_columns = check_sample(shapes, "shape sample", comm),
             density_columns = check_sample(density, "density sample", comm);
  if (!shape_columns.ellipticity) throw data_error("stats: shape sample: no ellipticities; xi_g+ needs them");
  const bool weighted = shape_columns.weight || density_columns.weight;
  const Bins edges({}, bins.rp_edges, bins.pi_max);
  const Grid grid(box, edges.reach(), total_rows({&shapes}, comm), 1, bins.tiles);
  const auto shares = share_out(grid, {&shapes, &density}, comm);
  auto shapes_kept = without_shapes(weighted);
  shapes_kept.ellipticity = true;
  const Cells first(grid, shapes, shapes_kept, needed_by(grid, shares, true), comm);
  std::optional<Cells> other;
  if (!same) other.emplace(grid, density, without_shapes(weighted), needed_by(grid, shares, false), comm);
  const Cells& second = same ? first : *other;
  const Wanted wanted{true, same, false, weighted, true, false, {}};
  auto xi = sum_sky(grid, first, second, same, edges, bins, wanted, shares, comm).plus;

  const auto s = moments(grid, first, shares, comm)[0], d = moments(grid, second, shares, comm)[0];
  const double pairs = s.weight * d.weight - (same ? s.weight_squared : 0);
  const auto fraction = sky_pair_fraction(box, bins.rp_edges, bins.pi_max, 0);
  const auto pi_bins = static_cast<std::size_t>(bins.pi_bins);
  for (std::size_t i = 0; i < xi.size(); ++i)
    xi[i] /= pairs * fraction[i / pi_bins] / static_cast<double>(pi_bins);
  return xi;
}

}  // namespace halobrush::stats
