#include "halobrush/model/orientation_law.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "halobrush/core/error.hpp"
#include "halobrush/so3/rotation.hpp"
#include "support/orientation_moments.hpp"

namespace halobrush {
namespace {

using model::OrientationLaw;
using test::brute_force, test::Moments, test::observables;

constexpr double pi = std::numbers::pi;
constexpr double z_limit = 4.5;  // false-alarm rate 7e-6 for each comparison

RandomStream stream(std::int64_t id) {
  return {20260103, id, Purpose::test};
}

Vec3 tilted(double degrees) {
  return {std::sin(degrees * pi / 180), 0, std::cos(degrees * pi / 180)};
}

// u and w at an angle, in no special position.
OrientationLaw law(double kappa_a, double kappa_c, double degrees) {
  auto random = stream(1);
  const Mat3 turn = so3::uniform_rotation(random);
  return {turn * tilted(0), turn * tilted(degrees), kappa_a, kappa_c};
}

// More than one thing pulls at the major axis: any symmetric matrix.
OrientationLaw pulled(double kappa_a, double kappa_c, double degrees, const Vec3& eigenvalues) {
  auto l = law(kappa_a, kappa_c, degrees);
  auto random = stream(6);
  const Mat3 turn = so3::uniform_rotation(random);
  l.also = turn * eigenvalues.asDiagonal() * turn.transpose();
  return l;
}

std::vector<OrientationLaw> laws() {
  return {pulled(0, 0, 30, {4, 1, 0}), pulled(2, 3, 60, {5, -2, 0}), pulled(3, -4, 20, {-3, -1, 2}), pulled(0, 40, 45, {20, 10, 0}),
          law(0, 0, 30),    law(3, 1.5, 90), law(1, 2.5, 50), law(6, 4, 0),    law(50, 50, 0),
          law(50, 50, 60),  law(50, 49, 90), law(-4, 3, 30),  law(2, -6, 70),  law(-3, -3, 20),
          law(0, 30, 45),   law(30, 0, 45),  law(-50, 0, 10), law(0, -50, 10), law(-40, 45, 80),
          law(1e-9, 0, 45), law(8, 1e-9, 45)};
}

TEST(OrientationLaw, NormalisationIsExact) {
  for (const auto& l : laws())
    EXPECT_NEAR(l.log_normalisation(), brute_force(l, 40, 128).log_norm, 1e-10)
        << l.kappa_a << " " << l.kappa_c;
  EXPECT_NEAR(law(0, 0, 10).log_normalisation(), 0, 1e-14);
  // One axis alone, concentrated: integral of exp(k t^2) over (0, 1) -> exp(k) / (2k) (1 + 1/(2k) + 3/(4k^2)
  // + 15/(8k^3)).
  const double k = 4000;
  const double expected =
      k - std::log(2 * k) + std::log1p(1 / (2 * k) + 3 / (4 * k * k) + 15 / (8 * k * k * k));
  EXPECT_NEAR(law(k, 0, 40).log_normalisation(), expected, 1e-9);
  EXPECT_NEAR(law(0, k, 40).log_normalisation(), expected, 1e-9);
}

TEST(OrientationLaw, SamplesHaveTheMomentsOfTheLaw) {
  constexpr int n = 20000;
  auto random = stream(2);
  for (const auto& l : laws()) {
    const Moments expected = brute_force(l);
    std::array<double, 5> mean{};
    Mat3 mean_frame = Mat3::Zero();
    for (int i = 0; i < n; ++i) {
      const Mat3 frame = l.sample(random);
      ASSERT_TRUE(so3::is_rotation(frame, 1e-13));
      const auto x = observables(l, frame.col(0), frame.col(2));
      for (std::size_t k = 0; k < x.size(); ++k) mean[k] += x[k] / n;
      mean_frame += frame / n;
    }
    for (std::size_t k = 0; k < mean.size(); ++k) {
      const double variance = expected.square[k] - expected.mean[k] * expected.mean[k];
      EXPECT_LT(std::abs(mean[k] - expected.mean[k]), z_limit * std::sqrt(variance / n))
          << k << ": " << l.kappa_a << " " << l.kappa_c << ", mean " << mean[k] << " for "
          << expected.mean[k];
    }
    // Every axis is as often up as down; entries have variance of at most 1.
    EXPECT_LT(mean_frame.cwiseAbs().maxCoeff(), z_limit / std::sqrt(n));
  }
}

TEST(OrientationLaw, VeryConcentratedLawsAreSampledToo) {
  auto random = stream(3);
  const double k = 2000;
  double about_u = 0, about_w = 0;
  constexpr int n = 4000;
  const OrientationLaw l = law(k, k, 90);
  for (int i = 0; i < n; ++i) {
    const Mat3 frame = l.sample(random);
    about_u += (1 - std::pow(frame.col(0).dot(l.u), 2)) / n;
    about_w += (1 - std::pow(frame.col(2).dot(l.w), 2)) / n;
  }
  // Small turns (x, y, z) about u, the third axis and w cost k (y^2 + z^2) + k (x^2 + y^2): variances 1/2k,
  // 1/4k, 1/2k.
  const double expected = 0.75 / k, error = expected / std::sqrt(n) * 1.1;
  EXPECT_NEAR(about_u, expected, z_limit * error);
  EXPECT_NEAR(about_w, expected, z_limit * error);
}

TEST(OrientationLaw, DensityIntegratesToOneOverRandomRotations) {
  auto random = stream(4);
  for (const auto& l : {law(3, 1.5, 90), law(1, 2.5, 50), law(-4, 3, 30), pulled(2, 3, 60, {3, -2, 0})}) {
    constexpr int n = 10000;
    double sum = 0, square = 0;
    for (int i = 0; i < n; ++i) {
      const double p = std::exp(l.log_density(so3::uniform_rotation(random)));
      sum += p / n;
      square += p * p / n;
    }
    EXPECT_NEAR(sum, 1, z_limit * std::sqrt((square - sum * sum) / n));
  }
}

TEST(OrientationLaw, ConcentrationsThatAreNotFiniteAreRefused) {
  auto random = stream(5);
  EXPECT_THROW(law(std::nan(""), 1, 0).sample(random), Error);
}

}  // namespace
}  // namespace halobrush
