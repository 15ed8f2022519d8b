#include "halobrush/validate/pairs.hpp"

#include <algorithm>
#include <cmath>

#include "halobrush/catalog/numbers.hpp"
#include "halobrush/core/error.hpp"
#include "halobrush/stats/statistics.hpp"

namespace halobrush::validate {
namespace {

template <class T>
std::vector<T> pick(const std::vector<T>& values, std::span<const std::size_t> rows) {
  std::vector<T> out;
  out.reserve(rows.size());
  for (const auto row : rows) out.push_back(values[row]);
  return out;
}

// Shapes that cannot be measured are left out here; the requirements on axes and NaN say so.
bool everywhere(bool here, const mpi::Communicator& comm) {
  return comm.min(static_cast<int>(here)) == 1;
}

std::vector<Vec3> unit_axes(const Galaxies& galaxies, char axis, std::span<const std::size_t> rows,
                            const mpi::Communicator& comm) {
  constexpr double tolerance = 1e-3;  // of axes stored as float
  auto axes = pick(galaxies.axes(axis), rows);
  const bool unit =
      std::ranges::all_of(axes, [](const Vec3& a) { return std::abs(a.norm() - 1) < tolerance; });
  if (!everywhere(unit, comm)) return {};
  for (auto& a : axes) a.normalize();
  return axes;
}

std::vector<std::array<double, 2>> ellipticities(const Galaxies& galaxies, std::span<const std::size_t> rows,
                                                 const mpi::Communicator& comm) {
  const auto e1 = catalog::numbers(galaxies.table, "ellipticity_1"),
             e2 = catalog::numbers(galaxies.table, "ellipticity_2");
  std::vector<std::array<double, 2>> e;
  for (const auto row : rows) e.push_back({e1[row], e2[row]});
  const bool finite =
      std::ranges::all_of(e, [](const auto& x) { return std::isfinite(x[0]) && std::isfinite(x[1]); });
  return everywhere(finite, comm) ? e : std::vector<std::array<double, 2>>{};
}

stats::Sample positions_of(const Galaxies& galaxies, std::span<const std::size_t> rows) {
  stats::Sample sample;
  sample.pos = pick(galaxies.positions(), rows);
  return sample;
}

stats::Sample shapes_of(const Galaxies& galaxies, std::span<const std::size_t> rows,
                        const mpi::Communicator& comm) {
  auto sample = positions_of(galaxies, rows);
  for (std::size_t k = 0; k < 3; ++k)
    if (galaxies.has_axis("ABC"[k])) sample.axes[k] = unit_axes(galaxies, "ABC"[k], rows, comm);
  if (galaxies.has_ellipticity()) sample.ellipticity = ellipticities(galaxies, rows, comm);
  return sample;
}

// Galaxies whose orientation is not known are neighbours only.
std::vector<stats::Statistic> measured(const Galaxies& galaxies, std::span<const std::size_t> rows,
                                       const stats::Options& options, const mpi::Communicator& comm) {
  const auto oriented = galaxies.oriented(rows);
  const auto shapes = shapes_of(galaxies, oriented, comm);
  if (everywhere(oriented.size() == rows.size(), comm))
    return stats::measure(galaxies.box(), shapes, options, comm);
  return stats::measure(galaxies.box(), shapes, positions_of(galaxies, rows), options, comm);
}

stats::LogBins bins_of(const config::Stats::Bins& bins) {
  return {bins.min, bins.max, static_cast<int>(bins.bins)};
}

Statistic statistic_of(const stats::Statistic& s, const Selection& selection) {
  Statistic out;
  out.name = s.name, out.selection = selection.name(), out.cut = selection.text();
  out.edges = s.edges, out.value = s.value, out.error = s.error;
  out.error.resize(s.value.size(), unknown);
  out.pairs.assign(s.pairs.begin(), s.pairs.end());
  if (s.projected()) out.pi_max = s.pi_max;
  out.covariance = s.covariance;
  const auto bins = s.value.size();
  for (std::size_t first = 0; first + bins <= s.leave_one_out.size(); first += bins)
    out.leave_one_out.emplace_back(s.leave_one_out.begin() + static_cast<std::ptrdiff_t>(first),
                                   s.leave_one_out.begin() + static_cast<std::ptrdiff_t>(first + bins));
  return out;
}

}  // namespace

void check_bins(const config::Stats& stats, const Galaxies& galaxies) {
  const double half = galaxies.box().side.minCoeff() / 2;
  const auto check = [&](const char* key, const config::Stats::Bins& bins) {
    if (bins.max <= bins.min)
      throw config_error("stats.{0}.max: {1:g} is not above stats.{0}.min ({2:g}); give a range", key,
                         bins.max, bins.min);
    if (bins.max > half)
      throw config_error(
          "stats.{0}.max: {1:g} Mpc/h is beyond half the box of {2} ({3:g} Mpc/h), where periodic images "
          "would be "
          "counted twice; set stats.{0}.max to {3:g} or less",
          key, bins.max, galaxies.path, half);
  };
  check("r", stats.r);
  check("rp", stats.rp);
  if (stats.pi_max > galaxies.box().side[2] / 2)
    throw config_error(
        "stats.pi_max: {:g} Mpc/h is beyond half the box of {} along z ({:g} Mpc/h); set it lower",
        stats.pi_max, galaxies.path, galaxies.box().side[2] / 2);
}

std::vector<Statistic> pair_statistics(const Galaxies& galaxies, std::span<const std::size_t> rows,
                                       const Selection& selection, const config::Stats& how,
                                       const mpi::Communicator& comm, const std::vector<std::string>& only) {
  stats::Options options;
  options.r = bins_of(how.r), options.rp = bins_of(how.rp);
  options.pi_max = how.pi_max;
  options.jackknife = static_cast<int>(how.jackknife);
  options.only = only;
  std::vector<Statistic> out;
  for (const auto& s : measured(galaxies, rows, options, comm)) out.push_back(statistic_of(s, selection));
  return out;
}

}  // namespace halobrush::validate
