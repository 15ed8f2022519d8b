// The heat kernel on SO(3), Brownian convention: R_sigma = R Exp(v) with v of standard deviation sigma per
// component for small sigma (Nikolayev & Savyolova 1997; Leach et al. 2022 write eps = sigma / sqrt(2)).
//   f_sigma(w) = sum_l (2l+1) exp(-l(l+1) sigma^2 / 2) sin((l+1/2) w) / sin(w/2), a density against Haar
//   measure; the angle itself has density f_sigma(w) (1 - cos w) / pi on [0, pi].
// Closed form below sigma = 1.5, series above. sigma in [1e-3, 10].
#pragma once

#include <vector>

#include "halobrush/core/geometry.hpp"
#include "halobrush/core/random.hpp"

namespace halobrush::so3 {

double igso3_log_density(double angle, double sigma);  ///< log f_sigma
double igso3_density(double angle, double sigma);
double igso3_log_density_slope(double angle, double sigma);  ///< d log f_sigma / d angle
double igso3_angle_cdf(double angle, double sigma);  ///< integral of f (1 - cos w) / pi from 0 to angle

/// Body-frame score at `noisy` of a kernel centred at `clean`: s_k = d/dt log p(noisy Exp(t e_k)) at t = 0.
Vec3 igso3_score(const Mat3& clean, const Mat3& noisy, double sigma);

/// Draws angles by inverse CDF from one table over sigma x quantile, made once; error of the CDF below 1e-4.
class Igso3Sampler {
 public:
  Igso3Sampler(double sigma_min = 1e-3, double sigma_max = 10);
  double angle(double sigma, double quantile) const;
  /// A tangent vector v such that clean * Exp(v) is a draw.
  Vec3 tangent(double sigma, RandomStream& random) const;

 private:
  double axis_min_, axis_step_;
  std::size_t sigmas_, quantiles_;
  std::vector<double> table_;
};

}  // namespace halobrush::so3
