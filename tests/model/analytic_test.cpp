#include "halobrush/model/analytic.hpp"

#include <gtest/gtest.h>

#include <Eigen/Geometry>
#include <cmath>
#include <numbers>
#include <numeric>

#include "halobrush/core/error.hpp"
#include "halobrush/so3/rotation.hpp"
#include "support/orientation_moments.hpp"

namespace halobrush {
namespace {

using model::AnalyticPainter;

constexpr double pi = std::numbers::pi;
constexpr double z_limit = 4.5;  // false-alarm rate 7e-6 for each comparison

RandomStream stream(std::int64_t id) {
  return {20260103, id, Purpose::test};
}

struct Halo {
  std::int64_t id = 0;
  double log_mass = 12;
  bool central = true;
  Vec3 displacement = Vec3::Zero(), spin = Vec3::Zero();
  bool resolved = false;
  Vec3 axis = Vec3::UnitX();
  Mat3 tide = Mat3::Zero();
};

struct Offered {
  bool shape = true, spin = true, tide = true;
};

catalog::Table columns(Offered offered = {}) {
  catalog::Table table;
  const auto add = [&](std::initializer_list<const char*> names) {
    for (const char* name : names) table.add<double>({name, "", ""}, {});
  };
  for (const char* name : {"id", "host_id"}) table.add<std::int64_t>({name, "", ""}, {});
  add({"mass", "host_dx", "host_dy", "host_dz", "host_radius"});
  if (offered.shape) {
    table.add<std::uint8_t>({"shape_resolved", "", ""}, {});
    add({"axis_x", "axis_y", "axis_z"});
  }
  if (offered.spin) add({"jx", "jy", "jz"});
  if (offered.tide)
    for (const std::string radius : {"4", "1.5", "10"})
      for (const char* part : {"xx", "yy", "zz", "xy", "xz", "yz"})
        table.add<double>({"tidal_" + radius + "_" + part, "", ""}, {});
  return table;
}

model::Inputs inputs_of(const std::vector<Halo>& halos, const std::vector<std::int64_t>& ids,
                        const AnalyticPainter& painter) {
  const auto& names = painter.needs().features;
  model::Inputs inputs;
  inputs.owned = halos.size();
  inputs.id = ids;
  auto& nodes = inputs.nodes;
  nodes.nodes = halos.size();
  const auto append = [](std::vector<double>& to, const auto& values) {
    to.insert(to.end(), values.begin(), values.end());
  };
  for (const Halo& h : halos) {
    for (const auto& name : names.scalars)
      nodes.scalars.push_back(name == "log_mass"     ? h.log_mass
                              : name == "is_central" ? h.central
                                                     : h.resolved);
    append(nodes.polar, h.displacement);
    if (!names.axial.empty()) append(nodes.axial, h.spin);
    for (const auto& name : names.tensors) {
      const Mat3 shape =
          h.resolved ? Mat3(h.axis * h.axis.transpose() - Mat3::Identity() / 3) : Mat3(Mat3::Zero());
      append(nodes.tensors, to_sym3(name == "halo_shape" ? shape : h.tide));
    }
  }
  return inputs;
}

std::vector<std::int64_t> ids_of(const std::vector<Halo>& halos) {
  std::vector<std::int64_t> ids;
  for (const Halo& h : halos) ids.push_back(h.id);
  return ids;
}

std::vector<Halo> repeated(Halo halo, std::int64_t n) {
  std::vector<Halo> halos(static_cast<std::size_t>(n), halo);
  for (std::size_t i = 0; i < halos.size(); ++i) halos[i].id = static_cast<std::int64_t>(i) * 7 + 3;
  return halos;
}

model::Painted paint(const AnalyticPainter& painter, const std::vector<Halo>& halos) {
  const auto ids = ids_of(halos);
  return painter.paint(inputs_of(halos, ids, painter));
}

std::vector<double> log_density(const AnalyticPainter& painter, const std::vector<Halo>& halos,
                                const model::Painted& p) {
  const auto ids = ids_of(halos);
  return painter.log_density(inputs_of(halos, ids, painter), p);
}

constexpr double h = 0.7;
const double log_h = std::log10(h);

std::vector<Halo> mixed_halos(std::int64_t n) {
  auto random = stream(6);
  std::vector<Halo> halos;
  for (std::int64_t i = 0; i < n; ++i) {
    const Mat3 noise = Mat3::NullaryExpr([&] { return random.normal(); });
    halos.push_back({1000 + 13 * i, 11 + 3 * random.uniform(), i % 3 != 0, random.normal3(), random.normal3(),
                     i % 2 == 0, random.unit_vector(), noise + noise.transpose()});
  }
  return halos;
}

double mean_square(const model::Painted& painted, int column, const Vec3& direction) {
  double sum = 0;
  for (const Mat3& frame : painted.frame) sum += std::pow(frame.col(column).dot(direction), 2);
  return sum / static_cast<double>(painted.frame.size());
}

TEST(AnalyticPainter, NeedsWhatTheCatalogOffers) {
  const config::AnalyticLaw law;
  const auto all = AnalyticPainter(law, 1, columns(), h).needs();
  EXPECT_EQ(all.features.scalars, (std::vector<std::string>{"log_mass", "is_central", "shape_resolved"}));
  EXPECT_EQ(all.features.polar, std::vector<std::string>{"host_displacement"});
  EXPECT_EQ(all.features.axial, std::vector<std::string>{"angular_momentum"});
  EXPECT_EQ(all.features.tensors, (std::vector<std::string>{"halo_shape", "tidal_1.5"}));
  EXPECT_EQ(all.ghost_width(), 0);
  const auto least = AnalyticPainter(law, 1, columns({false, false, false}), h).needs();
  EXPECT_EQ(least.features.scalars, (std::vector<std::string>{"log_mass", "is_central"}));
  EXPECT_TRUE(least.features.axial.empty() && least.features.tensors.empty());
  EXPECT_NO_THROW(features::assemble(columns(), all.features));
  EXPECT_THROW(features::assemble(catalog::Table(), all.features), Error);
}

TEST(AnalyticPainter, RefusesACatalogWithoutHubbleParameter) {
  EXPECT_THROW(AnalyticPainter({}, 1, columns(), 0), Error);
  EXPECT_THROW(AnalyticPainter({}, 1, columns(), std::nan("")), Error);
}

TEST(AnalyticPainter, ColumnsHaveUnitsAndMeaning) {
  const AnalyticPainter painter({}, 1, columns(), h);
  std::vector<std::string> names;
  for (const auto& spec : painter.scalars()) {
    names.push_back(spec.name);
    EXPECT_FALSE(spec.unit.empty() || spec.description.empty());
  }
  EXPECT_EQ(names, (std::vector<std::string>{"log_stellar_mass", "color_gr", "log_size"}));
}

TEST(AnalyticPainter, StellarMassesAreThoseOfMoster2013) {
  // At the characteristic mass M1 both terms are one: M* = N M1. At 1e12 Msun: 10.5348 (eq. 2 by hand).
  const config::AnalyticLaw law;
  const AnalyticPainter painter(law, 1, columns(), h);
  constexpr int n = 20000;
  for (const auto& [log_mass, expected] :
       {std::pair{11.590, 11.590 + std::log10(0.0351)}, std::pair{12., 10.5349}}) {
    Halo halo;
    halo.log_mass = log_mass + log_h;  // Msun/h
    double sum = 0, square = 0;
    const auto painted = paint(painter, repeated(halo, n));
    for (double m : painted.scalars[0]) {
      sum += m / n;
      square += std::pow(m - expected, 2) / n;
    }
    EXPECT_NEAR(sum, expected, z_limit * 0.18 / std::sqrt(n) + 1e-4);
    EXPECT_NEAR(square, 0.18 * 0.18, z_limit * 0.18 * 0.18 * std::sqrt(2. / n));
  }
}

TEST(AnalyticPainter, RedFractionColoursSizesAndShapesFollowTheKeys) {
  config::AnalyticLaw law;
  law.stellar_mass_scatter = 1e-9;
  law.color_red = {10, 0.05}, law.color_blue = {-10, 0.09};  // so that the label can be read off
  const AnalyticPainter painter(law, 2, columns(), h);
  constexpr int n = 40000;
  for (bool central : {true, false}) {
    Halo halo;
    halo.central = central;
    halo.log_mass = 12 + log_h;
    const auto painted = paint(painter, repeated(halo, n));
    const double log_mass = painted.scalars[0][0];
    std::array<int, 2> count{};
    std::array<std::array<double, 4>, 2> sum{};
    for (std::size_t i = 0; i < n; ++i) {
      const std::size_t red = painted.scalars[1][i] > 0;
      const double q = painted.b_to_a[i], r = painted.c_to_a[i] / q;
      ASSERT_TRUE(q > 0 && q < 1 && r > 0 && r < 1);
      ++count[red];
      const std::array x = {painted.scalars[1][i], painted.scalars[2][i], std::log(q / (1 - q)),
                            std::log(r / (1 - r))};
      for (std::size_t k = 0; k < x.size(); ++k) sum[red][k] += x[k];
    }
    const double fraction = 1 / (1 + std::exp(-(log_mass - 10.4 + (central ? 0 : 0.25)) / 0.35));
    EXPECT_NEAR(count[1] / double{n}, fraction, z_limit * std::sqrt(fraction * (1 - fraction) / n));
    const double x = log_mass - 10.5;
    const std::array<std::array<double, 4>, 2> mean = {
        {{-10, 0.62 + 0.22 * x, 1.7, -0.4}, {10, 0.45 + 0.56 * x, 1.4, 0.9}}};
    const std::array<std::array<double, 4>, 2> deviation = {{{0.09, 0.15, 0.7, 0.6}, {0.05, 0.15, 0.6, 0.5}}};
    for (std::size_t red : {0, 1})
      for (std::size_t k = 0; k < 4; ++k)
        EXPECT_NEAR(sum[red][k] / count[red], mean[red][k],
                    z_limit * deviation[red][k] / std::sqrt(count[red]))
            << red << " " << k;
  }
}

// Strong, mass-independent alignment, to see which direction a galaxy follows.
config::AnalyticLaw strong() {
  config::AnalyticLaw law;
  law.kappa_a_red = law.kappa_a_blue = law.kappa_c_red = law.kappa_c_blue = {40, 0};
  law.satellite_kappa_a = law.satellite_kappa_c = 1;
  return law;
}

TEST(AnalyticPainter, GalaxiesFollowTheirHalosAxes) {
  auto random = stream(7);
  const Mat3 web = so3::uniform_rotation(random);  // columns: stretching, middle, compressing axis
  const Vec3 spin = web * Vec3(0, 1, 0), axis = web * Vec3(0, 0, 1), host = web * Vec3(1, 0, 1).normalized();
  Halo halo;
  halo.tide = web * Vec3(-2, 0.5, 1.5).asDiagonal() * web.transpose();
  const AnalyticPainter painter(strong(), 3, columns(), h);
  const auto aligned = [](const model::Painted& p, int column, const Vec3& d) {
    return mean_square(p, column, d) > 0.95;
  };

  const auto unresolved = paint(painter, repeated(halo, 500));
  EXPECT_TRUE(aligned(unresolved, 0, web.col(0))) << "central, unresolved: stretching axis";
  EXPECT_TRUE(aligned(unresolved, 2, web.col(2))) << "no spin: compressing axis";
  halo.resolved = true, halo.axis = axis, halo.spin = 1e-3 * spin;
  const auto resolved = paint(painter, repeated(halo, 500));
  EXPECT_TRUE(aligned(resolved, 0, axis)) << "central, resolved: halo shape";
  EXPECT_TRUE(aligned(resolved, 2, spin)) << "spin";
  halo.central = false, halo.displacement = 0.2 * host;
  const auto satellite = paint(painter, repeated(halo, 500));
  EXPECT_TRUE(aligned(satellite, 0, host)) << "satellite: host's centre";
  EXPECT_TRUE(aligned(satellite, 2, spin));
}

TEST(AnalyticPainter, ConcentrationGrowsWithMassIsClippedAndScaledForSatellites) {
  config::AnalyticLaw law;
  law.kappa_a_red = law.kappa_a_blue = {2, 4};
  law.kappa_c_red = law.kappa_c_blue = {-1, 0};  // clipped to 0
  law.satellite_kappa_a = -3;
  law.stellar_mass_scatter = 1e-9;
  const AnalyticPainter painter(law, 4, columns(), h);
  constexpr int n = 20000;
  for (double log_mass : {11., 12., 14.})
    for (bool central : {true, false}) {
      Halo halo;
      halo.log_mass = log_mass, halo.central = central, halo.resolved = true,
      halo.axis = halo.displacement = Vec3::UnitZ();
      halo.spin = Vec3::UnitY();
      const auto painted = paint(painter, repeated(halo, n));
      const double kappa = std::clamp(2 + 4 * (painted.scalars[0][0] - 10.5), 0., 50.) * (central ? 1 : -3);
      const test::Moments expected = test::brute_force({Vec3::UnitZ(), Vec3::UnitY(), kappa, 0});
      const double variance = expected.square[0] - std::pow(expected.mean[0], 2);
      EXPECT_NEAR(mean_square(painted, 0, Vec3::UnitZ()), expected.mean[0], z_limit * std::sqrt(variance / n))
          << kappa;
    }
}

TEST(AnalyticPainter, WithoutAnyDirectionOrientationsAreUniform) {
  const AnalyticPainter painter(strong(), 5, columns({false, false, false}), h);
  Halo halo;
  const auto halos = repeated(halo, 10000);
  const auto painted = paint(painter, halos);
  for (int column : {0, 2})
    for (int axis : {0, 1, 2})
      EXPECT_NEAR(mean_square(painted, column, Vec3::Unit(axis)), 1. / 3,
                  z_limit * std::sqrt(4. / 45 / 10000));
  // The same holds where columns exist but are empty: unresolved, no spin, no tide, a satellite at its host's
  // centre.
  const AnalyticPainter all(strong(), 5, columns(), h);
  halo.central = false;
  EXPECT_NEAR(mean_square(paint(all, repeated(halo, 10000)), 0, Vec3::UnitX()), 1. / 3,
              z_limit * std::sqrt(4. / 45 / 10000));
}

TEST(AnalyticPainter, AGalaxyIsTheSameInAnySubsetAndOrder) {
  const AnalyticPainter painter({}, 6, columns(), h);
  const auto halos = mixed_halos(200);
  const auto whole = paint(painter, halos);
  std::vector<Halo> part;
  for (std::size_t i = halos.size(); i-- > 0;)
    if (i % 3 == 1) part.push_back(halos[i]);
  const auto some = paint(painter, part);
  for (std::size_t k = 0; k < part.size(); ++k) {
    const auto i = static_cast<std::size_t>((part[k].id - 1000) / 13);
    EXPECT_EQ(some.frame[k], whole.frame[i]);
    EXPECT_EQ(some.b_to_a[k], whole.b_to_a[i]);
    EXPECT_EQ(some.c_to_a[k], whole.c_to_a[i]);
    for (std::size_t s = 0; s < 3; ++s) EXPECT_EQ(some.scalars[s][k], whole.scalars[s][i]);
  }
  EXPECT_NE(paint(AnalyticPainter({}, 7, columns(), h), halos).frame[0], whole.frame[0]);
}

TEST(AnalyticPainter, APatchWithoutGalaxiesIsPaintedEmpty) {
  const AnalyticPainter painter({}, 6, columns(), h);
  const auto painted = paint(painter, {});
  EXPECT_TRUE(painted.frame.empty() && painted.b_to_a.empty() && painted.scalars[2].empty());
  EXPECT_EQ(painted.scalars.size(), 3);
  EXPECT_TRUE(log_density(painter, {}, painted).empty());
}

TEST(AnalyticPainter, GhostsAreNotPainted) {
  const AnalyticPainter painter({}, 6, columns(), h);
  const auto halos = mixed_halos(20);
  const auto ids = ids_of(halos);
  auto inputs = inputs_of(halos, ids, painter);
  inputs.owned = 7;
  const auto painted = painter.paint(inputs);
  EXPECT_EQ(painted.frame.size(), 7);
  EXPECT_EQ(painted.out_of_distribution, std::vector<std::uint8_t>(7));
  EXPECT_EQ(painted.frame[6], paint(painter, halos).frame[6]);
}

TEST(AnalyticPainter, DensityIgnoresTheSignsOfAxes) {
  const AnalyticPainter painter({}, 8, columns(), h);
  const auto halos = mixed_halos(30);
  auto painted = paint(painter, halos);
  const auto expected = log_density(painter, halos, painted);
  for (const Mat3& d : so3::ellipsoid_symmetry()) {
    auto turned = painted;
    for (Mat3& frame : turned.frame) frame = frame * d;
    const auto density = log_density(painter, halos, turned);
    for (std::size_t i = 0; i < halos.size(); ++i) EXPECT_NEAR(density[i], expected[i], 1e-12);
  }
}

TEST(AnalyticPainter, DensityOfAGalaxyIntegratesToOne) {
  // Importance sampling: galaxies from a broad proposal of known density, (b/a, c/a) uniform in the triangle
  // c <= b.
  // The law is widened a little, so that few draws suffice.
  config::AnalyticLaw law;
  law.color_red = {0.65, 0.2}, law.color_blue = {0.45, 0.2};
  law.b_to_a_red = {0.7, 1}, law.b_to_a_blue = {0.9, 1.1}, law.c_to_b_red = {0.3, 1.1},
  law.c_to_b_blue = {-0.3, 1.2};
  law.kappa_a_red = {1.5, 0.4}, law.satellite_kappa_c = 0.5;
  const AnalyticPainter painter(law, 9, columns(), h);
  constexpr int n = 12000;
  auto random = stream(9);
  for (const Halo& halo : mixed_halos(2)) {
    const double centre = paint(painter, {halo}).scalars[0][0];  // within the scatter
    model::Painted galaxies;
    galaxies.scalars.resize(3);
    std::vector<double> log_q;
    const auto normal = [&](double mean, double deviation, double& density) {
      const double z = random.normal();
      density *= std::exp(-z * z / 2) / (deviation * std::sqrt(2 * pi));
      return mean + deviation * z;
    };
    for (int i = 0; i < n; ++i) {
      double q = 1;
      galaxies.scalars[0].push_back(normal(centre, 0.25, q));
      galaxies.scalars[1].push_back(normal(0.55, 0.3, q));
      galaxies.scalars[2].push_back(normal(0.55 + 0.4 * (centre - 10.5), 0.25, q));
      const double x = std::sqrt(random.uniform()), y = random.uniform();
      galaxies.b_to_a.push_back(x);
      galaxies.c_to_a.push_back(x * y);
      q *= 2;
      galaxies.frame.push_back(so3::uniform_rotation(random));
      log_q.push_back(std::log(q));
    }
    const auto log_p = log_density(painter, std::vector<Halo>(n, halo), galaxies);
    double sum = 0, square = 0;
    for (std::size_t i = 0; i < n; ++i) {
      const double weight = std::exp(log_p[i] - log_q[i]);
      sum += weight / n;
      square += weight * weight / n;
    }
    const double error = std::sqrt((square - sum * sum) / n);
    EXPECT_LT(error, 0.03);
    EXPECT_NEAR(sum, 1, z_limit * error);
  }
}

TEST(AnalyticPainter, DensityIsThatOfTheDraws) {
  // Reweighting the painter's own draws by one law over another gives one: the mean of p_other / p over draws
  // of p.
  config::AnalyticLaw other;
  other.kappa_a_red = {2.5, 1.2}, other.kappa_c_blue = {2.2, 0.9}, other.red_centre = 10.45,
  other.red_satellite_boost = 0.2;
  other.color_red = {0.74, 0.045}, other.size_blue = {0.6, 0.2}, other.b_to_a_red = {1.3, 0.55},
  other.c_to_b_blue = {-0.3, 0.55};
  other.satellite_kappa_a = 1.2, other.satellite_kappa_c = 0.3, other.stellar_mass_scatter = 0.17,
  other.log_m1 = 11.57;
  const AnalyticPainter painter({}, 10, columns(), h), second(other, 10, columns(), h);
  constexpr std::int64_t n = 8000;
  const auto halos = mixed_halos(n);
  const auto painted = paint(painter, halos);
  const auto log_p = log_density(painter, halos, painted), log_other = log_density(second, halos, painted);
  double sum = 0, square = 0;
  for (std::size_t i = 0; i < halos.size(); ++i) {
    const double ratio = std::exp(log_other[i] - log_p[i]);
    sum += ratio / n;
    square += ratio * ratio / n;
  }
  const double error = std::sqrt((square - sum * sum) / n);
  EXPECT_LT(error, 0.02);
  EXPECT_NEAR(sum, 1, z_limit * error);
}

}  // namespace
}  // namespace halobrush
