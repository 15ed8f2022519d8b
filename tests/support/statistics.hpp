// Statistical checks with a stated false-alarm rate.
#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

namespace halobrush::testing_support {

/// Kolmogorov-Smirnov distance of a sample from a distribution.
template <class Cdf>
double ks_statistic(std::vector<double> sample, const Cdf& cdf) {
  std::sort(sample.begin(), sample.end());
  const double n = static_cast<double>(sample.size());
  double largest = 0;
  for (std::size_t i = 0; i < sample.size(); ++i) {
    const double p = cdf(sample[i]), rank = static_cast<double>(i);
    largest = std::max({largest, p - rank / n, (rank + 1) / n - p});
  }
  return largest;
}

/// Exceeded with this probability by a sample of the right distribution (asymptotic form, n large).
inline double ks_threshold(double n, double false_alarm) {
  return std::sqrt(0.5 * std::log(2 / false_alarm) / n);
}

}  // namespace halobrush::testing_support
