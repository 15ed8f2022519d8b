#include <gtest/gtest.h>

#include <Eigen/LU>
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "halobrush/core/error.hpp"
#include "halobrush/core/random.hpp"
#include "halobrush/features/features.hpp"

namespace halobrush::features {
namespace {

constexpr std::array tide_components = {"xx", "yy", "zz", "xy", "xz", "yz"};

/// A halo with everything that a catalog may say; unlike the table's rows it can be turned.
struct Halo {
  std::int64_t id, host_id;
  double mass, radius, vmax, scale_radius, spin, specific_spin, bound_mass, host_mass, host_radius;
  Vec3 velocity, host_d, host_dv, j, axis;
  bool resolved;
  double b_to_a, c_to_a;
  Mat3 tide;

  Halo turned(const Mat3& q) const {
    Halo h = *this;
    for (auto* polar : {&h.velocity, &h.host_d, &h.host_dv, &h.axis}) *polar = q * *polar;
    h.j = q.determinant() * (q * j);
    h.tide = q * tide * q.transpose();
    return h;
  }
};

std::vector<Halo> random_halos(std::int64_t count) {
  std::vector<Halo> halos;
  for (std::int64_t id = 0; id < count; ++id) {
    RandomStream r(11, id, Purpose::test);
    Halo h{};
    h.id = id;
    h.host_id = id % 3 == 0 ? id : id - id % 3;
    h.mass = 1e12 * (1 + r.uniform());
    h.radius = 0.2 + r.uniform();
    h.vmax = 100 + r.uniform();
    h.scale_radius = h.radius / (3 + 10 * r.uniform());
    h.spin = 0.1 * r.uniform();
    h.specific_spin = r.uniform();
    h.bound_mass = 1.1 * h.mass;
    h.host_mass = 5e13;
    h.host_radius = 0.8;
    h.velocity = 400 * r.normal3();
    h.host_d = id == h.host_id ? Vec3(Vec3::Zero()) : Vec3(0.3 * r.normal3());
    h.host_dv = id == h.host_id ? Vec3(Vec3::Zero()) : Vec3(300 * r.normal3());
    h.j = 1e14 * r.normal3();
    h.axis = r.unit_vector();
    h.resolved = id % 4 != 1;
    if (!h.resolved) h.axis.setZero();
    h.b_to_a = h.resolved ? 0.7 : 0;
    h.c_to_a = h.resolved ? 0.5 : 0;
    for (int i = 0; i < 3; ++i) h.tide.col(i) = r.normal3();
    h.tide = (h.tide + h.tide.transpose()).eval();
    halos.push_back(h);
  }
  return halos;
}

catalog::Table table_of(const std::vector<Halo>& halos) {
  catalog::Table t;
  const auto add = [&](const std::string& name, auto&& of) {
    std::vector<std::decay_t<decltype(of(halos[0]))>> values;
    for (const auto& h : halos) values.push_back(of(h));
    t.add({name, "", ""}, std::move(values));
  };
  const auto add_vector = [&](const std::string& prefix, Vec3 Halo::*of) {
    for (int k = 0; k < 3; ++k) add(prefix + "xyz"[k], [=](const Halo& h) -> double { return (h.*of)[k]; });
  };
  add("id", [](const Halo& h) { return h.id; });
  add("host_id", [](const Halo& h) { return h.host_id; });
  add("mass", [](const Halo& h) { return h.mass; });
  add("radius", [](const Halo& h) { return h.radius; });
  add("vmax", [](const Halo& h) { return h.vmax; });
  add("scale_radius", [](const Halo& h) { return h.scale_radius; });
  add("spin", [](const Halo& h) { return h.spin; });
  add("specific_spin", [](const Halo& h) { return h.specific_spin; });
  add("bound_mass", [](const Halo& h) { return h.bound_mass; });
  add("host_mass", [](const Halo& h) { return h.host_mass; });
  add("host_radius", [](const Halo& h) { return h.host_radius; });
  add("shape_resolved", [](const Halo& h) -> std::uint8_t { return h.resolved; });
  add("b_to_a", [](const Halo& h) { return h.b_to_a; });
  add("c_to_a", [](const Halo& h) { return h.c_to_a; });
  add_vector("v", &Halo::velocity);
  add_vector("host_d", &Halo::host_d);
  add_vector("host_dv", &Halo::host_dv);
  add_vector("j", &Halo::j);
  add_vector("axis_", &Halo::axis);
  for (std::size_t i = 0; i < tide_components.size(); ++i)
    add(std::string("tidal_4_") + tide_components[i],
        [=](const Halo& h) -> double { return to_sym3(h.tide)[static_cast<Eigen::Index>(i)]; });
  return t;
}

FeatureNames all_names(const catalog::Table& halos) {
  FeatureNames names;
  for (const auto& f : available(halos))
    (f.kind == Kind::scalar  ? names.scalars
     : f.kind == Kind::polar ? names.polar
     : f.kind == Kind::axial ? names.axial
                             : names.tensors)
        .push_back(f.name);
  return names;
}

double scalar(const catalog::Table& halos, const std::string& name, std::size_t row) {
  return assemble(halos, {{name}, {}, {}, {}}).scalars.at(row);
}
Vec3 vector_at(const std::vector<double>& values, std::size_t i) {
  return Eigen::Map<const Vec3>(&values.at(3 * i + 2) - 2);
}
Mat3 tensor_at(const std::vector<double>& values, std::size_t i) {
  return to_matrix(Eigen::Map<const Sym3>(&values.at(6 * i + 5) - 5));
}

std::string error_of(const catalog::Table& halos, const FeatureNames& names, ExitCode code) {
  try {
    assemble(halos, names);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code) << error.what();
    return error.what();
  }
  return "no error";
}

TEST(Available, ListsEveryFeatureThatTheColumnsAllow) {
  const auto halos = table_of(random_halos(4));
  const auto names = all_names(halos);
  EXPECT_EQ(names.scalars, (std::vector<std::string>{
                               "log_mass", "log_host_mass", "log_vmax", "log_concentration", "is_central",
                               "log_host_distance", "log_spin", "log_specific_spin", "log_bound_mass",
                               "host_speed", "host_radial_velocity", "shape_resolved", "halo_b_to_a",
                               "halo_c_to_a", "tidal_trace_4", "tidal_anisotropy_4"}));
  EXPECT_EQ(names.polar, (std::vector<std::string>{"host_displacement", "host_velocity", "velocity"}));
  EXPECT_EQ(names.axial, (std::vector<std::string>{"angular_momentum", "orbital_angular_momentum"}));
  EXPECT_EQ(names.tensors, (std::vector<std::string>{"halo_shape", "tidal_4"}));
  for (const auto& f : available(halos)) {
    EXPECT_FALSE(f.meaning.empty()) << f.name;
    for (const auto& column : f.columns) EXPECT_TRUE(halos.has(column)) << f.name;
  }
}

TEST(Available, LeavesOutWhatLacksAColumn) {
  auto halos = table_of(random_halos(4));
  halos.remove("vmax");
  halos.remove("tidal_4_xz");
  const auto names = all_names(halos);
  EXPECT_EQ(std::ranges::count(names.scalars, "log_vmax"), 0);
  EXPECT_EQ(std::ranges::count(names.scalars, "tidal_trace_4"), 0);
  EXPECT_EQ(names.tensors, std::vector<std::string>{"halo_shape"});
}

TEST(Assemble, GivesTheStatedNumbers) {
  auto all = random_halos(5);
  auto& h = all[1];  // a satellite
  h.mass = 1e13;
  h.vmax = 1000;
  h.radius = 1;
  h.scale_radius = 0.1;
  h.spin = 0.01;
  h.host_mass = 1e14;
  h.host_radius = 2;
  h.host_d = {0.2, 0, 0};
  h.host_dv = {-300, 0, 400};
  h.specific_spin = 10;
  h.bound_mass = 1e12;
  h.velocity = {300, -600, 0};
  h.j = {0, 0, -3e160};  // the squares overflow
  h.resolved = true;
  h.axis = {0, 1, 0};
  h.b_to_a = 0.8;
  h.c_to_a = 0.6;
  h.tide = Vec3(6, 3, 0).asDiagonal();
  all[2].resolved = false;
  all[2].b_to_a = 0.3;  // not to be used
  all[2].j.setZero();
  all[2].scale_radius = 0;
  all[2].vmax = all[2].spin = 0;
  all[2].tide = -Mat3::Identity();
  const auto halos = table_of(all);
  const auto expect = [&](const char* name, std::size_t row, double value) {
    EXPECT_NEAR(scalar(halos, name, row), value, 1e-14) << name;
  };
  expect("log_mass", 1, 13);
  expect("log_host_mass", 1, 14);
  expect("log_vmax", 1, 3);
  expect("log_vmax", 2, 0);
  expect("log_concentration", 1, 1);
  expect("log_concentration", 2, 2);
  expect("is_central", 0, 1);
  expect("is_central", 1, 0);
  expect("log_host_distance", 0, 0);
  expect("log_host_distance", 1, -1);
  expect("log_spin", 1, -2);
  expect("log_spin", 2, -4);
  expect("log_specific_spin", 1, -2);
  expect("log_specific_spin", 2, std::log10(1e3 * all[2].specific_spin));  // vmax: at least 1 km/s
  expect("log_bound_mass", 1, 12);
  // V_host = sqrt(4.30091e-9 * 1e14 / 2) km/s
  const double v_host = std::sqrt(4.30091e5 / 2);
  expect("host_speed", 0, 0);
  expect("host_speed", 1, 500 / v_host);
  expect("host_radial_velocity", 0, 0);
  expect("host_radial_velocity", 1, -300 / v_host);
  expect("shape_resolved", 1, 1);
  expect("shape_resolved", 2, 0);
  expect("halo_b_to_a", 1, 0.8);
  expect("halo_b_to_a", 2, 0);
  expect("halo_c_to_a", 1, 0.6);
  expect("tidal_trace_4", 1, 1);
  expect("tidal_trace_4", 2, -2);
  expect("tidal_anisotropy_4", 1, std::sqrt(18.0) / 10);
  expect("tidal_anisotropy_4", 2, 0);

  const auto nodes = assemble(halos, {{},
                                      {"velocity", "host_displacement", "host_velocity"},
                                      {"angular_momentum", "orbital_angular_momentum"},
                                      {"halo_shape", "tidal_4"}});
  EXPECT_EQ(nodes.nodes, 5u);
  EXPECT_LT((vector_at(nodes.polar, 3) - Vec3(1, -2, 0)).norm(), 1e-15);
  EXPECT_LT((vector_at(nodes.polar, 4) - Vec3(0.1, 0, 0)).norm(), 1e-15);
  EXPECT_LT((vector_at(nodes.polar, 5) - Vec3(-300, 0, 400) / v_host).norm(), 1e-14);
  EXPECT_EQ(vector_at(nodes.polar, 1), Vec3(Vec3::Zero())) << "a central has no displacement";
  EXPECT_LT((vector_at(nodes.axial, 2) - Vec3(0, 0, -1)).norm(), 1e-15);
  EXPECT_EQ(vector_at(nodes.axial, 4), Vec3(Vec3::Zero()));
  // (0.1, 0, 0) x (-300, 0, 400) km/s
  EXPECT_LT((vector_at(nodes.axial, 3) - Vec3(0, -40, 0) / v_host).norm(), 1e-14);
  EXPECT_EQ(vector_at(nodes.axial, 1), Vec3(Vec3::Zero())) << "a central has no orbit";
  EXPECT_LT((tensor_at(nodes.tensors, 2) - Mat3(Vec3(-1, 2, -1).asDiagonal()) / 3).norm(), 1e-15);
  EXPECT_LT((tensor_at(nodes.tensors, 3) - Mat3(Vec3(3, 0, -3).asDiagonal()) / 10).norm(), 1e-15);
  EXPECT_EQ(tensor_at(nodes.tensors, 4), Mat3(Mat3::Zero())) << "unresolved shape";
}

TEST(Leaks, NamesTheInputsThatAreALabelsOwnQuantity) {
  EXPECT_EQ(leaks("galaxy_spin"), std::vector<std::string>{"angular_momentum"});
  EXPECT_EQ(leaks("galaxy_spin_y"), std::vector<std::string>{"angular_momentum"});
  EXPECT_EQ(leaks("vmax"), (std::vector<std::string>{"log_vmax", "log_specific_spin"}));
  for (const char* label :
       {"log_stellar_mass", "color_gr", "log_size", "log_ssfr", "disc_fraction", "galaxy_axis"})
    EXPECT_TRUE(leaks(label).empty()) << label;
}

TEST(Assemble, FlagsCentralsByTheirIdentifierWithoutRounding) {
  auto all = random_halos(1);
  all[0].id = (std::int64_t{1} << 60) + 1;
  all[0].host_id = std::int64_t{1} << 60;
  EXPECT_EQ(scalar(table_of(all), "is_central", 0), 0);
}

std::vector<Mat3> cube_symmetries() {
  std::vector<Mat3> symmetries;
  std::array<int, 3> axes = {0, 1, 2};
  do {
    for (int signs = 0; signs < 8; ++signs) {
      Mat3 q = Mat3::Zero();
      for (int i = 0; i < 3; ++i) q(i, axes[static_cast<std::size_t>(i)]) = (signs >> i) & 1 ? -1 : 1;
      symmetries.push_back(q);
    }
  } while (std::next_permutation(axes.begin(), axes.end()));
  return symmetries;
}

TEST(Assemble, TurnsEachKindByItsRuleUnderThe48SymmetriesOfTheCube) {
  const auto all = random_halos(12);
  const auto halos = table_of(all);
  const auto names = all_names(halos);
  const auto original = assemble(halos, names);
  const auto symmetries = cube_symmetries();
  ASSERT_EQ(symmetries.size(), 48u);
  for (const auto& q : symmetries) {
    std::vector<Halo> turned_halos;
    for (const auto& h : all) turned_halos.push_back(h.turned(q));
    const auto turned = assemble(table_of(turned_halos), names);
    for (std::size_t i = 0; i < original.scalars.size(); ++i)
      EXPECT_NEAR(turned.scalars[i], original.scalars[i], 1e-14);
    for (std::size_t i = 0; i < original.polar.size() / 3; ++i)
      EXPECT_LT((vector_at(turned.polar, i) - q * vector_at(original.polar, i)).norm(), 1e-14);
    for (std::size_t i = 0; i < original.axial.size() / 3; ++i)
      EXPECT_LT((vector_at(turned.axial, i) - q.determinant() * (q * vector_at(original.axial, i))).norm(),
                1e-14);
    for (std::size_t i = 0; i < original.tensors.size() / 6; ++i)
      EXPECT_LT((tensor_at(turned.tensors, i) - q * tensor_at(original.tensors, i) * q.transpose()).norm(),
                1e-14);
  }
}

TEST(Assemble, TakesATableWithoutRows) {
  const auto halos = table_of(random_halos(3)).empty_like();
  const auto nodes = assemble(halos, all_names(halos));
  EXPECT_EQ(nodes.nodes, 0u);
  EXPECT_TRUE(nodes.scalars.empty() && nodes.polar.empty() && nodes.axial.empty() && nodes.tensors.empty());
}

TEST(Assemble, NamesTheColumnsThatAnInputLacks) {
  auto halos = table_of(random_halos(3));
  halos.remove("vmax");
  EXPECT_EQ(error_of(halos, {{"log_vmax"}, {}, {}, {}}, ExitCode::model),
            "input 'log_vmax' needs column 'vmax', which the catalog lacks; use a model trained without it, "
            "or a catalog "
            "that has it");
  EXPECT_NE(error_of(halos, {{}, {}, {}, {"tidal_2.5"}}, ExitCode::model)
                .find("'tidal_2.5' needs columns 'tidal_2.5_xx', 'tidal_2.5_yy'"),
            std::string::npos);
}

TEST(Assemble, NamesTheNearestKnownInput) {
  const auto halos = table_of(random_halos(3));
  EXPECT_NE(error_of(halos, {{"log_mas"}, {}, {}, {}}, ExitCode::model).find("nearest known: 'log_mass'"),
            std::string::npos);
  EXPECT_NE(error_of(halos, {{"velocity"}, {}, {}, {}}, ExitCode::model).find("'velocity' is a polar vector"),
            std::string::npos);
}

TEST(Assemble, NamesColumnAndHaloOfABrokenValue) {
  auto halos = table_of(random_halos(8));
  halos.get<double>("spin")[6] = std::numeric_limits<double>::quiet_NaN();
  const auto text = error_of(halos, {{"log_mass", "log_spin"}, {}, {}, {}}, ExitCode::data);
  EXPECT_NE(text.find("column 'spin': halo 6"), std::string::npos) << text;
  EXPECT_EQ(error_of(halos, {{"log_mass"}, {}, {}, {}}, ExitCode::data), "no error")
      << "an unused column may be broken";
  halos.get<double>("host_radius")[5] = 0;
  EXPECT_NE(error_of(halos, {{}, {"host_displacement"}, {}, {}}, ExitCode::data).find("halo 5"),
            std::string::npos);
}

}  // namespace
}  // namespace halobrush::features
