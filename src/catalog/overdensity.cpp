#include "overdensity.hpp"

#include <cmath>
#include <numbers>

namespace halobrush::catalog {

constexpr double critical_density = 2.7754e11;  // today, h^2 Msun / Mpc^3

double radius_200c(double mass_msun_h, const Simulation& s) {
  const double a = s.scale_factor, omega_k = 1 - s.omega_m - s.omega_l;
  const double e2 = s.omega_m / (a * a * a) + omega_k / (a * a) + s.omega_l;
  return std::cbrt(3 * mass_msun_h / (800 * std::numbers::pi * critical_density * e2)) / a;
}

}  // namespace halobrush::catalog
