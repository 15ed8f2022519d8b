// Catalogs whose alignment is known: signs, nulls, and what the errors say of noise.
#include <gtest/gtest.h>

#include <Eigen/Geometry>
#include <algorithm>
#include <functional>

#include "halobrush/stats/compare.hpp"
#include "stats/support.hpp"
#include "support/statistics.hpp"

namespace halobrush::stats {
namespace {

using Axis = std::function<Vec3(const Vec3& inward, RandomStream&)>;

Vec3 inward(const Vec3& in, RandomStream&) {
  return in;
}
Vec3 around(const Vec3& in, RandomStream& random) {
  return in.cross(random.unit_vector());
}
Vec3 any(const Vec3&, RandomStream& random) {
  return random.unit_vector();
}

// Groups of galaxies about centres, each with an axis that depends on the direction to its centre.
struct Groups {
  domain::Box box;
  Sample members, centres;
};

Groups groups(double side, std::size_t count, const Axis& axis, std::uint64_t seed = 11) {
  Groups g{{Vec3::Constant(side)}, {}, {}};
  RandomStream random(seed, 1, Purpose::test);
  for (std::size_t k = 0; k < count; ++k) {
    const Vec3 centre = side * Vec3(random.uniform(), random.uniform(), random.uniform());
    g.centres.pos.push_back(centre);
    for (int i = 0; i < 12; ++i) {
      const Vec3 offset = 2 * random.normal3(), a = axis(offset.normalized(), random).normalized();
      g.members.pos.push_back(g.box.wrap(centre + offset));
      g.members.axes[0].push_back(a);
      const double phi = std::atan2(a.y(), a.x());
      g.members.ellipticity.push_back({0.3 * std::cos(2 * phi), 0.3 * std::sin(2 * phi)});
    }
  }
  return g;
}

std::vector<Statistic> about_centres(const Groups& g) {
  const mpi::Communicator comm(MPI_COMM_WORLD);
  Options options;
  options.r = options.rp = {0.5, 12, 5};
  options.pi_max = 20;
  return measure(g.box, g.members, g.centres, options, comm);
}

const Statistic& find(const std::vector<Statistic>& all, const std::string& name) {
  return *std::find_if(all.begin(), all.end(), [&](const Statistic& s) { return s.name == name; });
}

// How many errors above zero the first three bins are, at least.
double least_significance(const Statistic& s, double sign = 1) {
  double least = 1e9;
  for (std::size_t b = 0; b < 3; ++b) least = std::min(least, sign * s.value[b] / s.error[b]);
  return least;
}

TEST(Alignment, RadialIsPositiveTangentialNegativeCrossNull) {
  const auto radial = about_centres(groups(90, 900, inward)),
             tangential = about_centres(groups(90, 900, around));
  for (const char* name : {"ed_A", "wgplus"}) {
    EXPECT_GT(least_significance(find(radial, name)), 4) << name;
    EXPECT_GT(least_significance(find(tangential, name), -1), 4) << name;
  }
  // A right program fails one of these with a chance of 1e-3.
  for (const auto* all : {&radial, &tangential})
    EXPECT_GT(compare_with_zero(find(*all, "wgcross")).p_value, 5e-4);
}

// Ellipticities turned by 45 degrees move the signal from w_g+ to w_gx.
// Shapes about one centre with e+ = c (1 - mu^2), as the tidal field makes them: a third of c times DD / RR, and no hexadecapole. A sum
// of n terms 5/8 c (1 - mu^2)^2 is off by 0.22 c / sqrt(n); five of that.
TEST(Alignment, TheTidalPatternIsAQuadrupole) {
  const mpi::Communicator comm(MPI_COMM_WORLD);
  const auto box = domain::Box{Vec3::Constant(60)};
  constexpr double c = 0.3;
  RandomStream random(11, 1, Purpose::test);
  Sample shapes, centre;
  centre.pos = {Vec3(59, 1, 30), Vec3(29, 31, 0)};
  for (int i = 0; i < 20'000; ++i) {
    const Vec3 away = random.unit_vector();
    shapes.pos.push_back(box.wrap(centre.pos[0] + (2 + 6 * random.uniform()) * away));
    const double phi = std::atan2(away.y(), away.x()), plus = c * (1 - away.z() * away.z());
    shapes.ellipticity.push_back({plus * std::cos(2 * phi), plus * std::sin(2 * phi)});
  }
  Options options;
  options.r = options.rp = {2, 8, 3};
  options.pi_max = 20, options.jackknife = 0, options.only = {"xi_gplus_2", "xi_gplus_4"};
  for (const auto& s : measure(box, shapes, centre, options, comm))
    for (std::size_t b = 0; b < s.value.size(); ++b) {
      const auto n = static_cast<double>(s.pairs[b]);
      const double shell = 4 * std::numbers::pi / 3 * (std::pow(s.edges[b + 1], 3) - std::pow(s.edges[b], 3));
      const double random_pairs = 2 * 20'000 * shell / box.side.prod();
      EXPECT_NEAR(s.value[b] * random_pairs / n, s.name == "xi_gplus_2" ? c / 3 : 0, 5 * 0.22 * c / std::sqrt(n)) << s.name;
    }
}

TEST(Alignment, TurnedByFortyFiveDegreesIsCross) {
  auto g = groups(90, 300, inward);
  for (auto& e : g.members.ellipticity) e = {-e[1], e[0]};
  const auto all = about_centres(g);
  EXPECT_GT(least_significance(find(all, "wgcross")), 4);
  EXPECT_GT(compare_with_zero(find(all, "wgplus")).p_value, 5e-4);
}

// 200 catalogs of randomly turned galaxies: p-values against zero are uniform (each fails a right program
// with a chance of 1e-3).
TEST(Alignment, RandomShapesGiveUniformPValues) {
  const mpi::Communicator comm(MPI_COMM_WORLD);
  Options options;
  options.r = options.rp = {1, 8, 4};
  options.pi_max = 20;
  std::map<std::string, std::vector<double>> p_values;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    const auto g = groups(300, 200, any, seed);
    for (const auto& s : measure(g.box, g.members, options, comm))
      if (s.name != "xi" && s.name != "wgg") p_values[s.name].push_back(compare_with_zero(s).p_value);
  }
  EXPECT_EQ(p_values.size(), 7U);
  for (const auto& [name, p] : p_values)
    EXPECT_LT(halobrush::testing_support::ks_statistic(p, [](double x) { return x; }),
              halobrush::testing_support::ks_threshold(200, 1e-3))
        << name;
}

}  // namespace
}  // namespace halobrush::stats
