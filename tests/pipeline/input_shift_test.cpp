// Two samples of inputs: of one kind they agree but for one catalog in a hundred, another mass function is no shift,
// and what differs at given mass is named with its number.
#include "halobrush/pipeline/input_shift.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "halobrush/core/random.hpp"
#include "halobrush/model/input_range.hpp"
#include "support/patches.hpp"

namespace halobrush::pipeline {
namespace {

struct Law {
  double offset = 0;     // of log_host_mass at given log_mass
  double steepness = 1;  // of the mass function
};

struct Galaxies {
  std::vector<double> values;  // invariants of testing_support::small_spec
  std::vector<float> region;
};

// Galaxies of a region share a part of their scatter.
Galaxies galaxies(std::size_t n, std::int64_t seed, const Law& law = {}) {
  Galaxies all;
  RandomStream random(6, seed, Purpose::test);
  std::vector<double> shared;
  for (int r = 0; r < 125; ++r) shared.push_back(0.05 * random.normal());
  for (std::size_t i = 0; i < n; ++i) {
    const auto region = static_cast<std::size_t>(125 * random.uniform());
    const double mass = -std::log(random.uniform()) / law.steepness;
    const double host = 0.8 * mass + 0.1 * mass * mass + 0.2 * random.normal() + shared[region] + law.offset;
    for (const double v : {mass, host, 0.3 * random.uniform(), 1.0, random.normal() + shared[region], 0.5})
      all.values.push_back(static_cast<float>(v));
    all.region.push_back(static_cast<float>(region));
  }
  return all;
}

model::ModelSpec trained_on(const Galaxies& galaxies) {
  auto spec = testing_support::small_spec();
  spec.sample.values.assign(galaxies.values.begin(), galaxies.values.end());
  spec.sample.region = galaxies.region;
  return spec;
}

InputComparison compared(const model::ModelSpec& spec, const Galaxies& here) {
  return compare_samples(spec, here.values, here.region);
}

const InputShift& named(const InputComparison& comparison, const std::string& name) {
  return *std::ranges::find(comparison.inputs, name, &InputShift::name);
}

TEST(InputShift, of_catalogs_of_one_kind_is_not_warned_of) {
  int warned = 0;
  for (int i = 0; i < 40; ++i)
    warned += !warnings_of(compared(trained_on(galaxies(2'000, 2 * i)), galaxies(2'000, 2 * i + 1))).empty();
  EXPECT_LE(warned, 3) << "40 catalogs, one in a hundred: four or more have a probability of 1e-3";
}

TEST(InputShift, another_mass_function_is_none) {
  const auto comparison = compared(trained_on(galaxies(4'000, 1)), galaxies(4'000, 2, {0, 0.6}));
  EXPECT_EQ(comparison.given, "log_mass");
  EXPECT_TRUE(warnings_of(comparison).empty()) << warnings_of(comparison).front();
  EXPECT_LT(std::abs(named(comparison, "log_host_mass").shift), 0.02);
}

TEST(InputShift, at_given_mass_is_named_with_its_number) {
  for (const double steepness : {1.0, 0.6}) {
    const auto comparison = compared(trained_on(galaxies(4'000, 1)), galaxies(4'000, 2, {0.1, steepness}));
    const auto warnings = warnings_of(comparison);
    ASSERT_EQ(warnings.size(), 1u);
    EXPECT_NE(warnings[0].find("log_host_mass at given log_mass"), std::string::npos) << warnings[0];
    const auto& shift = named(comparison, "log_host_mass");
    EXPECT_NEAR(shift.shift, 0.8 * 0.1, 0.025) << "in units of the input: its deviation is 0.8";
    EXPECT_TRUE(shift.warned);
    EXPECT_FALSE(named(comparison, "|halo_shape|").warned);
  }
}

TEST(InputShift, is_not_made_of_too_few_or_of_none) {
  EXPECT_TRUE(compared(trained_on(galaxies(4'000, 1)), galaxies(20, 2)).inputs.empty());
  EXPECT_TRUE(compared(trained_on(galaxies(4'000, 1)), galaxies(0, 2)).inputs.empty());
  EXPECT_FALSE(compared(trained_on(galaxies(100, 1)), galaxies(100, 2)).inputs.empty());
}

}  // namespace
}  // namespace halobrush::pipeline
