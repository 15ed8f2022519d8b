#include "halobrush/so3/igso3.hpp"

#include <gtest/gtest.h>

#include <Eigen/Geometry>
#include <cmath>
#include <numbers>

#include "halobrush/so3/rotation.hpp"
#include "support/statistics.hpp"

namespace halobrush {
namespace {

constexpr double pi = std::numbers::pi;

RandomStream stream(std::int64_t id) {
  return {20260102, id, Purpose::test};
}

// The defining series, summed until its terms vanish: the independent answer to everything here.
int series_terms(double sigma) {
  return static_cast<int>(10 / sigma) + 4;
}

long double series_density(long double w, long double sigma) {
  long double sum = 0;
  for (int l = 0; l < series_terms(static_cast<double>(sigma)); ++l)
    sum +=
        (2 * l + 1) * std::exp(-l * (l + 1) * sigma * sigma / 2) * std::sin((l + 0.5L) * w) / std::sin(w / 2);
  return sum;
}

// Its integral with (1 - cos w) / pi, term by term.
double series_cdf(double w, double sigma) {
  const auto coefficient = [&](int l) { return (2 * l + 1) * std::exp(-0.5 * l * (l + 1) * sigma * sigma); };
  double sum = w;
  for (int l = 1; l < series_terms(sigma); ++l)
    sum += (coefficient(l) - coefficient(l - 1)) * std::sin(l * w) / l;
  return sum / pi;
}

double angle_measure(double w) {
  return 2 * std::sin(w / 2) * std::sin(w / 2) / pi;
}

TEST(Igso3, DensityIsTheSeriesTo1e10InL1) {
  for (double sigma : {0.01, 0.03, 0.1, 0.3, 0.7, 1., 1.2, 1.4, 1.4999999, 1.5, 1.7, 2., 3., 5., 10.}) {
    const int n = 1000;  // midpoint rule over the bulk
    const double end = std::min(pi, 8 * sigma), step = end / n;
    double error = 0, norm = 0;
    for (int i = 0; i < n; ++i) {
      const double w = (i + 0.5) * step, f = so3::igso3_density(w, sigma);
      error += std::abs(f - static_cast<double>(series_density(w, sigma))) * angle_measure(w) * step;
      norm += f * angle_measure(w) * step;
    }
    EXPECT_LE(error, 1e-10) << sigma;
    EXPECT_NEAR(norm, 1, 1e-5) << sigma;  // the midpoint rule's own error; sharper in the test of the CDF
  }
}

TEST(Igso3, CdfIsTheIntegratedSeries) {
  for (double sigma : {0.003, 0.01, 0.1, 0.5, 1., 1.49, 1.51, 3., 10.}) {
    for (double fraction : {0.01, 0.1, 0.3, 0.5, 0.7, 0.9, 1.}) {
      const double w = fraction * std::min(pi, 6 * sigma);
      EXPECT_NEAR(so3::igso3_angle_cdf(w, sigma), series_cdf(w, sigma), 1e-10) << sigma << " " << w;
    }
    EXPECT_NEAR(so3::igso3_angle_cdf(pi, sigma), 1, 1e-10) << sigma;
    EXPECT_EQ(so3::igso3_angle_cdf(0, sigma), 0);
  }
}

TEST(Igso3, LimitsAreFiniteAndTheFarTailIsGaussian) {
  for (double sigma : {1e-3, 1e-2, 0.1, 1., 1.5, 3., 10.})
    for (double w : {0., 1e-300, 1e-20, 1e-9, 1e-3, 1., 3., pi - 1e-9, pi}) {
      EXPECT_TRUE(std::isfinite(so3::igso3_log_density(w, sigma))) << sigma << " " << w;
      EXPECT_TRUE(std::isfinite(so3::igso3_log_density_slope(w, sigma))) << sigma << " " << w;
    }
  // The leading image alone, as a formula: exact where exp(-pi^2 / e) is below the last bit.
  for (double w : {1e-3, 0.1, 1., 2., 3.}) {
    const double e = 0.5e-6;
    const double expected =
        std::log(std::sqrt(pi) / 2 * w / std::sin(w / 2)) - 1.5 * std::log(e) + e / 4 - w * w / 4 / e;
    EXPECT_NEAR(so3::igso3_log_density(w, 1e-3) / expected, 1, 1e-14) << w;
  }
  EXPECT_NEAR(so3::igso3_log_density(0, 0.3), std::log(static_cast<double>(series_density(1e-6L, 0.3L))),
              1e-9);
}

TEST(Igso3, SlopeIsTheDerivative) {
  for (double sigma : {1e-3, 0.01, 0.1, 0.5, 1., 1.4, 1.49, 1.51, 2., 3.})
    for (double w : {1e-4, 0.01, 0.09, 0.19, 0.21, 0.5, 1., 2., 3., 3.1}) {
      const double h = 1e-4 * std::min(w, sigma);
      const double difference =
          (so3::igso3_log_density(w + h, sigma) - so3::igso3_log_density(w - h, sigma)) / (2 * h);
      const double noise = 1e-15 * (2 + std::abs(so3::igso3_log_density(w, sigma))) / h;
      const double slope = so3::igso3_log_density_slope(w, sigma);
      EXPECT_NEAR(slope, difference, 1e-6 * std::abs(difference) + noise) << sigma << " " << w;
    }
}

TEST(Igso3, SlopeIsLinearAtZeroAndVanishesAtPi) {
  for (double sigma : {0.01, 0.3, 1., 1.4, 1.6, 3.}) {
    const double w = 1e-5 * std::min(sigma, 1.);
    const double unit = so3::igso3_log_density_slope(w, sigma) / w;
    EXPECT_NEAR(so3::igso3_log_density_slope(1e-60, sigma) / 1e-60, unit, 1e-8 * std::abs(unit)) << sigma;
    EXPECT_EQ(std::abs(so3::igso3_log_density_slope(0, sigma)) < 1e-90, true) << sigma;
    EXPECT_NEAR(so3::igso3_log_density_slope(pi, sigma), 0, 1e-9 / (sigma * sigma)) << sigma;
  }
  // Small sigma: the slope of a Gaussian, with the curvature term of the group w / 12.
  EXPECT_NEAR(so3::igso3_log_density_slope(0.02, 0.01), -0.02 / 1e-4 + 0.02 / 12, 1e-6);
}

TEST(Igso3, ClosedFormAndSeriesMeet) {
  for (double w : {0., 0.1, 1., 2., 3., pi}) {
    const double below = std::nextafter(1.5, 0);
    EXPECT_NEAR(so3::igso3_log_density(w, below), so3::igso3_log_density(w, 1.5), 1e-12);
    EXPECT_NEAR(so3::igso3_log_density_slope(w, below), so3::igso3_log_density_slope(w, 1.5), 1e-12);
  }
}

TEST(Igso3, ScoreIsTheBodyFrameDerivative) {
  auto random = stream(1);
  for (double sigma : {0.02, 0.3, 1., 2.})
    for (int i = 0; i < 20; ++i) {
      const Mat3 clean = so3::uniform_rotation(random);
      const Mat3 noisy = clean * so3::exp(std::min(sigma, 0.9) * random.normal3());
      const Vec3 score = so3::igso3_score(clean, noisy, sigma);
      const double h = 1e-5 * sigma;
      for (int k = 0; k < 3; ++k) {
        const auto log_p = [&](double t) {
          const Mat3 moved = noisy * so3::exp(t * Vec3::Unit(k));
          return so3::igso3_log_density(so3::angle(clean.transpose() * moved), sigma);
        };
        EXPECT_NEAR(score[k], (log_p(h) - log_p(-h)) / (2 * h), 1e-7 / sigma) << sigma;
      }
      const Mat3 q = so3::uniform_rotation(random);
      EXPECT_LE((so3::igso3_score(q * clean, q * noisy, sigma) - score).norm(), 1e-10 / sigma);
    }
  const Mat3 r = so3::uniform_rotation(random);
  EXPECT_TRUE(so3::igso3_score(Mat3::Identity(), Mat3::Identity(), 0.1).isZero(0));
  EXPECT_LE(so3::igso3_score(r, r, 0.1).norm(), 1e-12);
}

TEST(Igso3Sampler, TableInvertsTheCdfTo1e4AtEverySigma) {
  const so3::Igso3Sampler sampler;
  double worst = 0, worst_sigma = 0, worst_quantile = 0;
  const auto check = [&](double sigma, double quantile) {
    const double error = std::abs(so3::igso3_angle_cdf(sampler.angle(sigma, quantile), sigma) - quantile);
    if (error > worst) worst = error, worst_sigma = sigma, worst_quantile = quantile;
  };

  auto random = stream(2);
  for (int i = 0; i < 20000; ++i) check(1e-3 * std::pow(1e4, random.uniform()), random.uniform());
  for (double sigma : {1e-3, 1e-2, 0.5, 1.5, 10.})
    for (double quantile : {1e-12, 1e-6, 1e-3, 0.5, 0.999, 1 - 1e-6, 1 - 1e-12}) check(sigma, quantile);
  EXPECT_LT(worst, 1e-4) << "sigma " << worst_sigma << ", quantile " << worst_quantile;
}

TEST(Igso3Sampler, ExtremeQuantilesAreFiniteAndRise) {
  const so3::Igso3Sampler sampler;
  for (double sigma : {1e-3, 0.0123, 0.3, 1., 10.}) {
    double last = -1;
    for (double quantile : {0., 1e-300, 0x1p-54, 1e-9, 0.5, 1 - 1e-9, 1 - 1e-15, 1 - 0x1p-53}) {
      const double w = sampler.angle(sigma, quantile);
      EXPECT_TRUE(w >= last && w <= pi) << sigma << " " << quantile;
      last = w;
    }
    EXPECT_LE(sampler.angle(sigma, 1), pi);
    EXPECT_NEAR(sampler.angle(sigma, 1 - 1e-9) / std::min(pi, sigma * 6.4), 1, 0.05) << sigma;
  }
}

TEST(Igso3Sampler, DrawsFollowTheKernel) {
  // A million tangents each; false-alarm rate 1e-4 for each sigma. The CDF is tabulated finely between the
  // draws.
  constexpr int n = 1000000;
  const so3::Igso3Sampler sampler;
  auto random = stream(3);
  for (double sigma : {1.7e-3, 0.05, 0.6, 1.45, 3.}) {
    const double end = std::min(pi, 9.2 * sigma);
    std::vector<double> table(4001);
    for (std::size_t i = 0; i < table.size(); ++i)
      table[i] = so3::igso3_angle_cdf(end * static_cast<double>(i) / 4000, sigma);
    const auto cdf = [&](double w) {
      const double x = std::min(w / end * 4000, 3999.999999);
      const auto i = static_cast<std::size_t>(x);
      return table[i] + (x - static_cast<double>(i)) * (table[i + 1] - table[i]);
    };
    std::vector<double> angles;
    Vec3 mean_axis = Vec3::Zero();
    for (int i = 0; i < n; ++i) {
      const Vec3 v = sampler.tangent(sigma, random);
      angles.push_back(v.norm());
      mean_axis += v.normalized() / n;
    }
    EXPECT_LT(testing_support::ks_statistic(angles, cdf), testing_support::ks_threshold(n, 1e-4)) << sigma;
    EXPECT_LT(mean_axis.cwiseAbs().maxCoeff(), 4.42 * std::sqrt(1. / 3 / n));  // 1e-5 each
  }
}

}  // namespace
}  // namespace halobrush
