#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <numeric>

#include "distributions.hpp"
#include "halobrush/core/error.hpp"
#include "halobrush/stats/compare.hpp"
#include "halobrush/validate/jackknife.hpp"
#include "halobrush/validate/lensing.hpp"
#include "halobrush/validate/requirements.hpp"

namespace halobrush::validate {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

constexpr std::size_t least_regions = 8;
constexpr double regions_per_bin = 10;  // fewer, and tails of the p-value are too heavy (docs/results/false-alarms.md)

bool same_edges(const Statistic& a, const Statistic& b) {
  return a.edges == b.edges && a.pi_max == b.pi_max && a.leave_one_out.size() == b.leave_one_out.size();
}

// Bins inside r where both sides have a value in every jackknife sample.
std::vector<std::size_t> usable_bins(const Statistic& mock, const Statistic* reference, config::Interval r) {
  const auto measured = [](const Statistic& s, std::size_t bin) {
    if (!std::isfinite(s.value[bin]) || !(s.pairs[bin] > 0)) return false;
    return std::ranges::all_of(s.leave_one_out,
                               [bin](const auto& sample) { return std::isfinite(sample[bin]); });
  };
  std::vector<std::size_t> bins;
  for (const auto bin : bins_inside(mock.edges, r))
    if (measured(mock, bin) && (reference == nullptr || measured(*reference, bin))) bins.push_back(bin);
  return bins;
}

// Neighbouring bins are averaged, weighted by pairs, until there are few enough for the jackknife:
// [groups,bins].
MatrixXd grouping(const Statistic& mock, const std::vector<std::size_t>& bins) {
  const auto regions = static_cast<double>(mock.leave_one_out.size());
  const auto n = bins.size();
  const auto groups = std::clamp<std::size_t>(static_cast<std::size_t>(regions / regions_per_bin), 1, n);
  MatrixXd weights = MatrixXd::Zero(static_cast<Index>(groups), static_cast<Index>(n));
  for (std::size_t k = 0; k < n; ++k)
    weights(static_cast<Index>(k * groups / n), static_cast<Index>(k)) = mock.pairs[bins[k]];
  return weights.array().colwise() / weights.rowwise().sum().array();
}

VectorXd difference(const std::vector<double>& mock, const std::vector<double>* reference,
                    const std::vector<std::size_t>& bins) {
  VectorXd d(static_cast<Index>(bins.size()));
  for (std::size_t k = 0; k < bins.size(); ++k)
    d[static_cast<Index>(k)] = mock[bins[k]] - (reference != nullptr ? (*reference)[bins[k]] : 0.0);
  return d;
}

// Of a difference [n] with the jackknife samples [n,regions]; none where the covariance is singular: too few
// galaxies for so many bins.
std::optional<stats::Comparison> significance(const VectorXd& d, const MatrixXd& samples) {
  if (d.isZero(0) && samples.isZero(0))  // a catalog against itself
    return stats::Comparison{0, static_cast<int>(d.size()), 1};
  const MatrixXd covariance = jackknife_covariance(samples);
  try {
    return stats::compare({d.data(), static_cast<std::size_t>(d.size())}, {},
                          {covariance.data(), static_cast<std::size_t>(covariance.size())}, samples.cols());
  } catch (const Error&) {
    return std::nullopt;
  }
}

double ks_of_counts(const std::vector<double>& a, const std::vector<double>& b) {
  const double all_a = std::reduce(a.begin(), a.end()), all_b = std::reduce(b.begin(), b.end());
  double below_a = 0, below_b = 0, largest = 0;
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    below_a += a[i] / all_a, below_b += b[i] / all_b;
    largest = std::max(largest, std::abs(below_a - below_b));
  }
  return largest;
}

double ratio_of_sums(const Statistic& mock, const Statistic& reference,
                     const std::vector<std::size_t>& bins) {
  double above = 0, below = 0;
  for (const auto bin : bins) above += mock.value[bin], below += reference.value[bin];
  return below != 0 ? above / below : unknown;
}

}  // namespace

Comparison compare(const Statistic& mock, const Statistic* reference, config::Interval r) {
  Comparison result;
  result.statistic = mock.full_name();
  if (reference != nullptr && !same_edges(mock, *reference)) return result;
  const auto bins = usable_bins(mock, reference, r);
  if (bins.empty()) return result;
  if (reference != nullptr) result.ratio = ratio_of_sums(mock, *reference, bins);
  const auto n = mock.leave_one_out.size();
  if (n < least_regions) return result;

  const MatrixXd group = grouping(mock, bins);
  const VectorXd d = group * difference(mock.value, reference != nullptr ? &reference->value : nullptr, bins);
  MatrixXd samples(d.size(), static_cast<Index>(n));
  for (std::size_t k = 0; k < n; ++k)
    samples.col(static_cast<Index>(k)) =
        group * difference(mock.leave_one_out[k],
                           reference != nullptr ? &reference->leave_one_out[k] : nullptr, bins);
  if (const auto found = significance(d, samples))
    result.chi2 = found->chi2, result.dof = found->dof, result.p_value = found->p_value;
  return result;
}

double significance_of(const Statistic& statistic, config::Interval r) {
  const auto bins = usable_bins(statistic, nullptr, r);
  const auto n = statistic.leave_one_out.size();
  if (bins.empty() || n < least_regions) return unknown;
  const MatrixXd group = grouping(statistic, bins);
  std::vector<double> inverse_r(statistic.value.size());
  for (const auto bin : bins) inverse_r[bin] = 1 / std::sqrt(statistic.edges[bin] * statistic.edges[bin + 1]);
  const VectorXd shape = group * difference(inverse_r, nullptr, bins);
  MatrixXd samples(shape.size(), static_cast<Index>(n));
  for (std::size_t k = 0; k < n; ++k)
    samples.col(static_cast<Index>(k)) = group * difference(statistic.leave_one_out[k], nullptr, bins);
  const Eigen::LDLT<MatrixXd> covariance(jackknife_covariance(samples));
  if (covariance.info() != Eigen::Success || !(covariance.vectorD().minCoeff() > 0)) return unknown;
  const VectorXd weights = hartlap_factor(samples.cols(), shape.size()) * covariance.solve(shape);
  return weights.dot(group * difference(statistic.value, nullptr, bins)) / std::sqrt(weights.dot(shape));
}

MisalignmentComparison compare(const Misalignment& mock, const Misalignment& reference) {
  MisalignmentComparison result;
  result.misalignment = mock.full_name();
  result.difference = mock.value - reference.value;
  result.ks = ks_of_counts(mock.counts, reference.counts);
  result.ks_chance = ks_allowance(mock.galaxies, reference.galaxies);
  const auto n = mock.leave_one_out.size();
  if (n < least_regions || n != reference.leave_one_out.size() ||
      std::min(mock.galaxies, reference.galaxies) < static_cast<double>(n))
    return result;
  MatrixXd samples(1, static_cast<Index>(n));
  for (std::size_t k = 0; k < n; ++k)
    samples(0, static_cast<Index>(k)) = mock.leave_one_out[k] - reference.leave_one_out[k];
  if (!samples.allFinite()) return result;
  result.error = std::sqrt(jackknife_covariance(samples)(0, 0));
  if (result.error == 0)  // e.g. a catalog against itself
    result.p_value = result.difference == 0 ? 1 : 0;
  else if (const auto found = significance(VectorXd::Constant(1, result.difference), samples))
    result.p_value = found->p_value;
  return result;
}

}  // namespace halobrush::validate
