// Every statistic against a plain double sum; the same bits on any number of ranks.
#include <gtest/gtest.h>

#include <cstring>

#include "halobrush/core/error.hpp"
#include "stats/support.hpp"

namespace halobrush::stats {
namespace {

using testing_support::brute_force;
using testing_support::clustered_sample;
using testing_support::rows_of;
using testing_support::share_of;

const domain::Box box{Vec3(66, 80, 91)};

Options options_for_box() {
  Options options;
  options.r = {0.1, 31.6, 14};
  options.rp = {0.1, 31.6, 14};
  options.pi_max = 40;
  options.jackknife = 0;
  return options;
}

void expect_equal(const std::vector<Statistic>& measured,
                  const std::map<std::string, testing_support::Brute>& brute) {
  ASSERT_EQ(measured.size(), brute.size());
  for (const auto& s : measured) {
    const auto& b = brute.at(s.name);
    EXPECT_EQ(s.pairs, b.pairs) << s.name;
    for (std::size_t k = 0; k < s.value.size(); ++k)
      if (s.pairs[k] == 0 && s.name[0] == 'e')
        EXPECT_TRUE(std::isnan(s.value[k])) << s.name << " bin " << k;
      else
        EXPECT_NEAR(s.value[k], b.value[k], 1e-10 * std::max(1.0, std::abs(b.value[k])))
            << s.name << " bin " << k;
  }
}

TEST(Estimators, EqualBruteForceForOneSample) {
  const mpi::Communicator comm(MPI_COMM_WORLD);
  for (const bool weighted : {false, true}) {
    const auto all = clustered_sample(box, weighted ? 5000 : 1000, 1, weighted);
    expect_equal(measure(box, share_of(all, comm), options_for_box(), comm),
                 brute_force(box, all, all, true, options_for_box(), comm));
  }
}

TEST(Estimators, EqualBruteForceForTwoSamples) {
  const mpi::Communicator comm(MPI_COMM_WORLD);
  const auto shapes = clustered_sample(box, 1500, 1, true), density = clustered_sample(box, 3000, 2, false);
  expect_equal(measure(box, share_of(shapes, comm), share_of(density, comm), options_for_box(), comm),
               brute_force(box, shapes, density, false, options_for_box(), comm));
}

// Bins that end at half of the box, boxes of a few cells, tiles that do not fit the sub-boxes.
TEST(Estimators, EqualBruteForceInSmallBoxes) {
  const mpi::Communicator comm(MPI_COMM_WORLD);
  for (const auto& side : {Vec3(10, 10, 10), Vec3(63.2, 10, 200), Vec3(8, 30, 9)})
    for (const std::array<std::int64_t, 3> tiles :
         {std::array<std::int64_t, 3>{1, 1, 1}, {5, 1, 1}, {2, 3, 4}}) {
      const domain::Box small{side};
      const auto all = clustered_sample(small, 400, 3, true);
      Options options;
      options.r = {0.3, side.minCoeff() / 2, 5};
      options.rp = {0.3, std::min(side.x(), side.y()) / 2, 5};
      options.pi_max = side.z() / 2;
      options.tiles = tiles;
      const auto brute = brute_force(small, all, all, true, options, comm);
      for (auto measured = measure(small, share_of(all, comm), options, comm); auto& s : measured)
        for (std::size_t k = 0; k < s.value.size(); ++k) {
          EXPECT_EQ(s.pairs[k], brute.at(s.name).pairs[k]) << s.name << " bin " << k;
          EXPECT_NEAR(s.value[k], brute.at(s.name).value[k], 1e-10 * std::max(1.0, std::abs(s.value[k])))
              << s.name << " bin " << k;
        }
    }
}

// Each alone, and some that share a pass, are what they are among all.
TEST(Estimators, OneByOneAreWhatTheyAreTogether) {
  const mpi::Communicator comm(MPI_COMM_WORLD);
  const auto shapes = share_of(clustered_sample(box, 900, 7, true), comm),
             density = share_of(clustered_sample(box, 600, 8, false), comm);
  auto options = options_for_box();
  options.jackknife = 2;
  for (const auto* other : {&shapes, &density}) {
    options.only.clear();
    std::map<std::string, Statistic> together;
    for (const auto& s : measure(box, shapes, *other, options, comm)) together[s.name] = s;
    ASSERT_EQ(together.size(), 13U);
    std::vector<std::vector<std::string>> wishes{{"ed_C", "ee_A", "xi"}, {"wpp", "wgg"}, {"wgplus", "ed_B"}, {"xi_gplus_2", "wgg"}, {"xi_gplus_4", "ed_A"}};
    for (const auto& [name, statistic] : together) wishes.push_back({name});
    for (const auto& wish : wishes) {
      options.only = wish;
      const auto measured = measure(box, shapes, *other, options, comm);
      EXPECT_EQ(measured.size(), wish.size());
      for (const auto& s : measured) {
        const auto& whole = together.at(s.name);
        EXPECT_EQ(s.pairs, whole.pairs) << s.name;
        ASSERT_EQ(s.covariance.size(), whole.covariance.size()) << s.name;
        for (std::size_t b = 0; b < s.value.size(); ++b) {
          const double value = whole.value[b], error = whole.error[b];  // NaN where there are no pairs
          if (!std::isnan(value)) {
            EXPECT_NEAR(s.value[b], value, 1e-10 * std::max(1.0, std::abs(value))) << s.name;
          }
          if (!std::isnan(error)) {
            EXPECT_NEAR(s.error[b], error, 1e-9 * std::max(1.0, error)) << s.name;
          }
        }
      }
    }
  }
}

TEST(Estimators, SayWhatCannotBeMeasured) {
  const mpi::Communicator comm(MPI_COMM_WORLD);
  auto sample = share_of(clustered_sample(box, 100, 9, false), comm);
  for (auto& axes : sample.axes) axes.clear();
  auto options = options_for_box();
  options.only = {"wgplus", "ed_A"};
  try {
    measure(box, sample, options, comm);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::config);
    EXPECT_EQ(
        std::string(error.what()),
        "stats.only: ed_A: no such statistic of these columns; there are wgplus, wgcross, wpp, xi_gplus_2, xi_gplus_4, wgg, xi");
  }
}

// NaN where there are no pairs included.
bool same_bits(const std::vector<double>& a, const std::vector<double>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(double)) == 0;
}

