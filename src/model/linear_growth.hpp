// How fast structure grows.
#pragma once

#include <cmath>

#include "quadrature.hpp"

namespace halobrush::model {

/// Linear growth factor of matter at scale factor a, 1 at a = 1; matter, curvature and a cosmological constant:
/// D ~ H(a) int_0^a da' / (a' H(a'))^3 (Heath 1977). To 1e-8.
inline double linear_growth(double omega_m, double omega_l, double a) {
  const auto hubble = [&](double x) {  // in units of H_0
    return std::sqrt(omega_m / (x * x * x) + (1 - omega_m - omega_l) / (x * x) + omega_l);
  };
  const auto unnormalised = [&](double upper) {  // x = upper t^2: the integrand goes like t^4
    double sum = 0;
    for (const auto& [t, weight] : half_gauss_legendre(32)) {
      const double x = upper * t * t;
      sum += weight * 2 * upper * t / std::pow(x * hubble(x), 3);
    }
    return hubble(upper) * sum;
  };
  return unnormalised(a) / unnormalised(1);
}

}  // namespace halobrush::model
