// The covariance of jackknife samples.
#pragma once

#include <Eigen/Dense>

namespace halobrush::validate {

/// Of the samples in the columns: (n-1)/n sum_k (x_k - mean)(x_k - mean)^T (Norberg et al. 2009).
inline Eigen::MatrixXd jackknife_covariance(const Eigen::MatrixXd& samples) {
  const auto n = static_cast<double>(samples.cols());
  const Eigen::MatrixXd centred = samples.colwise() - samples.rowwise().mean();
  return (n - 1) / n * centred * centred.transpose();
}

/// The factor of the inverse of a covariance of p numbers from n samples (Hartlap et al. 2007, eq. 17).
inline double hartlap_factor(Eigen::Index n, Eigen::Index p) {
  return static_cast<double>(n - p - 2) / static_cast<double>(n - 1);
}

}  // namespace halobrush::validate