TEST(Estimators, SameBitsOnAnyNumberOfRanksAndInAnyOrderOfRows) {
  const mpi::Communicator comm(MPI_COMM_WORLD), alone(MPI_COMM_SELF);
  auto all = clustered_sample(box, 3000, 4, true);
  for (std::size_t i = 0; i < 20; ++i)
    all.pos[i] = all.pos[i + 40];  // rows that only their other columns tell apart
  auto options = options_for_box();
  options.jackknife = 3;
  const auto shared = measure(box, share_of(all, comm), options, comm),
             mine = measure(box, all, options, alone);
  ASSERT_EQ(shared.size(), mine.size());
  for (std::size_t s = 0; s < mine.size(); ++s) {
    EXPECT_TRUE(same_bits(shared[s].value, mine[s].value)) << mine[s].name;
    EXPECT_TRUE(same_bits(shared[s].covariance, mine[s].covariance)) << mine[s].name;
    EXPECT_EQ(shared[s].pairs, mine[s].pairs) << mine[s].name;
  }
}

TEST(Estimators, XiGplusSumsToItsProjection) {
  const mpi::Communicator comm(MPI_COMM_WORLD);
  const auto options = options_for_box();
  SkyBins bins{options.rp.edges(), options.pi_max, 20, {0, 0, 0}};
  const auto shapes = share_of(clustered_sample(box, 2000, 5, true), comm),
             density = share_of(clustered_sample(box, 1000, 6, true), comm);
  const auto check = [&](const std::vector<double>& xi, const std::vector<Statistic>& all) {
    const auto w =
        std::find_if(all.begin(), all.end(), [](const Statistic& s) { return s.name == "wgplus"; });
    for (std::size_t b = 0; b < w->value.size(); ++b) {
      double sum = 0;
      for (std::size_t k = 0; k < 20; ++k) sum += xi[20 * b + k] * 2 * options.pi_max / 20;
      EXPECT_NEAR(sum, w->value[b], 1e-10 * std::max(1.0, std::abs(sum))) << b;
    }
  };
  check(xi_gplus(box, shapes, density, bins, comm), measure(box, shapes, density, options, comm));
  check(xi_gplus(box, shapes, shapes, bins, comm), measure(box, shapes, options, comm));
}

}  // namespace
}  // namespace halobrush::stats
