#include "halobrush/so3/rotation.hpp"

#include <gtest/gtest.h>

#include <Eigen/Geometry>
#include <cmath>
#include <limits>
#include <numbers>

#include "support/statistics.hpp"

namespace halobrush {
namespace {

constexpr double pi = std::numbers::pi;

RandomStream stream(std::int64_t id) {
  return {20260101, id, Purpose::test};
}

TEST(Rotation, ExpIsTheMatrixExponential) {
  // Taylor series in long double, independent of any trigonometry.
  using Matrix = Eigen::Matrix<long double, 3, 3>;
  auto random = stream(1);
  for (double size : {0., 1e-200, 1e-12, 1e-8, 1.1e-8, 1e-4, 3e-3, 0.3, 2., pi - 1e-9, pi}) {
    const Vec3 v = size * random.unit_vector();
    Matrix k;
    k << 0, -v.z(), v.y(), v.z(), 0, -v.x(), -v.y(), v.x(), 0;
    Matrix sum = Matrix::Identity(), term = sum;
    for (int n = 1; n < 60; ++n) sum += term = term * k / n;
    const Mat3 r = so3::exp(v);
    EXPECT_LE((r - sum.cast<double>()).cwiseAbs().maxCoeff(), 1e-15) << size;
    // Off the diagonal the error is small beside the angle itself.
    EXPECT_LE(std::abs(r(1, 0) - static_cast<double>(sum(1, 0))), 1e-15 * size) << size;
  }
}

TEST(Rotation, LogUndoesExpFromZeroToPi) {
  auto random = stream(2);
  for (double size :
       {0., 1e-200, 1e-100, 1e-15, 1e-8, 1e-4, 0.1, 1., 2., 3., pi - 1e-3, pi - 1e-6, pi - 1e-9, pi - 1e-13})
    for (int i = 0; i < 200; ++i) {
      const Vec3 v = size * random.unit_vector();
      EXPECT_LE((so3::log(so3::exp(v)) - v).norm(), size < 1e-2 ? 1e-14 * size : 1e-14) << size;
      EXPECT_NEAR(so3::angle(so3::exp(v)), size, size < 1e-2 ? 1e-14 * size : 1e-14);
    }
}

TEST(Rotation, LogAtPiGivesAnAxisOfEitherSign) {
  auto random = stream(3);
  for (int i = 0; i < 200; ++i) {
    const Vec3 n = random.unit_vector(), v = so3::log(so3::exp(pi * n));
    EXPECT_NEAR(v.norm(), pi, 1e-14);
    EXPECT_NEAR(std::abs(v.dot(n)), pi, 1e-14);
  }
  for (const Mat3& d : so3::ellipsoid_symmetry())
    EXPECT_NEAR(so3::log(d).norm(), d.isIdentity() ? 0 : pi, 1e-15);
}

TEST(Rotation, SymmetryIsTheGroupOfHalfTurnsAboutTheAxes) {
  const auto& group = so3::ellipsoid_symmetry();
  EXPECT_TRUE(group[0].isIdentity(0));
  const Mat3 ellipsoid = Vec3(3, 2, 1).asDiagonal();
  for (const Mat3& a : group) {
    EXPECT_TRUE(so3::is_rotation(a, 0));
    EXPECT_EQ(a * ellipsoid * a.transpose(), ellipsoid);
    for (const Mat3& b : group) EXPECT_EQ(std::count(group.begin(), group.end(), Mat3(a * b)), 1);
  }
}

TEST(Rotation, UniformRotationsFollowHaarMeasure) {
  // False-alarm rates: 1e-4 for the Kolmogorov-Smirnov test, 1e-5 for each matrix entry.
  constexpr int n = 200000;
  auto random = stream(4);
  Mat3 mean = Mat3::Zero(), square = Mat3::Zero();
  std::vector<double> angles;
  for (int i = 0; i < n; ++i) {
    const Mat3 r = so3::uniform_rotation(random);
    ASSERT_TRUE(so3::is_rotation(r, 1e-14));
    mean += r / n;
    square += r.cwiseAbs2() / n;
    angles.push_back(so3::angle(r));
  }
  EXPECT_LT(testing_support::ks_statistic(angles, [](double w) { return (w - std::sin(w)) / pi; }),
            testing_support::ks_threshold(n, 1e-4));
  // Each entry is uniform in [-1, 1]: variance 1/3; its square has variance 4/45.
  EXPECT_LT(mean.cwiseAbs().maxCoeff(), 4.42 * std::sqrt(1. / 3 / n));
  EXPECT_LT((square.array() - 1. / 3).abs().maxCoeff(), 4.42 * std::sqrt(4. / 45 / n));
}

TEST(Rotation, OrthonormalisedIsTheNearestRotation) {
  auto random = stream(5);
  for (double size : {0., 1e-12, 1e-7, 1e-3, 0.03, 0.3, 3.})
    for (int i = 0; i < 100; ++i) {
      Mat3 noisy = so3::uniform_rotation(random);
      for (int c = 0; c < 3; ++c) noisy.col(c) += size * random.normal3();
      const Mat3 r = so3::orthonormalised(noisy);
      ASSERT_TRUE(so3::is_rotation(r, 1e-14)) << size;
      // At the rotation that maximises tr(R^T X) the matrix R^T X is symmetric, and no small turn does
      // better.
      const Mat3 s = r.transpose() * noisy;
      EXPECT_LE((s - s.transpose()).cwiseAbs().maxCoeff(), 1e-13) << size;
      const auto gain = [&](const Mat3& q) { return (q.transpose() * noisy).trace(); };
      for (int k = 0; k < 10; ++k) EXPECT_LE(gain(so3::uniform_rotation(random)), gain(r) + 1e-13);
    }
}

TEST(Rotation, FrameOfAxesTakesAnyLengthAndHandednessButNothingSkew) {
  auto random = stream(5);
  const Mat3 frame = so3::uniform_rotation(random);
  const Vec3 lengths(2, 0.01, 1e5);
  EXPECT_LT((*so3::frame_of_axes(frame * lengths.asDiagonal()) - frame).norm(), 1e-14);
  EXPECT_LT((*so3::frame_of_axes(frame * Vec3(1, 1, -1).asDiagonal()) - frame).norm(), 1e-14);
  const Mat3 digits = (frame * 1e3).array().round() / 1e3, found = *so3::frame_of_axes(digits);
  EXPECT_TRUE(so3::is_rotation(found, 1e-14));
  EXPECT_LT((found - frame).norm(), 2e-3);
  Mat3 skew = frame, nan = frame, null = frame;
  skew.col(1) += 0.02 * skew.col(0);
  nan(1, 1) = std::numeric_limits<double>::quiet_NaN();
  null.col(2).setZero();
  for (const auto& bad : {skew, nan, null}) EXPECT_FALSE(so3::frame_of_axes(bad));
}

TEST(Rotation, IsRotationRefusesReflectionsStretchesAndNaN) {
  Mat3 m = Mat3::Identity();
  EXPECT_TRUE(so3::is_rotation(m, 1e-12));
  EXPECT_FALSE(so3::is_rotation(-m, 1e-12));
  EXPECT_FALSE(so3::is_rotation(m * (1 + 1e-10), 1e-12));
  m(0, 1) = std::nan("");
  EXPECT_FALSE(so3::is_rotation(m, 1e-12));
}

}  // namespace
}  // namespace halobrush
