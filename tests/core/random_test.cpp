#include "halobrush/core/random.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "support/statistics.hpp"

namespace halobrush {
namespace {

using testing_support::ks_statistic;
using testing_support::ks_threshold;

constexpr double z_limit = 4.5;  // false-alarm rate 7e-6 for each comparison

// The number that two words of Philox output must give.
double uniform_of(std::uint64_t high, std::uint64_t low) {
  return (static_cast<double>(((high << 32) | low) >> 12) + 0.5) * 0x1p-52;
}

TEST(RandomStream, GivesTheKnownAnswersOfPhilox) {
  // philox4x32, 10 rounds, from kat_vectors of Random123: counter and key all zero.
  RandomStream zero(0, 0, Purpose{0}, 0);
  EXPECT_EQ(zero.uniform(), uniform_of(0x6627e8d5, 0xe169c58d));
  EXPECT_EQ(zero.uniform(), uniform_of(0xbc57ac4c, 0x9b00dbd8));
  // Digits of pi: counter 243f6a88 85a308d3 13198a2e 03707344, key a4093822 299f31d0. It fixes the layout
  // too: id, step, then purpose (03) over the number of the block (707344).
  RandomStream pi(0x299f31d0a4093822, static_cast<std::int64_t>(0x85a308d3243f6a88), Purpose{3}, 0x13198a2e);
  for (int i = 0; i < 2 * 0x707344; ++i) pi.uniform();
  EXPECT_EQ(pi.uniform(), uniform_of(0xd16cfe09, 0x94fdcceb));
  EXPECT_EQ(pi.uniform(), uniform_of(0x5001e420, 0x24126ea1));
}

TEST(RandomStream, IsReplayedByItsKeyAndByACopy) {
  RandomStream a(5, 7, Purpose::test, 2), b(5, 7, Purpose::test, 2);
  for (int i = 0; i < 7; ++i) EXPECT_EQ(a.normal(), b.normal());
  RandomStream copy = a;
  for (int i = 0; i < 7; ++i) EXPECT_EQ(a.normal(), copy.normal());
}

TEST(RandomStream, StreamsOfOtherKeysAreUncorrelated) {
  constexpr int n = 50000;
  std::vector<RandomStream> streams;
  for (std::uint64_t seed : {1, 2})
    for (std::int64_t id : {-1, 0, 1, 2})
      for (Purpose purpose : {Purpose::law_scalars, Purpose::law_orientation, Purpose::test})
        for (std::uint32_t step : {0, 1}) streams.emplace_back(seed, id, purpose, step);
  std::vector<std::vector<double>> draws(streams.size());
  for (std::size_t s = 0; s < streams.size(); ++s)
    for (int i = 0; i < n; ++i) draws[s].push_back((streams[s].uniform() - 0.5) * std::sqrt(12.));
  for (std::size_t s = 0; s < streams.size(); ++s)
    for (std::size_t t = 0; t < s; ++t) {
      double correlation = 0;
      for (std::size_t i = 0; i < n; ++i) correlation += draws[s][i] * draws[t][i] / n;
      EXPECT_LT(std::abs(correlation), 5.5 / std::sqrt(n)) << s << " " << t;  // 1128 pairs, 4e-8 each
    }
}

TEST(RandomStream, FirstDrawsOfConsecutiveIdsAreUniformAndIndependent) {
  constexpr int n = 200000;
  std::vector<double> draws;
  double neighbours = 0;
  for (std::int64_t id = 0; id < n; ++id) draws.push_back(RandomStream(1, id, Purpose::test).uniform());
  for (std::size_t i = 1; i < n; ++i) neighbours += 12 * (draws[i] - 0.5) * (draws[i - 1] - 0.5) / n;
  EXPECT_LT(ks_statistic(draws, [](double x) { return x; }), ks_threshold(n, 1e-5));
  EXPECT_LT(std::abs(neighbours), z_limit / std::sqrt(n));
}

TEST(RandomStream, UniformLiesInsideZeroAndOne) {
  constexpr int n = 1000000;
  RandomStream random(2, 3, Purpose::test);
  std::vector<double> draws;
  for (int i = 0; i < n; ++i) draws.push_back(random.uniform());
  for (double x : draws) ASSERT_TRUE(x > 0 && x < 1);
  EXPECT_LT(ks_statistic(draws, [](double x) { return x; }), ks_threshold(n, 1e-5));
}

TEST(RandomStream, NormalHasTheMomentsAndTheDistributionOfANormal) {
  constexpr int n = 1000000;
  RandomStream random(3, 4, Purpose::test);
  std::vector<double> draws;
  double mean = 0, square = 0, fourth = 0, pairs = 0, last = 0;
  for (int i = 0; i < n; ++i) {
    const double x = random.normal();
    mean += x / n, square += x * x / n, fourth += x * x * x * x / n, pairs += x * last / n;
    draws.push_back(last = x);
  }
  const double unit = z_limit / std::sqrt(n);
  EXPECT_LT(std::abs(mean), unit);
  EXPECT_LT(std::abs(square - 1), unit * std::sqrt(2.));
  EXPECT_LT(std::abs(fourth - 3), unit * std::sqrt(96.));
  EXPECT_LT(std::abs(pairs), unit) << "sine and cosine of one pair";
  EXPECT_LT(ks_statistic(draws, [](double x) { return 0.5 * std::erfc(-x / std::sqrt(2.)); }),
            ks_threshold(n, 1e-5));
}

TEST(RandomStream, DirectionsAreIsotropic) {
  constexpr int n = 200000;
  RandomStream random(4, 5, Purpose::test);
  Vec3 mean = Vec3::Zero();
  Mat3 square = Mat3::Zero();
  std::vector<double> z;
  for (int i = 0; i < n; ++i) {
    const Vec3 v = random.unit_vector();
    ASSERT_NEAR(v.norm(), 1, 1e-14);
    mean += v / n;
    square += v * v.transpose() / n;
    z.push_back(v.x());  // uniform by Archimedes; x is not made the way z is
  }
  EXPECT_LT(mean.cwiseAbs().maxCoeff(), z_limit * std::sqrt(1. / 3 / n));
  EXPECT_LT((square - Mat3::Identity() / 3).cwiseAbs().maxCoeff(), z_limit * std::sqrt(4. / 45 / n));
  EXPECT_LT(ks_statistic(z, [](double x) { return (1 + x) / 2; }), ks_threshold(n, 1e-5));
}

}  // namespace
}  // namespace halobrush
