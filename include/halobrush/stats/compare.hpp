// How far a measurement is from another one, or from zero.
#pragma once

#include <cstddef>
#include <span>

#include "halobrush/stats/statistics.hpp"

namespace halobrush::stats {

struct Comparison {
  double chi2 = 0;     ///< with the Hartlap factor
  int dof = 0;         ///< bins used: those where value and error are finite and the error is above zero
  double p_value = 1;  ///< of a larger one by chance
};

/// chi^2 = h d^T C^-1 d with d = value - reference, over the bins used; h = (n-p-2)/(n-1) makes the inverse
/// of a covariance from n jackknife regions unbiased for p bins (Hartlap et al. 2007, eq. 17). The p-value is
/// not that of chi^2: with C estimated, d^T C^-1 d (n-p)/(p(n-1)) follows F(p, n-p) (Hotelling's T^2;
/// Sellentin & Heavens 2016). `reference` [bins] may be empty: zero. `covariance` [bins,bins] may be of the
/// difference, e.g. the sum of two. Throws data_error when the covariance is singular, config_error when n <
/// p + 3: fewer bins or more regions.
Comparison compare(std::span<const double> value, std::span<const double> reference,
                   std::span<const double> covariance, std::int64_t regions);

/// A statistic against a reference of the same bins; covariances are added where both have one.
Comparison compare(const Statistic& measured, const Statistic& reference);
/// Against zero.
Comparison compare_with_zero(const Statistic& measured);

}  // namespace halobrush::stats
