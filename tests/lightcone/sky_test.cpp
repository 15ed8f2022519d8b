// Distances against closed forms, and which parts of the sky hold what.
#include <gtest/gtest.h>

#include <cmath>

#include "halobrush/core/random.hpp"
#include "halobrush/lightcone/distances.hpp"
#include "halobrush/lightcone/sky.hpp"

namespace halobrush::lightcone {
namespace {

// Nothing but matter: 2 c / H_0 (1 - 1 / sqrt(1 + z)).
TEST(Distances, OfMatterAlone) {
  const Distances distances(1, 3);
  for (const double z : {0.0, 1e-6, 0.1, 0.5, 1.0, 2.999, 3.0})
    EXPECT_NEAR(distances.comoving(z), 2 * 2997.92458 * (1 - 1 / std::sqrt(1 + z)), 1e-9);
}

TEST(Distances, RedshiftIsTheInverse) {
  const Distances distances(0.31, 5);
  for (double z = 0; z < 5; z += 0.0137) EXPECT_NEAR(distances.redshift(distances.comoving(z)), z, 1e-12);
}

// Early on, matter alone: t = 2/3 a^1.5 / sqrt(omega_m).
TEST(Distances, TimeAndItsRedshift) {
  const Distances distances(0.31, 1);
  EXPECT_NEAR(distances.time_at(1e4) / (2. / 3 * std::pow(10001, -1.5) / std::sqrt(0.31)), 1, 1e-9);
  for (const double z : {0.0, 0.3, 1.0, 7.0}) EXPECT_NEAR(distances.redshift_at(distances.time_at(z)), z, 1e-12);
}

TEST(Sky, PlacesAndDirections) {
  for (const auto& [ra, dec] : {std::pair(0., 0.), {359.9, -89.}, {123.4, 56.7}, {180., 0.}, {270., 12.}}) {
    const Vec3 place = 321 * direction(ra, dec);
    EXPECT_NEAR(ra_of(place), ra, 1e-9);
    EXPECT_NEAR(dec_of(place), dec, 1e-9);
  }
  EXPECT_EQ(direction(0, 0), Vec3::UnitX());
  EXPECT_GE(ra_of(Vec3(1, -1e-300, 0)), 0);
  EXPECT_LT(ra_of(Vec3(1, -1e-300, 0)), 360);
}

// What a ball may hold is never denied.
TEST(Sky, BallsWithPlacesOnTheSkyAreKept) {
  RandomStream random(1, 1, Purpose::test);
  for (const auto& sky : {Sky::full(), Sky::octant(), Sky::cone(40, -30, 5), Sky::cone(200, 80, 100)}) {
    int held = 0, denied = 0;
    for (int i = 0; i < 20000; ++i) {
      const Vec3 centre = 100 * random.normal3(), place = centre + 30 * random.uniform() * random.unit_vector();
      const bool may = sky.may_hold(centre, 30);
      denied += !may;
      if (!sky.holds(place)) continue;
      ++held;
      EXPECT_TRUE(may);
    }
    EXPECT_GT(held, 0);
    EXPECT_GT(denied, sky.area() < 1e4 ? 1000 : -1);
  }
}

TEST(Sky, Areas) {
  EXPECT_NEAR(Sky::full().area(), 41252.96, 0.01);
  EXPECT_NEAR(8 * Sky::octant().area(), Sky::full().area(), 1e-9);
  EXPECT_NEAR(2 * Sky::cone(1, 2, 90).area(), Sky::full().area(), 1e-9);
  EXPECT_NEAR(Sky::cone(0, 0, 1).area(), std::numbers::pi, 1e-3);
}

}  // namespace
}  // namespace halobrush::lightcone
