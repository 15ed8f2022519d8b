#include "halobrush/validate/requirements.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "halobrush/core/error.hpp"
#include "halobrush/core/random.hpp"

namespace halobrush::validate {
namespace {

constexpr std::size_t regions = 64, bins = 14;

// A statistic whose jackknife samples are those of independent normal regions: value ~ truth + N(0,
// 1/regions).
Statistic synthetic(double truth, std::int64_t id) {
  Statistic s;
  s.name = "ed_A", s.selection = "all";
  for (std::size_t b = 0; b <= bins; ++b)
    s.edges.push_back(std::pow(10, -1 + 2.5 * static_cast<double>(b) / bins));
  RandomStream random(1, id, Purpose::test);
  std::vector<std::vector<double>> region(regions, std::vector<double>(bins));
  for (auto& r : region)
    for (auto& x : r) x = truth + random.normal();
  std::vector<double> sum(bins);
  for (const auto& r : region)
    for (std::size_t b = 0; b < bins; ++b) sum[b] += r[b];
  for (const auto& r : region) {
    s.leave_one_out.emplace_back();
    for (std::size_t b = 0; b < bins; ++b) s.leave_one_out.back().push_back((sum[b] - r[b]) / (regions - 1.));
  }
  for (std::size_t b = 0; b < bins; ++b) s.value.push_back(sum[b] / regions);
  s.error.assign(bins, 1 / std::sqrt(double(regions)));
  s.pairs.assign(bins, 1000);
  return s;
}

constexpr config::Interval everywhere = {0, 1e9};

TEST(Compare, PValuesOfEqualPopulationsAreUniform) {
  constexpr int trials = 1000;
  double sum = 0, chi2 = 0;
  int below = 0;
  for (int i = 0; i < trials; ++i) {
    const auto a = synthetic(0.1, 2 * i), b = synthetic(0.1, 2 * i + 1);
    const auto c = compare(a, &b, everywhere);
    EXPECT_EQ(c.dof, 6);  // 14 bins, averaged until there are ten regions for each
    sum += c.p_value, below += c.p_value < 0.1, chi2 += c.chi2 / c.dof / trials;
  }
  // Limits at 4 standard deviations: false alarms 1e-4, with a fixed seed.
  EXPECT_NEAR(sum / trials, 0.5, 4 * std::sqrt(1 / 12. / trials));
  EXPECT_NEAR(below / double(trials), 0.1, 4 * std::sqrt(0.09 / trials));
  EXPECT_NEAR(chi2, 1, 4 * std::sqrt(2 / 6. / trials) * 1.3);
}

TEST(Compare, ADifferenceIsSeen) {
  const auto a = synthetic(0.1, 1), b = synthetic(0.9, 2);
  EXPECT_LT(compare(a, &b, everywhere).p_value, 1e-6);
  EXPECT_LT(compare(b, nullptr, everywhere).p_value, 1e-6);
}

TEST(Compare, WhatBothSidesShareCancels) {
  // The same noise on both sides, and a difference far below it.
  auto a = synthetic(0.1, 1);
  auto b = a;
  for (auto& x : b.value) x += 1e-3;
  for (auto& sample : b.leave_one_out)
    for (auto& x : sample) x += 1e-3;
  const auto noise = synthetic(0, 5);
  for (std::size_t k = 0; k < regions; ++k)
    for (std::size_t i = 0; i < bins; ++i) b.leave_one_out[k][i] += 1e-3 * noise.leave_one_out[k][i];
  for (std::size_t i = 0; i < bins; ++i) b.value[i] += 1e-3 * noise.value[i];
  EXPECT_LT(compare(b, &a, everywhere).p_value, 1e-6);
}

TEST(Compare, ACatalogAgainstItselfIsTheSame) {
  const auto a = synthetic(0.1, 1);
  const auto c = compare(a, &a, everywhere);
  EXPECT_EQ(c.chi2, 0);
  EXPECT_EQ(c.p_value, 1);
  EXPECT_EQ(c.ratio, 1);
}

TEST(Compare, OtherBinsOrSubBoxesAreNotCompared) {
  const auto a = synthetic(0.1, 1);
  auto b = synthetic(0.1, 2);
  b.edges[3] *= 1.1;
  EXPECT_TRUE(std::isnan(compare(a, &b, everywhere).p_value));
}

TEST(Compare, BinsWithoutPairsAndOutsideTheRangeAreLeftOut) {
  auto a = synthetic(0.1, 1), b = synthetic(0.1, 2);
  a.value[0] = std::nan(""), a.pairs[0] = 0;
  for (auto& sample : a.leave_one_out) sample[0] = std::nan("");
  EXPECT_EQ(compare(a, &b, everywhere).dof, 6);
  EXPECT_EQ(compare(a, &b, {a.edges[5], a.edges[8]}).dof, 3);
  EXPECT_TRUE(std::isnan(compare(a, &b, {1e3, 1e4}).p_value));
}

// A misalignment whose sub-boxes hold as many galaxies each, with normal noise.
Misalignment misaligned(double mean, std::int64_t id) {
  Misalignment m;
  m.name = "major_host", m.selection = "satellite", m.galaxies = 100 * regions;
  m.edges = {0, 0.25, 0.5, 0.75, 1};
  m.counts.assign(4, m.galaxies / 4);
  RandomStream random(2, id, Purpose::test);
  std::vector<double> region(regions);
  for (auto& x : region) x = mean + 0.05 * random.normal();
  const double sum = std::reduce(region.begin(), region.end());
  m.value = sum / regions;
  for (const double x : region) m.leave_one_out.push_back((sum - x) / (regions - 1));
  return m;
}

TEST(CompareMisalignments, PValuesOfEqualPopulationsAreUniform) {
  constexpr int trials = 1000;
  double sum = 0;
  int below = 0;
  for (int i = 0; i < trials; ++i) {
    const auto c = compare(misaligned(0.7, 2 * i), misaligned(0.7, 2 * i + 1));
    EXPECT_NEAR(c.error, 0.05 * std::sqrt(2. / regions), 0.005);
    sum += c.p_value, below += c.p_value < 0.1;
  }
  // As above.
  EXPECT_NEAR(sum / trials, 0.5, 4 * std::sqrt(1 / 12. / trials));
  EXPECT_NEAR(below / double(trials), 0.1, 4 * std::sqrt(0.09 / trials));
}

TEST(CompareMisalignments, ADifferenceIsSeenAndACatalogIsLikeItself) {
  const auto a = misaligned(0.71, 1), b = misaligned(0.65, 2);
  const auto c = compare(b, a);
  EXPECT_DOUBLE_EQ(c.difference, b.value - a.value);
  EXPECT_LT(c.p_value, 1e-6);
  EXPECT_EQ(compare(a, a).p_value, 1);
  // Two catalogs without scatter are alike or not.
  auto still = a, other = a;
  for (auto& x : other.leave_one_out) x += 0.1;
  other.value += 0.1;
  EXPECT_EQ(compare(other, still).p_value, 0);
}

TEST(CompareMisalignments, TooFewGalaxiesOrOtherSubBoxesHaveNoPValue) {
  const auto a = misaligned(0.71, 1);
  auto few = misaligned(0.65, 2), other = few;
  few.galaxies = regions - 1;
  EXPECT_TRUE(std::isnan(compare(few, a).p_value));
  other.leave_one_out.resize(27);
  EXPECT_TRUE(std::isnan(compare(other, a).p_value));
  other.leave_one_out.clear();
  EXPECT_TRUE(std::isnan(compare(other, a).p_value));
  // A sub-box that holds all galaxies.
  auto one = misaligned(0.65, 2);
  one.leave_one_out[3] = std::nan("");
  EXPECT_TRUE(std::isnan(compare(one, a).p_value));
}

TEST(CompareMisalignments, TheDistanceOfTheDistributions) {
  auto a = misaligned(0.71, 1), b = a;
  a.counts = {10, 20, 30, 40}, b.counts = {0, 0, 0, 7};
  EXPECT_DOUBLE_EQ(compare(a, b).ks, 0.6);
}

// ---- judging ----

Measurement measured() {
  Measurement m;
  m.columns["log_stellar_mass"] = {100, 0, 8, 12, 10, 0.5};
  m.columns["color_gr"] = {90, 10, 0.1, 0.9, 0.6, 0};
  m.facts.repeated_ids = 0, m.facts.missing_hosts = 2, m.facts.gram_deviation = 1e-6, m.facts.left_handed = 0;
  m.statistics.push_back(synthetic(0.1, 1));
  return m;
}

std::vector<Requirement> judged(const std::string& yaml, const std::vector<Against>& references = {}) {
  return judge(config::parse_requirements(yaml, "test.yaml"), measured(), references);
}

TEST(Judge, ColumnsInsideAndOutsideTheirLimits) {
  const auto r = judged(
      "columns:\n  log_stellar_mass: {range: [7, 11.9], mean: [9.9, 10.1], std: [0.1, 1], nan: 0}\n"
      "  color_gr: {std: [0.01, 1], nan: 0.05}\n");
  const std::vector<std::pair<double, bool>> expected = {{8, true}, {12, false}, {10, true},  {0.5, true},
                                                         {0, true}, {0, false},  {0.1, false}};
  ASSERT_EQ(r.size(), expected.size());
  for (std::size_t i = 0; i < r.size(); ++i) {
    EXPECT_DOUBLE_EQ(r[i].value, expected[i].first) << r[i].name;
    EXPECT_EQ(r[i].pass, expected[i].second) << r[i].name;
  }
}

TEST(Judge, WhatIsAbsentFailsUnlessItIsOptional) {
  const auto r = judged("columns:\n  log_size: {nan: 0}\n  log_age: {nan: 0, optional: true}\n");
  ASSERT_EQ(r.size(), 1);
  EXPECT_FALSE(r[0].pass);
  EXPECT_FALSE(r[0].note.empty());
}

TEST(Judge, TheCatalogAsAWhole) {
  const auto r = judged(
      "catalog: {unique_ids: true, hosts_present: true, orthonormal_axes: 1.0e-4, positions_in_box: true}\n");
  ASSERT_EQ(r.size(), 4);
  for (const auto& one : r) EXPECT_EQ(one.pass, one.name.find("host") == one.name.npos) << one.name;
}

TEST(Judge, StatisticsAgainstEveryReference) {
  const std::string yaml = "statistics: [{of: [ed_A], p_value: 0.001, ratio: [0.5, 2]}]\n";
  const auto r = judged(yaml, {{"good.hdf5", true, {synthetic(0.1, 2)}, {}, {}, {}},
                               {"bad.hdf5", true, {synthetic(0.9, 3)}, {}, {}, {}}});
  ASSERT_EQ(r.size(), 4);
  EXPECT_TRUE(r[0].pass && r[1].pass);
  EXPECT_TRUE(!r[2].pass && !r[3].pass);
  EXPECT_NE(r[2].name.find("bad.hdf5"), std::string::npos);
  // Another box: its statistics are not compared; without a reference there is nothing to judge.
  EXPECT_TRUE(judged(yaml, {{"other.hdf5", false, {synthetic(0.9, 3)}, {}, {}, {}}}).empty());
  EXPECT_TRUE(judged(yaml).empty());
}

TEST(Judge, PoolsTheStatisticsOfARequirement) {
  const std::string yaml =
      "statistics: [{of: [ed_A, ee_A], selections: [all, red], pooled_chi2_per_dof: 1.2}]\n";
  auto mock = measured();
  const auto second = [](Statistic s) {
    s.name = "ee_A";
    return s;
  };
  mock.statistics.push_back(second(synthetic(0.1, 3)));
  const auto required = config::parse_requirements(yaml, "test.yaml");
  const std::vector<Statistic> truth = {synthetic(0.1, 2), second(synthetic(0.5, 4))};
  const auto a = compare(mock.statistics[0], &truth[0], everywhere),
             b = compare(mock.statistics[1], &truth[1], everywhere);
  const auto r = judge(required, mock, {{"r.hdf5", true, truth, {}, {}, {}}});
  ASSERT_EQ(r.size(), 1);
  EXPECT_DOUBLE_EQ(r[0].value, (a.chi2 + b.chi2) / (a.dof + b.dof));
  EXPECT_FALSE(r[0].pass);
  EXPECT_TRUE(judge(required, mock, {{"r.hdf5", true, {truth[0]}, {}, {}, {}}}).at(0).pass);
}

TEST(Judge, AStatisticThatIsNotThereFailsUnlessOptional) {
  const std::vector<Against> reference = {{"r.hdf5", true, {synthetic(0.1, 2)}, {}, {}, {}}};
  EXPECT_FALSE(judged("statistics: [{of: [ed_B], p_value: 0.1}]\n", reference).at(0).pass);
  EXPECT_TRUE(judged("statistics: [{of: [ed_B], p_value: 0.1, optional: true}]\n", reference).empty());
}

TEST(Judge, KsDistancesAllowForSampling) {
  const std::string yaml = "distributions: [{of: [color_gr], ks: 0.05}]\n";
  const auto r = judged(
      yaml, {{"r.hdf5",
              true,
              {},
              {},
              {{"color_gr", "all", 0.06, 1e6, 1e6}, {"color_gr", "log_halo_mass 12-13", 0.06, 100, 100}},
              {}}});
  ASSERT_EQ(r.size(), 2);
  EXPECT_FALSE(r[0].pass);
  EXPECT_TRUE(r[1].pass);
}

TEST(Judge, MisalignmentsByMeanAndByDistribution) {
  const auto required = config::parse_requirements(
      "misalignments:\n"
      "  - {of: [major_host], selections: [satellite], p_value: 1.0e-4, ks: 0.05}\n"
      "  - {of: [major_host], selections: [red], p_value: 1.0e-4, optional: true}\n",
      "test.yaml");
  auto mock = measured();
  mock.misalignments = {misaligned(0.65, 1)};
  const auto judged_against = [&](Misalignment reference, bool comparable = true) {
    return judge(required, mock, {{"r.hdf5", comparable, {}, {reference}, {}, {}}});
  };
  auto r = judged_against(misaligned(0.65, 2));
  ASSERT_EQ(r.size(), 2);
  EXPECT_EQ(r[0].name, "misalignment major_host (satellite): p-value");
  EXPECT_TRUE(r[0].pass && r[1].pass);
  r = judged_against(misaligned(0.71, 2));
  EXPECT_TRUE(!r[0].pass && r[1].pass);
  // The same mean of another distribution.
  auto torn = misaligned(0.65, 2);
  torn.counts = {torn.galaxies / 2, 0, 0, torn.galaxies / 2};
  r = judged_against(torn);
  EXPECT_TRUE(r[0].pass && !r[1].pass);
  // Another box has other sub-boxes: only the distributions are compared.
  r = judged_against(misaligned(0.71, 2), false);
  ASSERT_EQ(r.size(), 1);
  EXPECT_TRUE(r[0].pass);
  // Nothing to measure.
  mock.misalignments.clear();
  r = judged_against(misaligned(0.65, 2));
  ASSERT_EQ(r.size(), 2);
  EXPECT_TRUE(!r[0].pass && !r[1].pass && !r[0].note.empty());
}

TEST(Requirements, TheBuiltInOnesAreRead) {
  const auto r = config::parse_requirements(config::default_requirements(), "built in");
  EXPECT_GT(r.columns.size(), 5);
  EXPECT_FALSE(r.statistics.empty());
  EXPECT_FALSE(r.misalignments.empty());
  EXPECT_TRUE(r.catalog.unique_ids && r.catalog.orthonormal_axes);
}

TEST(Requirements, MistakesAreListedWithTheirLines) {
  try {
    config::parse_requirements(
        "colums: {}\ncatalog: {unique_id: true}\nstatistics:\n  - {of: [ed_A]}\n  - {p_value: 0.1}\n"
        "columns:\n  x: {range: wide}\nmisalignments: [{selections: [red]}]\n",
        "test.yaml");
    FAIL() << "no error";
  } catch (const Error& error) {
    const std::string text = error.what();
    EXPECT_EQ(error.code(), ExitCode::config);
    for (const char* part :
         {"test.yaml:1: colums: unknown key (nearest known: 'columns')",
          "test.yaml:2: catalog.unique_id: unknown key (nearest known: 'unique_ids')",
          "test.yaml:4: statistics: states no limit", "test.yaml:5: statistics.of: names no statistic",
          "test.yaml:7: columns.x.range: the value is of the wrong type",
          "test.yaml:8: misalignments.of: names no angle", "test.yaml:8: misalignments: states no limit"})
      EXPECT_NE(text.find(part), text.npos) << part << "\nnot in\n" << text;
  }
}

}  // namespace
}  // namespace halobrush::validate
