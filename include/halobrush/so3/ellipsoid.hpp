// An ellipsoid seen on the sky.
#pragma once

#include <array>
#include <cmath>

#include "halobrush/core/geometry.hpp"

namespace halobrush::so3 {

/// Ellipticity (eps_1, eps_2) of the projection along z of a triaxial ellipsoid of axes 1 : b_to_a : c_to_a
/// whose directions are the columns of `frame`: eps = (W00 - W11 + 2i W01) / (W00 + W11 + 2 sqrt(det W)), W
/// the (x, y) block of V diag(a^2, b^2, c^2) V^T (Joachimi et al. 2013, arXiv:1203.6833); |eps| = (1 - q) /
/// (1 + q), eps_1 > 0 along x.
inline std::array<double, 2> projected_ellipticity(const Mat3& frame, double b_to_a, double c_to_a) {
  const Vec3 squares(1, b_to_a * b_to_a, c_to_a * c_to_a);
  const Mat3 m = frame * squares.asDiagonal() * frame.transpose();
  const double determinant = m(0, 0) * m(1, 1) - m(0, 1) * m(0, 1);
  const double norm = m(0, 0) + m(1, 1) + 2 * std::sqrt(determinant > 0 ? determinant : 0);
  return {(m(0, 0) - m(1, 1)) / norm, 2 * m(0, 1) / norm};
}

}  // namespace halobrush::so3
