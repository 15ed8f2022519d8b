// An ellipsoid seen on the sky.
#pragma once

#include <Eigen/Geometry>
#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

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

/// Directions at a place on the sky, for an observer at the origin and the celestial pole along z.
struct SkyFrame {
  Vec3 west, north, outwards;  ///< unit
};
inline SkyFrame sky_frame_at(const Vec3& position) {
  const Vec3 outwards = position.normalized();
  const double ra = std::atan2(outwards[1], outwards[0]);
  const Vec3 west(std::sin(ra), -std::cos(ra), 0);
  return {west, west.cross(outwards), outwards};
}

/// Outline of an ellipsoid on the sky: semi-axes in the unit of its own, and the angle of the longer one from west
/// towards north, in (-pi/2, pi/2], radians (diffsky's alpha, beta, psi).
struct Silhouette {
  double alpha = 0, beta = 0, psi = 0;
};
/// `axes`: columns are the directions of semi-axes of lengths `lengths`. The squares of the outline's semi-axes are the
/// eigenvalues of the sky's block of V diag(lengths^2) V^T; their product is summed from squares, so that thin discs
/// seen edge on lose no digits.
inline Silhouette silhouette(const Mat3& axes, const Vec3& lengths, const SkyFrame& sky) {
  const Vec3 squares = lengths.cwiseAbs2();
  const Vec3 west = axes.transpose() * sky.west, north = axes.transpose() * sky.north, depth = axes.transpose() * sky.outwards;
  const double ww = squares.dot(west.cwiseAbs2()), nn = squares.dot(north.cwiseAbs2()),
               wn = squares.dot(west.cwiseProduct(north));
  const double product = squares[1] * squares[2] * depth[0] * depth[0] + squares[0] * squares[2] * depth[1] * depth[1] +
                         squares[0] * squares[1] * depth[2] * depth[2];
  const double longer = (ww + nn) / 2 + std::hypot((ww - nn) / 2, wn);
  const double alpha = std::sqrt(longer);
  const double ratio = std::min(std::sqrt(product) / longer, 1.0);
  const double psi = std::atan2(2 * wn, ww - nn) / 2;
  return {alpha, alpha * ratio, psi > -std::numbers::pi / 2 ? psi : psi + std::numbers::pi};
}

}  // namespace halobrush::so3
