#include "halobrush/stats/compare.hpp"

#include <Eigen/Cholesky>
#include <cmath>
#include <unsupported/Eigen/SpecialFunctions>
#include <vector>

#include "halobrush/core/error.hpp"

namespace halobrush::stats {
namespace {

// P(F(p, n) > x)
double f_survival(double x, double p, double n) {
  return Eigen::numext::betainc(n / 2, p / 2, n / (n + p * x));
}

std::vector<Eigen::Index> usable(std::span<const double> value, std::span<const double> reference,
                                 std::span<const double> covariance) {
  std::vector<Eigen::Index> bins;
  for (std::size_t b = 0; b < value.size(); ++b) {
    const double variance = covariance[b * value.size() + b];
    if (std::isfinite(value[b]) && (reference.empty() || std::isfinite(reference[b])) &&
        std::isfinite(variance) && variance > 0)
      bins.push_back(static_cast<Eigen::Index>(b));
  }
  return bins;
}

void check_bins(const Statistic& a, const Statistic& b) {
  bool same = a.edges.size() == b.edges.size() && std::abs(a.pi_max - b.pi_max) <= 1e-6 * std::abs(a.pi_max);
  for (std::size_t i = 0; same && i < a.edges.size(); ++i)
    same = std::abs(a.edges[i] - b.edges[i]) <= 1e-6 * a.edges[i];
  if (!same)
    throw data_error(
        "stats: {}: bins differ from the reference's; measure both with the same r, rp and pi_max", a.name);
}

}  // namespace

Comparison compare(std::span<const double> value, std::span<const double> reference,
                   std::span<const double> covariance, std::int64_t regions) {
  if (covariance.size() != value.size() * value.size() ||
      (!reference.empty() && reference.size() != value.size()))
    throw data_error("stats: a comparison of {} bins needs as many reference values and a covariance [{},{}]",
                     value.size(), value.size(), value.size());
  const auto bins = usable(value, reference, covariance);
  Comparison out;
  out.dof = static_cast<int>(bins.size());
  if (bins.empty()) return out;
  const double n = static_cast<double>(regions), p = static_cast<double>(bins.size());
  if (n < p + 3)
    throw config_error(
        "stats: {} bins with a covariance from {} jackknife sub-boxes (it takes {} for so many bins); use "
        "fewer bins or a "
        "larger stats.jackknife",
        bins.size(), regions, bins.size() + 3);
  // In units of the errors: the matrix to invert has ones on its diagonal.
  Eigen::MatrixXd correlation(out.dof, out.dof);
  Eigen::VectorXd difference(out.dof);
  const auto at = [&](Eigen::Index a, Eigen::Index b) {
    return covariance[static_cast<std::size_t>(a) * value.size() + static_cast<std::size_t>(b)];
  };
  for (Eigen::Index i = 0; i < out.dof; ++i) {
    const auto a = bins[static_cast<std::size_t>(i)], k = a;
    const auto bin = static_cast<std::size_t>(a);
    difference[i] = (value[bin] - (reference.empty() ? 0 : reference[bin])) / std::sqrt(at(k, k));
    for (Eigen::Index j = 0; j < out.dof; ++j) {
      const auto b = bins[static_cast<std::size_t>(j)];
      correlation(i, j) = at(a, b) / std::sqrt(at(a, a) * at(b, b));
    }
  }
  const Eigen::LDLT<Eigen::MatrixXd> factors(correlation);
  if (factors.info() != Eigen::Success || !(factors.vectorD().minCoeff() > 1e-12))
    throw data_error("stats: the jackknife covariance of {} bins is singular; use fewer bins", bins.size());
  const double t2 = difference.dot(factors.solve(difference));
  out.chi2 = t2 * (n - p - 2) / (n - 1);
  out.p_value = f_survival(t2 * (n - p) / (p * (n - 1)), p, n - p);
  return out;
}

Comparison compare(const Statistic& measured, const Statistic& reference) {
  check_bins(measured, reference);
  auto covariance = measured.covariance.empty() ? reference.covariance : measured.covariance;
  auto regions = measured.covariance.empty() ? reference.regions : measured.regions;
  if (!measured.covariance.empty() && !reference.covariance.empty()) {
    for (std::size_t i = 0; i < covariance.size(); ++i) covariance[i] += reference.covariance[i];
    regions = std::min(measured.regions, reference.regions);
  }
  if (covariance.empty())
    throw data_error("stats: {}: neither measurement has errors; set stats.jackknife to 2 or more",
                     measured.name);
  return compare(measured.value, reference.value, covariance, regions);
}

Comparison compare_with_zero(const Statistic& measured) {
  if (measured.covariance.empty())
    throw data_error("stats: {}: no errors; set stats.jackknife to 2 or more", measured.name);
  return compare(measured.value, {}, measured.covariance, measured.regions);
}

}  // namespace halobrush::stats
