// The law of section shapes, on halos whose tensors are given as a catalog gives them.
#include <gtest/gtest.h>

#include <Eigen/Geometry>
#include <cmath>
#include <numeric>

#include "halobrush/model/axes_painter.hpp"
#include "../../src/model/linear_growth.hpp"
#include "halobrush/core/error.hpp"
#include "halobrush/so3/ellipsoid.hpp"
#include "halobrush/so3/rotation.hpp"

namespace halobrush {
namespace {

constexpr double z_limit = 4.5;  // false-alarm rate 7e-6 for each comparison

// A painter of given scalars and spins.
class Given : public model::Painter {
 public:
  Given(std::vector<std::string> names, bool spin) : spin_(spin) {
    for (const auto& name : names) scalars_.push_back({name, "", ""});
  }
  std::string kind() const override { return "given"; }
  const model::Needs& needs() const override { return needs_; }
  const std::vector<catalog::ColumnSpec>& scalars() const override { return scalars_; }
  std::vector<std::string> labels() const override { return {}; }
  bool paints_spin() const override { return spin_; }

 private:
  model::Painted draw(const model::Inputs&) const override { return {}; }
  bool spin_;
  model::Needs needs_;
  std::vector<catalog::ColumnSpec> scalars_;
};

struct Halo {
  bool central = true;
  Vec3 axis = Vec3::Zero(), displacement = Vec3::Zero();
  Mat3 tide = Mat3::Zero();
};

catalog::Table table_of(const std::vector<Halo>& halos, bool shapes = true) {
  catalog::Table table;
  table.resize(halos.size());
  const auto put = [&](const std::string& name, auto&& value_of) {
    auto column = table.add<double>({name, "", ""});
    for (std::size_t i = 0; i < halos.size(); ++i) column[i] = value_of(halos[i]);
  };
  auto id = table.add<std::int64_t>({"id", "", ""});
  for (std::size_t i = 0; i < halos.size(); ++i) id[i] = static_cast<std::int64_t>(7 * i + 3);
  auto host = table.add<std::int64_t>({"host_id", "", ""});
  for (std::size_t i = 0; i < halos.size(); ++i) host[i] = halos[i].central ? static_cast<std::int64_t>(7 * i + 3) : 1;
  put("host_radius", [](auto&) { return 1.; });
  for (int k = 0; k < 3; ++k) {
    const auto c = std::string(1, "xyz"[k]);
    put("host_d" + c, [&](auto& h) { return h.displacement[k]; });
    if (shapes) put("axis_" + c, [&](auto& h) { return h.axis[k]; });
  }
  if (shapes) put("shape_resolved", [](auto& h) { return h.axis.isZero(0) ? 0. : 1.; });
  const char* parts[] = {"xx", "yy", "zz", "xy", "xz", "yz"};
  for (int k = 0; k < 6; ++k)
    put(std::string("tidal_3_") + parts[k], [&](auto& h) { return to_sym3(h.tide)[k]; });
  return table;
}

struct Painting {
  config::Shapes law;
  double log_mass = 10.5, color = 0, disc = 0.5;
  Vec3 spin = Vec3::UnitZ();
  Mat3 frame = Mat3::Identity();
  catalog::Simulation simulation;

