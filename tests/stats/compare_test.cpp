// Chi-square with an estimated covariance, and what the measurement refuses.
#include <gtest/gtest.h>

#include <limits>

#include "halobrush/core/error.hpp"
#include "halobrush/stats/compare.hpp"
#include "stats/support.hpp"
#include "support/statistics.hpp"

namespace halobrush::stats {
namespace {

TEST(Compare, ChiSquareOfADiagonalCovariance) {
  const std::vector<double> value{1, 2}, reference{0, 0}, covariance{1, 0, 0, 4};
  const auto c = compare(value, reference, covariance, 27);
  EXPECT_EQ(c.dof, 2);
  EXPECT_NEAR(c.chi2, (1 + 1) * (27 - 2 - 2) / 26.0, 1e-12);
  // P(F(2, n) > x) = (1 + 2 x / n)^(-n / 2)
  const double x = 2 * (27 - 2) / (2.0 * 26);
  EXPECT_NEAR(c.p_value, std::pow(1 + 2 * x / 25, -12.5), 1e-10);
}

// Covariances of the mean from 27 draws of correlated normals: p-values are uniform. A right program fails
// with a chance of 1e-3.
TEST(Compare, PValuesAreUniformWithAnEstimatedCovariance) {
  constexpr std::size_t n = 27, bins = 6, trials = 2000;
  std::vector<double> p;
  for (std::uint64_t t = 0; t < trials; ++t) {
    RandomStream random(t, 3, Purpose::test);
    std::vector<std::vector<double>> draws(n, std::vector<double>(bins));
    std::vector<double> mean(bins), covariance(bins * bins);
    for (auto& draw : draws) {
      double walk = 0;
      for (std::size_t b = 0; b < bins; ++b) mean[b] += (draw[b] = walk += random.normal()) / n;
    }
    for (const auto& draw : draws)
      for (std::size_t a = 0; a < bins; ++a)
        for (std::size_t b = 0; b < bins; ++b)
          covariance[a * bins + b] += (draw[a] - mean[a]) * (draw[b] - mean[b]) / (n * (n - 1.0));
    p.push_back(compare(mean, {}, covariance, n).p_value);
  }
  EXPECT_LT(halobrush::testing_support::ks_statistic(p, [](double x) { return x; }),
            halobrush::testing_support::ks_threshold(trials, 1e-3));
}

TEST(Compare, BinsWithoutValueOrErrorAreLeftOut) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const std::vector<double> value{1, nan, 1}, covariance{1, nan, 0, nan, nan, nan, 0, nan, 1};
  EXPECT_EQ(compare(value, {}, covariance, 27).dof, 2);
}

template <class Work>
std::string error_of(Work&& work, ExitCode code) {
  try {
    work();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code) << error.what();
    return error.what();
  }
  ADD_FAILURE() << "nothing was thrown";
  return "";
}

void expect_contains(const std::string& text, const std::string& part) {
  EXPECT_NE(text.find(part), std::string::npos) << text;
}

TEST(Compare, TooManyBinsForTheRegionsIsAnError) {
  const std::vector<double> value(6, 1.0), covariance(36, 0.5);
  expect_contains(error_of([&] { compare(value, {}, covariance, 8); }, ExitCode::config), "takes 9");
  expect_contains(error_of([&] { compare(value, {}, covariance, 27); }, ExitCode::data), "singular");
}

class Refused : public testing::Test {
 protected:
  std::string refused(const Sample& sample, const Options& options, ExitCode code) {
    return error_of([&] { measure(box, sample, options, comm); }, code);
  }
  mpi::Communicator comm{MPI_COMM_WORLD};
  domain::Box box{Vec3(70, 70, 140)};
  Sample good = testing_support::clustered_sample(box, 500, 1, true);
};

TEST_F(Refused, FewerThanTwoGalaxies) {
  Sample one;
  one.pos = {Vec3(1, 1, 1)};
  expect_contains(refused(one, {}, ExitCode::data), "1 galaxies");
  expect_contains(refused({}, {}, ExitCode::data), "0 galaxies");
}

TEST_F(Refused, BinsBeyondHalfTheBox) {
  Options options;
  options.r.max = 36;
  expect_contains(refused(good, options, ExitCode::config), "stats.r.max: 36 Mpc/h is beyond half");
  options = {};
  options.rp.max = 36;
  expect_contains(refused(good, options, ExitCode::config), "stats.rp.max");
  options = {};
  options.pi_max = 70.1;
  expect_contains(refused(good, options, ExitCode::config), "stats.pi_max");
  options = {};
  options.r.min = 0;
  expect_contains(refused(good, options, ExitCode::config), "stats.r: edges");
  options = {};
  options.r.bins = 0;
  expect_contains(refused(good, options, ExitCode::config), "no bins");
}

TEST_F(Refused, ASubBoxWithoutGalaxies) {
  const auto half = testing_support::rows_of(good, [&](std::size_t i) { return good.pos[i].x() < 40; });
  expect_contains(refused(half, {}, ExitCode::data), "9 of the 27 sub-boxes");
}

TEST_F(Refused, BadColumns) {
  auto bad = good;
  bad.axes[1][7] *= 2;
  expect_contains(refused(bad, {}, ExitCode::data), "axis B of row 7 has length 2");
  bad = good;
  bad.axes[0][7].setZero();  // a null shape of Rockstar
  expect_contains(refused(bad, {}, ExitCode::data), "axis A of row 7");
  bad = good;
  bad.weight[3] = -1;
  expect_contains(refused(bad, {}, ExitCode::data), "weight -1 of row 3");
  bad = good;
  bad.pos[3].x() = std::numeric_limits<double>::quiet_NaN();
  expect_contains(refused(bad, {}, ExitCode::data), "position of row 3");
  bad = good;
  bad.ellipticity[3][1] = std::numeric_limits<double>::infinity();
  expect_contains(refused(bad, {}, ExitCode::data), "ellipticity of row 3");
  bad = good;
  bad.weight.pop_back();
  expect_contains(refused(bad, {}, ExitCode::data), "weight has 499 rows");
}

}  // namespace
}  // namespace halobrush::stats
