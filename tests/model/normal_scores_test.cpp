// Normal scores of labels: ranks become normal numbers, and the map, its inverse and its slope agree.
#include <gtest/gtest.h>

#include <cmath>

#include "halobrush/core/random.hpp"
#include "halobrush/model/labels.hpp"
#include "support/statistics.hpp"

namespace halobrush::model {
namespace {

// Two peaks and a floor, as colours and star formation have.
std::vector<double> values(std::size_t n, std::int64_t id) {
  std::vector<double> out;
  RandomStream random(5, id, Purpose::test);
  for (std::size_t i = 0; i < n; ++i) {
    const double u = random.uniform(), z = random.normal();
    out.push_back(u < 0.3 ? -2 - random.uniform() : u < 0.7 ? 0.05 * z : 1 + 0.3 * std::exp(z));
  }
  return out;
}

// False alarm 1e-6 for others of the same law; the knots themselves have the noise of 20,000.
TEST(NormalScores, make_normal_numbers_of_others_of_the_same_law) {
  const auto scores = NormalScores::of(values(20'000, 1));
  std::vector<double> sample;
  for (const double v : values(20'000, 2)) sample.push_back(scores.score(v));
  EXPECT_LT(
      testing_support::ks_statistic(sample, [](double x) { return 0.5 * std::erfc(-x / std::sqrt(2.0)); }),
      testing_support::ks_threshold(10'000, 1e-6));
}

TEST(NormalScores, inverse_and_slope_agree_inside_and_beyond_the_knots) {
  const auto scores = NormalScores::of(values(3'000, 1));
  double before = scores.value(-6.01);
  // Steps that never meet a knot (multiples of 0.05), where the slope jumps.
  for (double z = -5.9995; z < 6; z += 0.013) {
    const double v = scores.value(z);
    EXPECT_GT(v, before);
    EXPECT_NEAR(scores.score(v), z, 1e-8);
    const double step = 1e-4 * (v - before);
    EXPECT_NEAR((scores.score(v + step) - scores.score(v)) / step / scores.slope(v), 1, 1e-3) << z;
    before = v;
  }
}

TEST(NormalScores, equal_values_and_a_single_one_have_a_finite_map) {
  for (const auto& data : {std::vector<double>(100, 3.0), std::vector<double>{3.0}}) {
    const auto scores = NormalScores::of(data);
    EXPECT_TRUE(std::isfinite(scores.score(3.0)));
    EXPECT_NEAR(scores.value(0), 3.0, 1e-9);
  }
}

TEST(NormalScores, labels_are_painted_inside_their_bounds) {
  Label label;
  label.transform = Transform::normal_score;
  label.scores = NormalScores::of(values(3'000, 1));
  label.lowest = -3, label.highest = 2;
  const auto painted = decode_labels({label}, {-9, -1, 0, 9})[0];
  EXPECT_EQ(painted.front(), -3);
  EXPECT_EQ(painted.back(), 2);
  EXPECT_NEAR(encode_labels({label}, {painted})[1], -1, 1e-9);
}

}  // namespace
}  // namespace halobrush::model