  model::Painted operator()(const std::vector<Halo>& halos) const {
    const Given first({"disc_fraction", "color_gr", "log_stellar_mass"}, true);
    const auto table = table_of(halos);
    const auto axes = model::make_shape_law(law, 11, frame, first, table, simulation);
    model::Inputs inputs;
    inputs.owned = halos.size();
    inputs.id = table.get<std::int64_t>("id");
    inputs.nodes = features::assemble(table, axes->needs().features);
    model::Painted galaxies;
    galaxies.scalars = {std::vector<double>(halos.size(), disc), std::vector<double>(halos.size(), color),
                        std::vector<double>(halos.size(), log_mass)};
    galaxies.spin.assign(halos.size(), spin);
    axes->paint(inputs, galaxies);
    return galaxies;
  }
};

Painting silent() {  // nothing pulls, all late
  Painting painting;
  painting.simulation.omega_m = 0.3, painting.simulation.omega_l = 0.7;
  painting.law.halo = painting.law.tide = painting.law.radius = painting.law.spin = {0, 0};
  return painting;
}

constexpr double red = 10;  // by this colour every galaxy is an early type

double mean_square(const model::Painted& painted, int column, const Vec3& direction) {
  double sum = 0;
  for (const Mat3& frame : painted.frame) sum += std::pow(frame.col(column).dot(direction), 2);
  return sum / static_cast<double>(painted.frame.size());
}

// <cos^2> of exp(kappa cos^2) on the sphere, by the midpoint rule.
double watson(double kappa) {
  double sum = 0, norm = 0;
  for (int i = 0; i < 4000; ++i) {
    const double t = (i + 0.5) / 4000, p = std::exp(kappa * (t * t - 1));
    norm += p, sum += p * t * t;
  }
  return sum / norm;
}

TEST(ShapeLaw, EachPullHasItsStrength) {
  const Vec3 u(0.6, 0, 0.8);
  constexpr int n = 20000;
  const double error = 0.31 / std::sqrt(n);  // the variance of cos^2 is 4/45 at most near isotropy, below 0.1 always
  const auto check = [&](const Painting& painting, const Halo& halo, int column, double kappa) {
    EXPECT_NEAR(mean_square(painting(std::vector<Halo>(n, halo)), column, u), watson(kappa), z_limit * error) << kappa;
  };
  Painting painting = silent();
  painting.color = red, painting.log_mass = 11;
  painting.law.halo = {3, 2};
  check(painting, {true, u}, 0, 4);
  check(painting, {false, u}, 0, 0);  // satellites do not follow their subhalo
  painting.law.halo = {0, 0}, painting.law.radius = {1, -1};
  check(painting, {false, Vec3::UnitX(), 0.3 * u}, 0, 0.5);
  painting.law.radius = {0, 0}, painting.law.tide = {5, 0};
  check(painting, {true, Vec3::UnitX(), Vec3::Zero(), Mat3(Mat3::Identity() - 2 * u * u.transpose())}, 0, 5);
  painting.law.tide = {1, -4};  // strengths are not negative
  check(painting, {true, Vec3::UnitX(), Vec3::Zero(), Mat3(Mat3::Identity() - 2 * u * u.transpose())}, 0, 0);
  painting.law.tide = {0, 0}, painting.law.halo = {4, 0}, painting.law.late_share = 0.25, painting.color = 0;
  check(painting, {true, u}, 0, 1);  // a late type
  painting.law.halo = {0, 0}, painting.law.spin = {6, 0}, painting.spin = u;
  check(painting, {true, Vec3::UnitX()}, 2, 6);
  painting.color = red;
  check(painting, {true, Vec3::UnitX()}, 2, 0);  // an early type
}

TEST(ShapeLaw, TypesFollowColour) {
  Painting painting = silent();
  painting.law.early_centre = 0.6, painting.law.early_width = 0.05, painting.law.early_disc = 4, painting.color = 0.65;
  constexpr int n = 20000;
  for (const double disc : {0.5, 0.9}) {
    painting.disc = disc;
    const auto early = painting(std::vector<Halo>(n)).scalars.back();
    const double p = 1 / (1 + std::exp(-1.0 + 4 * (disc - 0.5)));
    EXPECT_NEAR(std::accumulate(early.begin(), early.end(), 0.) / n, p, z_limit * std::sqrt(p * (1 - p) / n));
  }
}

// What is seen along each axis of the box has the stated mean ellipticity, at every amplitude that is small.
TEST(ShapeLaw, NonlinearAlignmentHasItsAmplitudeAlongAnyLineOfSight) {
  Painting painting = silent();
  painting.law.nla = 4, painting.law.density_exponent = 0.5, painting.simulation.scale_factor = 0.5;
  painting.law.b_to_a_late = {1.0, 0.5}, painting.law.c_to_b_late = {0.5, 0.5};
  Mat3 tide;
  tide << 0.9, 0.5, -0.3, 0.5, 0.2, 0.4, -0.3, 0.4, 0.4;
  constexpr int n = 200000;
  const auto painted = painting(std::vector<Halo>(n, Halo{true, Vec3::Zero(), Vec3::Zero(), tide}));
  const double density = 1 + tide.trace(), growth = model::linear_growth(0.3, 0.7, 0.5);
  const double amplitude = 4 * 0.0134 * 0.3 / growth * std::sqrt(density);
  for (int sight = 0; sight < 3; ++sight) {
    const int x = (sight + 1) % 3, y = (sight + 2) % 3;
    Mat3 turn = Mat3::Zero();  // to a frame whose z is the line of sight
    turn(0, x) = turn(1, y) = turn(2, sight) = 1;
    std::array<double, 2> mean{};
    for (int i = 0; i < n; ++i) {
      const auto k = static_cast<std::size_t>(i);
      const auto e = so3::projected_ellipticity(turn * painted.frame[k], painted.b_to_a[k], painted.c_to_a[k]);
      mean[0] += e[0] / n, mean[1] += e[1] / n;
    }
    // Ellipticities scatter by 0.2 at most; second order in the stretch is below 2 % of the amplitude.
    const double error = z_limit * 0.2 / std::sqrt(n) + 0.02 * amplitude;
    EXPECT_NEAR(mean[0], -amplitude * (tide(x, x) - tide(y, y)), error) << sight;
    EXPECT_NEAR(mean[1], -amplitude * 2 * tide(x, y), error) << sight;
  }
}

TEST(ShapeLaw, TorquingIsQuadraticInTheTide) {
  Painting painting = silent();
  painting.law.torque = 3;
  Mat3 tide = Vec3(0.8, -0.2, -0.6).asDiagonal();
  constexpr int n = 100000;
  double mean = 0;
  const auto painted = painting(std::vector<Halo>(n, Halo{true, Vec3::Zero(), Vec3::Zero(), tide}));
  for (std::size_t i = 0; i < n; ++i)
    mean += so3::projected_ellipticity(painted.frame[i], painted.b_to_a[i], painted.c_to_a[i])[0] / n;
  const double amplitude = 5 * 3 * 0.0134 * 0.3;
  EXPECT_NEAR(mean, amplitude * (0.64 - 0.04), z_limit * 0.2 / std::sqrt(n) + 0.02 * amplitude);
}

TEST(ShapeLaw, AStrongFieldStillGivesEllipsoids) {
  Painting painting = silent();
  painting.law.nla = 1000;
  const auto painted = painting(std::vector<Halo>(100, Halo{true, Vec3::Zero(), Vec3::Zero(), Vec3(8, 1, -3).asDiagonal()}));
  for (std::size_t i = 0; i < 100; ++i) {
    EXPECT_TRUE(so3::is_rotation(painted.frame[i], 1e-9));
    EXPECT_TRUE(painted.c_to_a[i] > 0 && painted.c_to_a[i] <= painted.b_to_a[i] && painted.b_to_a[i] <= 1);
  }
}

TEST(ShapeLaw, TurnsWithTheBox) {
  auto random = RandomStream(5, 1, Purpose::test);
  const Mat3 q = so3::uniform_rotation(random);
  std::vector<Halo> halos, turned;
  for (int i = 0; i < 200; ++i) {
    const Mat3 noise = Mat3::NullaryExpr([&] { return random.normal(); });
    const Halo halo{i % 3 != 0, random.unit_vector(), random.normal3(), noise + noise.transpose()};
    halos.push_back(halo);
    turned.push_back({halo.central, q * halo.axis, q * halo.displacement, q * halo.tide * q.transpose()});
  }
  for (const double color : {0., red}) {
    Painting painting;
    painting.simulation.omega_m = 0.3, painting.simulation.omega_l = 0.7;
    painting.law.nla = 2, painting.color = color;
    const auto one = painting(halos);
    painting.spin = q * painting.spin, painting.frame = q;
    const auto other = painting(turned);
    for (std::size_t i = 0; i < halos.size(); ++i) {
      for (int k = 0; k < 3; ++k)
        EXPECT_NEAR((q * one.frame[i].col(k)).dot(other.frame[i].col(k)), 1, 1e-6);
      EXPECT_NEAR(one.b_to_a[i], other.b_to_a[i], 1e-9);
      EXPECT_NEAR(one.c_to_a[i], other.c_to_a[i], 1e-9);
    }
  }
}

TEST(ShapeLaw, RefusesWhatItCannotKnow) {
  const auto table = table_of({Halo{}});
  const auto fails = [](const config::Shapes& law, const Given& first, const catalog::Table& halos, const char* text) {
    try {
      model::make_shape_law(law, 1, Mat3::Identity(), first, halos, {});
      ADD_FAILURE() << text;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::config);
      EXPECT_NE(std::string(error.what()).find(text), std::string::npos) << error.what();
    }
  };
  config::Shapes law;
  const Given whole({"log_stellar_mass", "color_gr"}, true);
  fails(law, Given({"log_stellar_mass"}, true), table, "color_gr");
  fails(law, whole, table_of({Halo{}}, false), "halo_shape");
  fails(law, Given({"log_stellar_mass", "color_gr"}, false), table, "angular_momentum");
  law.smoothing = 2;
  fails(law, whole, table, "tidal_2");
  law.tide = {0, 0};
  EXPECT_NO_THROW(model::make_shape_law(law, 1, Mat3::Identity(), whole, table, {}));
}

// Omega_m = 1: D = a. Otherwise the fit of Carroll, Press & Turner 1992, eq. 29, good to 2 %.
TEST(LinearGrowth, AgreesWithClosedForms) {
  EXPECT_NEAR(model::linear_growth(1, 0, 0.3), 0.3, 1e-8);
  const auto g = [](double m, double l) {
    return 2.5 * m / (std::pow(m, 4. / 7) - l + (1 + m / 2) * (1 + l / 70));
  };
  const double a = 0.5, e2 = 0.3 / (a * a * a) + 0.7;
  EXPECT_NEAR(model::linear_growth(0.3, 0.7, a), a * g(0.3 / (a * a * a) / e2, 0.7 / e2) / g(0.3, 0.7), 0.005);
  EXPECT_DOUBLE_EQ(model::linear_growth(0.3, 0.7, 1), 1);
}

}  // namespace
}  // namespace halobrush
