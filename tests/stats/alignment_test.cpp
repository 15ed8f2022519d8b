// Catalogs whose alignment is known: signs, nulls, and what the errors say of noise.
#include <gtest/gtest.h>

#include <functional>

#include "halobrush/stats/compare.hpp"
#include "stats/support.hpp"
#include "support/statistics.hpp"

namespace halobrush::stats {
namespace {

const domain::Box box{Vec3(90, 90, 90)};

Options options_for_box() {
  Options options;
  options.r = options.rp = {0.5, 12, 5};
  options.pi_max = 20;
  return options;
}

const Statistic& find(const std::vector<Statistic>& all, const std::string& name) {
  return *std::find_if(all.begin(), all.end(), [&](const Statistic& s) { return s.name == name; });
}

// Groups of galaxies around a centre; `axis` is given the direction to the centre.
Sample groups(std::size_t count, const std::function<Vec3(const Vec3& inward, RandomStream&)>& axis) {
  Sample sample;
  RandomStream random(11, 1, Purpose::test);
  for (std::size_t g = 0; g < count; ++g) {
    const Vec3 centre = Vec3(random.uniform(), random.uniform(), random.uniform()).cwiseProduct(box.side);
    for (int i = 0; i < 12; ++i) {
      const Vec3 offset = 2 * random.normal3();
      const Vec3 a = axis(offset.normalized(), random).normalized();
      sample.pos.push_back(box.wrap(centre + offset));
      sample.axes[0].push_back(a);
      const double phi = std::atan2(a.y(), a.x());
      sample.ellipticity.push_back({0.3 * std::cos(2 * phi), 0.3 * std::sin(2 * phi)});
    }
  }
  return sample;
}

TEST(Alignment, RadialIsPositiveTangentialNegativeCrossNull) {
  const mpi::Communicator comm(MPI_COMM_WORLD);
  const auto inward = [](const Vec3& in, RandomStream&) { return in; };
  const auto around = [](const Vec3& in, RandomStream& random) {
    return Vec3(in.cross(random.unit_vector()));
  };
  const auto radial = measure(box, groups(300, inward), options_for_box(), comm);
  const auto tangential = measure(box, groups(300, around), options_for_box(), comm);
  for (std::size_t b = 0; b < 3; ++b) {
    EXPECT_GT(find(radial, "wgplus").value[b], 4 * find(radial, "wgplus").error[b]) << b;
    EXPECT_GT(find(radial, "ed_A").value[b], 4 * find(radial, "ed_A").error[b]) << b;
    EXPECT_LT(find(tangential, "wgplus").value[b], -4 * find(tangential, "wgplus").error[b]) << b;
    EXPECT_LT(find(tangential, "ed_A").value[b], -4 * find(tangential, "ed_A").error[b]) << b;
  }
  // A right catalog fails one of these with a chance of 1e-3.
  for (const auto* all : {&radial, &tangential})
    EXPECT_GT(compare_with_zero(find(*all, "wgcross")).p_value, 5e-4);
}

// Ellipticities turned by 45 degrees move the signal from w_g+ to w_gx.
TEST(Alignment, TurnedByFortyFiveDegreesIsCross) {
  const mpi::Communicator comm(MPI_COMM_WORLD);
  auto sample = groups(300, [](const Vec3& in, RandomStream&) { return in; });
  for (auto& e : sample.ellipticity) e = {-e[1], e[0]};
  const auto all = measure(box, sample, options_for_box(), comm);
  EXPECT_GT(find(all, "wgcross").value[1], 4 * find(all, "wgcross").error[1]);
  EXPECT_GT(compare_with_zero(find(all, "wgplus")).p_value, 5e-4);
}

// 200 catalogs with random shapes: p-values against zero are uniform (each test fails a right program with a
// chance of 1e-3).
TEST(Alignment, RandomShapesGiveUniformPValues) {
  const mpi::Communicator comm(MPI_COMM_WORLD);
  std::map<std::string, std::vector<double>> p_values;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    RandomStream random(seed, 2, Purpose::test);
    Sample sample;
    for (int i = 0; i < 2000; ++i) {
      sample.pos.push_back(Vec3(random.uniform(), random.uniform(), random.uniform()).cwiseProduct(box.side));
      sample.axes[0].push_back(random.unit_vector());
      const double phi = 2 * std::numbers::pi * random.uniform();
      sample.ellipticity.push_back({0.3 * std::cos(phi), 0.3 * std::sin(phi)});
    }
    Options options = options_for_box();
    options.r = options.rp = {2, 12, 4};
    for (const auto& s : measure(box, sample, options, comm))
      if (s.name != "xi" && s.name != "wgg") p_values[s.name].push_back(compare_with_zero(s).p_value);
  }
  EXPECT_EQ(p_values.size(), 5U);
  for (const auto& [name, p] : p_values)
    EXPECT_LT(halobrush::testing_support::ks_statistic(p, [](double x) { return x; }),
              halobrush::testing_support::ks_threshold(200, 1e-3))
        << name;
}

}  // namespace
}  // namespace halobrush::stats
