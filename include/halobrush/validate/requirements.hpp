// From what was measured to PASS and FAIL.
#pragma once

#include <vector>

#include "halobrush/config/requirements.hpp"
#include "halobrush/validate/results.hpp"

namespace halobrush::validate {

/// Everything that requirements speak of for one reference.
struct Against {
  std::string reference;              ///< its path
  bool comparable = true;             ///< same box: statistics are compared
  std::vector<Statistic> statistics;  ///< of the reference
  std::vector<Misalignment> misalignments;
  std::vector<KsTest> ks;
  std::optional<double> two_sample_accuracy;
};

/// Difference of two statistics over the bins inside `r` in which both have pairs. The covariance is that of
/// the difference, by the jackknife over the same sub-boxes on both sides: the noise that mock and reference
/// share (positions, when both stand on one halo catalog) cancels in it. chi2 carries Hartlap's factor
/// (Hartlap et al. 2007, eq. 17); the p-value is Hotelling's, which knows that the covariance is an estimate.
/// @param reference  nullptr: zero
Comparison compare(const Statistic& mock, const Statistic* reference, config::Interval r);

/// How many errors above zero the amplitude of 1/r is, fitted to the bins inside `r` by generalised least squares with
/// the jackknife covariance and Hartlap's factor, neighbouring bins averaged as above; NaN where nothing can be fitted.
double significance_of(const Statistic& statistic, config::Interval r);

/// `compare` of the mean of cos^2, and the distance of the two distributions. No p-value for fewer galaxies than
/// there are sub-boxes.
MisalignmentComparison compare(const Misalignment& mock, const Misalignment& reference);

/// One line for each number that is required, in the order of the file.
std::vector<Requirement> judge(const config::Requirements& required, const Measurement& mock,
                               const std::vector<Against>& references);

}  // namespace halobrush::validate
