// The projection of an ellipsoid on the sky, against other ways to get it.
#include "halobrush/so3/ellipsoid.hpp"

#include <gtest/gtest.h>

#include <Eigen/LU>
#include <algorithm>
#include <cmath>

#include "halobrush/so3/rotation.hpp"

namespace halobrush::so3 {
namespace {

Mat3 random_frame(std::int64_t k) {
  RandomStream random(3, k, Purpose::test);
  return uniform_rotation(random);
}

TEST(ProjectedEllipticity, OfAnEllipsoidSeenAlongAnAxisIsThatOfTheOtherTwo) {
  const double b = 0.7, c = 0.4;
  const auto along_minor =
      projected_ellipticity(Mat3::Identity(), b, c);  // major axis along x, seen along the minor one
  EXPECT_NEAR(along_minor[0], (1 - b) / (1 + b), 1e-15);
  EXPECT_NEAR(along_minor[1], 0, 1e-15);
  const Mat3 quarter =
      exp(Vec3(0, 0, std::acos(-1.0) / 4));  // major axis at 45 degrees: all in the second component
  EXPECT_NEAR(projected_ellipticity(quarter, b, c)[1], (1 - b) / (1 + b), 1e-15);
  const Mat3 frame = exp(Vec3(0, std::acos(-1.0) / 2, 0));  // the major axis points at the observer
  const auto seen = projected_ellipticity(frame, b, c);
  EXPECT_NEAR(std::hypot(seen[0], seen[1]), (1 - c / b) / (1 + c / b), 1e-15);
}

// W^-1 = S_perp - s s^T / S_par with S = M^-1 (Joachimi et al. 2013): the silhouette, not the cross-section.
TEST(ProjectedEllipticity, AgreesWithTheFormThroughTheInverse) {
  for (std::int64_t k = 0; k < 200; ++k) {
    const Mat3 frame = random_frame(k);
    const double b = 0.3 + 0.003 * static_cast<double>(k), c = 0.6 * b;
    const Mat3 s = (frame * Vec3(1, b * b, c * c).asDiagonal() * frame.transpose()).inverse();
    const Eigen::Matrix2d w =
        (s.topLeftCorner<2, 2>() - s.topRightCorner<2, 1>() * s.bottomLeftCorner<1, 2>() / s(2, 2)).inverse();
    const double norm = w(0, 0) + w(1, 1) + 2 * std::sqrt(w.determinant());
    const auto e = projected_ellipticity(frame, b, c);
    EXPECT_NEAR(e[0], (w(0, 0) - w(1, 1)) / norm, 1e-12);
    EXPECT_NEAR(e[1], 2 * w(0, 1) / norm, 1e-12);
  }
}

TEST(ProjectedEllipticity, DoesNotDependOnTheSignsOfTheAxes) {
  const Mat3 frame = random_frame(1);
  for (const auto& d : ellipsoid_symmetry()) {
    const auto e = projected_ellipticity(frame * d, 0.8, 0.5), f = projected_ellipticity(frame, 0.8, 0.5);
    EXPECT_NEAR(e[0], f[0], 1e-15);
    EXPECT_NEAR(e[1], f[1], 1e-15);
  }
}

// The silhouette of many points of the surface, traced directly.
TEST(ProjectedEllipticity, IsThatOfTheSilhouette) {
  const Mat3 frame = random_frame(5);
  const double b = 0.75, c = 0.35;
  double longest = 0, shortest = 1;
  for (int k = 0; k < 20000; ++k) {
    const double t = std::acos(-1.0) * k / 20000;
    // How far the ellipsoid reaches along a direction of the sky: its support function.
    const Vec3 direction(std::cos(t), std::sin(t), 0);
    const Vec3 p = frame.transpose() * direction;
    const double reach = std::sqrt(p[0] * p[0] + b * b * p[1] * p[1] + c * c * p[2] * p[2]);
    longest = std::max(longest, reach), shortest = std::min(shortest, reach);
  }
  const auto e = projected_ellipticity(frame, b, c);
  EXPECT_NEAR(std::hypot(e[0], e[1]), (longest - shortest) / (longest + shortest), 1e-7);
}

}  // namespace
}  // namespace halobrush::so3
