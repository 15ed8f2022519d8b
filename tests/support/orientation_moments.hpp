// Averages over orientation laws by brute force.
#pragma once

#include <Eigen/Geometry>
#include <array>
#include <cmath>
#include <numbers>

#include "halobrush/model/orientation_law.hpp"

namespace halobrush::test {

// Averages over SO(3) by brute force, with no use of the law's structure: a from Gauss-Legendre panels in z
// and a ring in azimuth, c from a ring about a.
struct Moments {
  double log_norm = 0;
  std::array<double, 5> mean{}, square{};
};
/// (a.u)^2, (c.w)^2, and their products.
inline std::array<double, 5> observables(const model::OrientationLaw& l, const Vec3& a, const Vec3& c) {
  const double au = std::pow(a.dot(l.u), 2), cw = std::pow(c.dot(l.w), 2);
  return {au, cw, au * cw, au * au, cw * cw};
}
inline Moments brute_force(const model::OrientationLaw& l, int panels = 16, int ring = 80) {
  constexpr std::array node = {0.,
                               0.4058451513773972,
                               -0.4058451513773972,
                               0.7415311855993945,
                               -0.7415311855993945,
                               0.9491079123427585,
                               -0.9491079123427585};
  constexpr std::array weight = {0.4179591836734694, 0.3818300505051189, 0.3818300505051189,
                                 0.2797053914892766, 0.2797053914892766, 0.1294849661688697,
                                 0.1294849661688697};
  Moments m;
  double sum = 0;
  for (int p = 0; p < panels; ++p)
    for (std::size_t g = 0; g < node.size(); ++g)
      for (int i = 0; i < ring; ++i) {
        const double z = -1 + (2 * p + 1 + node[g]) / panels, r = std::sqrt(1 - z * z),
                     phi = 2 * std::numbers::pi * i / ring;
        const Vec3 a(r * std::cos(phi), r * std::sin(phi), z);
        const Vec3 e = a.unitOrthogonal(), f = a.cross(e);
        for (int j = 0; j < ring / 2; ++j) {  // c and -c count the same
          const double psi = 2 * std::numbers::pi * j / ring;
          const Vec3 c = std::cos(psi) * e + std::sin(psi) * f;
          const auto x = observables(l, a, c);
          const double p_here =
              weight[g] * std::exp(l.kappa_a * x[0] + l.kappa_c * x[1] + a.dot(l.also * a)) / (panels * ring * ring);
          sum += p_here;
          for (std::size_t k = 0; k < x.size(); ++k) {
            m.mean[k] += p_here * x[k];
            m.square[k] += p_here * x[k] * x[k];
          }
        }
      }
  for (auto& x : m.mean) x /= sum;
  for (auto& x : m.square) x /= sum;
  m.log_norm = std::log(sum);
  return m;
}

}  // namespace halobrush::test
