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

TEST(SkyFrame, IsSeenFromInside) {
  const auto sky = sky_frame_at({5, 0, 0});  // ra 0, dec 0: east is +y
  EXPECT_NEAR((sky.west - Vec3(0, -1, 0)).norm(), 0, 1e-15);
  EXPECT_NEAR((sky.north - Vec3(0, 0, 1)).norm(), 0, 1e-15);
  for (const Vec3& position : {Vec3(1, 2, 3), Vec3(-4, 1, -2), Vec3(0, 0, 7), Vec3(0, 0, -7)}) {
    const auto at = sky_frame_at(position);
    EXPECT_NEAR(at.west.dot(at.north), 0, 1e-15);
    EXPECT_NEAR(at.west.cross(at.outwards).dot(at.north), 1, 1e-15);
    EXPECT_NEAR(at.west[2], 0, 1e-15);
    EXPECT_GE(at.north[2], -1e-15);
  }
}

TEST(Silhouette, OfAThinDiscAlongEachAxis) {
  const auto sky = sky_frame_at({3, 0, 0});
  const double thin = 1e-7;
  Mat3 edge_on;  // major axis to the north, minor axis to the west
  edge_on << Vec3(0, 0, 1), Vec3(1, 0, 0), Vec3(0, -1, 0);
  const auto outline = silhouette(edge_on, 2 * Vec3(1, 0.9, thin), sky);
  EXPECT_NEAR(outline.alpha, 2, 1e-15);
  EXPECT_NEAR(outline.beta, 2 * thin, 1e-20);
  EXPECT_NEAR(outline.psi, std::acos(0.), 1e-15);
  Mat3 face_on;  // major axis halfway between west and north
  face_on << Vec3(0, -1, 1).normalized(), Vec3(0, 1, 1).normalized(), Vec3(-1, 0, 0);
  const auto disc = silhouette(face_on, Vec3(1, 0.5, thin), sky);
  EXPECT_NEAR(disc.alpha, 1, 1e-15);
  EXPECT_NEAR(disc.beta, 0.5, 1e-15);
  EXPECT_NEAR(disc.psi, std::acos(0.) / 2, 1e-15);
}

TEST(Silhouette, HasTheEllipticityOfTheProjection) {
  for (std::int64_t k = 0; k < 100; ++k) {
    const Mat3 frame = random_frame(k);
    const SkyFrame along_z{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}};
    const auto outline = silhouette(frame, Vec3(1, 0.7, 0.4), along_z);
    const auto e = projected_ellipticity(frame, 0.7, 0.4);
    const double q = outline.beta / outline.alpha;
    EXPECT_NEAR((1 - q) / (1 + q) * std::cos(2 * outline.psi), e[0], 1e-12);
    EXPECT_NEAR((1 - q) / (1 + q) * std::sin(2 * outline.psi), e[1], 1e-12);
    EXPECT_GT(outline.psi, -std::acos(0.));
  }
}

}  // namespace
}  // namespace halobrush::so3
