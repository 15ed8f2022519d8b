#include "halobrush/validate/lensing.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <fstream>

#include "halobrush/core/error.hpp"
#include "halobrush/core/random.hpp"
#include "halobrush/validate/requirements.hpp"

namespace halobrush::validate {
namespace {

constexpr std::size_t regions = 64, bins = 4;
const NlaModel model = {{6, 9, 14, 21, 32}, {9.7, 5.9, 3.1, 1.3}, {0.034, 0.025, 0.017, 0.011}, 1, 0};

// Values are means of independent regions with this mean and a scatter of `noise` times the mean.
Statistic measured(const std::string& name, const std::vector<double>& mean, double noise, std::int64_t id) {
  Statistic s;
  s.name = name, s.selection = "red", s.cut = "color_gr > 0.6", s.edges = model.edges;
  RandomStream random(3, id, Purpose::test);
  std::vector<std::vector<double>> region(regions, mean);
  std::vector<double> sum(mean.size());
  for (auto& r : region)
    for (std::size_t b = 0; b < mean.size(); ++b) sum[b] += r[b] *= 1 + noise * random.normal();
  for (const auto& r : region) {
    s.leave_one_out.emplace_back();
    for (std::size_t b = 0; b < mean.size(); ++b) s.leave_one_out.back().push_back((sum[b] - r[b]) / (regions - 1.));
  }
  for (const double x : sum) s.value.push_back(x / regions);
  s.pairs.assign(mean.size(), 1000);
  s.error.assign(mean.size(), 1);
  return s;
}

std::vector<double> times(double factor, std::vector<double> x) {
  for (auto& one : x) one *= factor;
  return x;
}

NlaFit fit_of(double amplitude, double bias, double noise, std::int64_t id) {
  return fit_nla(measured("wgplus", times(bias * amplitude, model.w_nla), noise, 2 * id),
                 measured("wgg", times(bias * bias, model.w_mm), noise, 2 * id + 1), model);
}

TEST(Nla, GivesBackWhatWasPutIn) {
  const auto fit = fit_of(3, 1.5, 1e-6, 0);
  EXPECT_NEAR(fit.amplitude, 3, 1e-5);
  EXPECT_NEAR(fit.bias, 1.5, 1e-5);
  EXPECT_EQ(fit.dof, 6);
  EXPECT_EQ(fit.selection, "red");
}

TEST(Nla, ErrorsAreTheScatterOfTheEstimates) {
  constexpr int trials = 1000;
  double pulls_a = 0, pulls_b = 0, chi2 = 0;
  for (int i = 0; i < trials; ++i) {
    const auto fit = fit_of(3, 1.5, 0.5, i);
    pulls_a += std::pow((fit.amplitude - 3) / fit.amplitude_error, 2) / trials;
    pulls_b += std::pow((fit.bias - 1.5) / fit.bias_error, 2) / trials;
    chi2 += fit.chi2 / fit.dof / trials;
  }
  // Hartlap's factor does not hold the scatter that a covariance of 64 regions and 8 numbers adds: 1 + 0.11 (Percival et al. 2014, eq. 16).
  EXPECT_NEAR(pulls_a, 1.11, 4 * std::sqrt(2. / trials));
  EXPECT_NEAR(pulls_b, 1.11, 4 * std::sqrt(2. / trials));
  EXPECT_NEAR(chi2, 1, 0.1);
}

TEST(Nla, WhatCannotBeFittedIsNotANumber) {
  const auto wgg = measured("wgg", model.w_mm, 0.1, 1), wgplus = measured("wgplus", model.w_nla, 0.1, 2);
  auto few = wgplus;
  few.leave_one_out.resize(2 * bins + 2);
  EXPECT_TRUE(std::isnan(fit_nla(few, wgg, model).amplitude));
  auto empty = wgplus;
  empty.leave_one_out[3][1] = unknown;
  EXPECT_TRUE(std::isnan(fit_nla(empty, wgg, model).amplitude));
  EXPECT_TRUE(std::isnan(fit_nla(wgplus, measured("wgg", times(-1, model.w_mm), 0.1, 1), model).amplitude));
}

TEST(Significance, IsTheAmplitudeOfInverseROverItsError) {
  std::vector<double> inverse_r;
  for (std::size_t b = 0; b < bins; ++b) inverse_r.push_back(1 / std::sqrt(model.edges[b] * model.edges[b + 1]));
  constexpr int trials = 400;
  double mean = 0;
  for (int i = 0; i < trials; ++i)
    mean += significance_of(measured("wgplus", inverse_r, 0.5, i), {6, 32}) / trials;
  // Each of the four bins is 1 / (0.5 / sqrt(64)) = 16 errors above zero; Hartlap's factor: 58/63; the inverse of an estimated variance:
  // sqrt(63) times the mean of 1 / chi of 60 degrees of freedom.
  EXPECT_NEAR(mean, 32 * std::sqrt(58. / 63) * std::sqrt(63) * std::tgamma(29.5) / (std::sqrt(2) * std::tgamma(30)), 0.6);
  EXPECT_LT(significance_of(measured("wgplus", times(-1, inverse_r), 0.5, 1), {6, 32}), -20);
  EXPECT_NEAR(significance_of(measured("wgplus", inverse_r, 0.5, 1), {6, 10}), 16, 6);
  EXPECT_TRUE(std::isnan(significance_of(measured("wgplus", inverse_r, 0.5, 1), {40, 50})));
}

struct File {
  explicit File(const std::string& text) {
    std::ofstream(path) << text;
  }
  ~File() { std::filesystem::remove(path); }
  std::string path = (std::filesystem::temp_directory_path() / fmt::format("halobrush-lensing-{}", getpid())).string();
};

std::string error_of(const std::string& text) {
  const File file(text);
  try {
    read_target("ed_A", file.path, {}, {0.1, 32});
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(Targets, ArithmeticAndGeometricCentresNameABin) {
  // The first bins of Campbell et al.'s vectors (14 from 0.1 to 10^1.5 Mpc/h), then geometric centres of ours.
  const File file("# published\nr ed err\n0.125429535 0.079 0.0075\n0.189221832 0.069 0.0064\n\n0.279 0.05 0.006  # geometric\n");
  const auto t = read_target("ed_A", file.path, {}, {0.1, 32});
  EXPECT_EQ(t.bins, (std::vector<std::size_t>{0, 1, 2}));
  EXPECT_EQ(t.value, (std::vector<double>{0.079, 0.069, 0.05}));
  EXPECT_EQ(t.error, (std::vector<double>{0.0075, 0.0064, 0.006}));
  EXPECT_EQ(read_target("ed_A", file.path, {}, {0.15, 32}).bins, (std::vector<std::size_t>{1, 2}));
}

TEST(Targets, WhatDoesNotFitIsRefused) {
  EXPECT_NE(error_of("r ed err\n0.127 1 1\n").find("centre of no further bin"), std::string::npos);
  EXPECT_NE(error_of("r ed err\n0.1892 1 1\n0.1254 1 1\n").find("centre of no further bin"), std::string::npos);
  EXPECT_NE(error_of("r ed err\n0.1254 1 -1\n").find("not above zero"), std::string::npos);
  EXPECT_NE(error_of("r ed err\n0.1254 inf 1\n").find("no finite number"), std::string::npos);
  EXPECT_NE(error_of("r ed err\n0.1254 1 1 1\n").find("4 words"), std::string::npos);
  EXPECT_NE(error_of("r ed err cov\n0.1254 1 1 1\n").find("columns are"), std::string::npos);
  EXPECT_NE(error_of("r ed err\n").find("holds no bins"), std::string::npos);
  EXPECT_NE(error_of("").find("holds no bins"), std::string::npos);
}

TEST(Ellipticities, OfBothDefinitions) {
  std::string text;
  for (int i = 0; i < 50; ++i) text += "0.6\n";
  const File file(text);
  // q = 1/2: chi = (1 - 1/4) / (1 + 1/4), epsilon = (1 - 1/2) / (1 + 1/2).
  EXPECT_DOUBLE_EQ(read_ellipticities("key", file.path, "chi")[7], 1 / 3.);
  EXPECT_DOUBLE_EQ(read_ellipticities("key", file.path, "epsilon")[7], 0.6);
}

// ---- the set of requirements ----

const Requirement* verdict(const std::vector<Requirement>& all, const std::string& part) {
  for (const auto& r : all)
    if (r.name.find(part) != std::string::npos) return &r;
  return nullptr;
}

TEST(LensingRequirements, JudgeAmplitudesTargetsAndEllipticities) {
  const auto required = config::parse_requirements(config::lensing_requirements(), "lensing");
  Measurement mock;
  mock.nla.fits.resize(2);
  mock.nla.fits[0].selection = "red", mock.nla.fits[1].selection = "blue";
  const auto passes = [&](const std::string& part) {
    const auto all = judge(required, mock, {});
    return verdict(all, part) != nullptr && verdict(all, part)->pass;
  };
  EXPECT_FALSE(passes("A_1 of red minus"));  // not measured
  mock.nla.fits[0].amplitude = 3, mock.nla.fits[1].amplitude = 1;
  EXPECT_TRUE(passes("A_1 of red minus"));
  mock.nla.fits[1].amplitude = 4;
  EXPECT_FALSE(passes("A_1 of red minus"));

  mock.targets.push_back({"ed_A:red", "there/vector.dat", {}, {}, {}, {}, {}, 11.9, 10});
  mock.ellipticities.push_back({"red", "early.dat", 0.029, 0.05, 1000, 1000});
  EXPECT_TRUE(passes("ed_A:red against vector.dat") && passes("ellipticity (red) against early.dat"));
  mock.targets[0].chi2 = 12.1, mock.ellipticities[0].ks = 0.031;
  EXPECT_FALSE(passes("ed_A:red against vector.dat") || passes("ellipticity (red) against early.dat"));

  mock.columns["ellipticity"] = {1000, 0, 0.01, 0.9, 0.3, 0.2};
  EXPECT_TRUE(passes("column ellipticity: fraction of NaN"));
  mock.columns["ellipticity"].nan = 1;
  EXPECT_FALSE(passes("column ellipticity: fraction of NaN"));
  EXPECT_FALSE(passes("column b_to_a: fraction of NaN"));  // absent
}

TEST(LensingRequirements, RedGalaxiesMustBeSeenToPointAtOthers) {
  const auto required = config::parse_requirements(
      "detected:\n  - {of: [wgplus], selections: [red], r: [6, 32], significance: 5}\n", "here");
  Measurement mock;
  EXPECT_FALSE(judge(required, mock, {}).at(0).pass);
  mock.statistics = {measured("wgplus", model.w_nla, 0.5, 1)};
  EXPECT_TRUE(judge(required, mock, {}).at(0).pass);
  mock.statistics = {measured("wgplus", model.w_nla, 8, 1)};
  EXPECT_FALSE(judge(required, mock, {}).at(0).pass);
}

TEST(LensingRequirements, MistakesAreNamed) {
  const auto problem = [](const std::string& text) -> std::string {
    try {
      config::parse_requirements(text, "here");
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_NE(problem("detected:\n  - {of: [wgplus]}\n").find("significance: must be > 0"), std::string::npos);
  EXPECT_NE(problem("amplitudes:\n  - {larger: red}\n").find("must name two sub-samples"), std::string::npos);
  EXPECT_NE(problem("targets: {chi2: 1}\n").find("unknown key"), std::string::npos);
}

}  // namespace
}  // namespace halobrush::validate
