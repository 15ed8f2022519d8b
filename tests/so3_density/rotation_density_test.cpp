// A small network on a density that is known: a heat kernel whose centre turns with the condition.
#include "halobrush/so3_density/rotation_density.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <fstream>

#include "halobrush/core/error.hpp"
#include "halobrush/so3/igso3.hpp"
#include "halobrush/so3/rotation.hpp"

namespace halobrush::so3_density {
namespace {

constexpr double width = 0.4;

Mat3 centre_at(double y) {
  return so3::exp(Vec3(y, 0.5, 0));
}

double log_density_at(const Mat3& r, double y) {
  return so3::igso3_log_density(so3::angle(centre_at(y).transpose() * r), width);
}

struct Set {
  std::vector<Mat3> rotations;
  std::vector<double> features;
  Examples examples() const { return {rotations, features}; }
};

Set draws(std::size_t n, std::uint64_t seed) {
  static const so3::Igso3Sampler kernel;
  Set set;
  for (std::size_t i = 0; i < n; ++i) {
    RandomStream random(seed, static_cast<std::int64_t>(i), Purpose::test);
    set.features.push_back(2 * random.uniform() - 1);
    set.rotations.push_back(centre_at(set.features.back()) * so3::exp(kernel.tangent(width, random)));
  }
  return set;
}

FitOptions small(std::int64_t steps = 1500) {
  FitOptions options;
  options.steps = steps, options.batch = 256;
  options.width = 32, options.depth = 2, options.frequencies = 16;
  options.high_frequency = 1, options.low_frequency = 0.25;
  return options;
}

class Learned : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    learned = std::make_unique<RotationDensity>(RotationDensity::fit(draws(20000, 1).examples(), small()));
  }
  static void TearDownTestSuite() { learned.reset(); }
  static inline std::unique_ptr<RotationDensity> learned;

  // Mean of -log p of the truth at samples, less the truth's own; the truth's draws differ in it by 0.02.
  static double misplacement(const std::vector<Mat3>& samples, const Set& truth) {
    double sum = 0;
    for (std::size_t i = 0; i < samples.size(); ++i)
      sum += log_density_at(truth.rotations[i], truth.features[i]) -
             log_density_at(samples[i], truth.features[i]);
    return sum / static_cast<double>(samples.size());
  }
};

TEST_F(Learned, log_density_is_close_to_the_exact_one) {
  const auto held_out = draws(1000, 2);
  const auto nats = learned->log_density(held_out.examples());
  double excess = 0;
  for (std::size_t i = 0; i < nats.size(); ++i)
    excess += (log_density_at(held_out.rotations[i], held_out.features[i]) - nats[i]) / 1000;
  EXPECT_NEAR(excess, 0, 0.1);
}

TEST_F(Learned, density_integrates_to_one_at_any_condition) {
  for (const double y : {-0.8, 0.3}) {
    constexpr std::size_t n = 1000;
    Set set;
    std::vector<double> proposal;
    const so3::Igso3Sampler kernel;
    for (std::int64_t i = 0; i < static_cast<std::int64_t>(n); ++i) {
      RandomStream random(6, i, Purpose::test);
      set.features.push_back(y);
      set.rotations.push_back(random.uniform() < 0.3
                                  ? so3::uniform_rotation(random)
                                  : Mat3(centre_at(y) * so3::exp(kernel.tangent(width, random))));
      proposal.push_back(0.3 + 0.7 * std::exp(log_density_at(set.rotations.back(), y)));
    }
    const auto nats = learned->log_density(set.examples());
    double integral = 0;
    for (std::size_t i = 0; i < n; ++i) integral += std::exp(nats[i]) / proposal[i] / n;
    EXPECT_NEAR(integral, 1, 0.03) << y;
  }
}

TEST_F(Learned, samples_follow_the_condition) {
  const auto truth = draws(2000, 3);
  EXPECT_NEAR(misplacement(learned->sample(2000, truth.features, {}), truth), 0, 0.8);
  auto reversed = truth.features;
  for (auto& y : reversed) y = -y;
  EXPECT_GT(misplacement(learned->sample(2000, reversed, {}), truth), 2);
}

TEST_F(Learned, a_row_does_not_depend_on_the_others) {
  const auto many = learned->sample(3000, draws(3000, 4).features, {});
  const auto few = learned->sample(10, draws(10, 4).features, {});
  for (std::size_t i = 0; i < few.size(); ++i) EXPECT_LT((many[i] - few[i]).norm(), 1e-4);
}

TEST_F(Learned, distilled_needs_fewer_evaluations) {
  const auto examples = draws(5000, 5);
  RotationDensity::DistilOptions options;
  options.evaluations = 4, options.steps = 500, options.batch = 256;
  const auto student = learned->distilled(examples.examples(), options);
  const auto many = learned->sample(1000, std::span(examples.features).first(1000), {.evaluations = 64});
  const auto distance = [&](const RotationDensity& density) {
    const auto drawn = density.sample(1000, std::span(examples.features).first(1000), {.evaluations = 4});
    double sum = 0;
    for (std::size_t i = 0; i < drawn.size(); ++i) sum += so3::angle(many[i].transpose() * drawn[i]) / 1000;
    return sum;
  };
  EXPECT_LT(distance(student), 0.5 * distance(*learned));
  EXPECT_THROW(student.log_density(examples.examples()), Error);
}

TEST_F(Learned, comes_back_from_a_file_as_it_was) {
  const auto path =
      (std::filesystem::temp_directory_path() / fmt::format("density-{}.safetensors", getpid())).string();
  learned->save(path);
  const auto set = draws(100, 8);
  const auto before = learned->sample(100, set.features, {}),
             after = RotationDensity::load(path).sample(100, set.features, {});
  for (std::size_t i = 0; i < 100; ++i) EXPECT_EQ(before[i], after[i]);

  std::filesystem::resize_file(path, std::filesystem::file_size(path) - 4);
  EXPECT_THROW(RotationDensity::load(path), Error);
  std::ofstream(path) << "no model";
  EXPECT_THROW(RotationDensity::load(path), Error);
  std::filesystem::remove(path);
  EXPECT_THROW(RotationDensity::load(path), Error);
}

TEST(Fit, gives_the_same_network_for_the_same_seed) {
  const auto set = draws(500, 9);
  const auto
      first = RotationDensity::fit(set.examples(), small(20)).sample(5, std::span(set.features).first(5), {}),
      second =
          RotationDensity::fit(set.examples(), small(20)).sample(5, std::span(set.features).first(5), {});
  for (std::size_t i = 0; i < 5; ++i) EXPECT_EQ(first[i], second[i]);
}

TEST(Fit, refuses_what_is_no_set_of_examples) {
  const auto set = draws(10, 9);
  const auto code_of = [&](const Set& bad) {
    try {
      RotationDensity::fit(bad.examples(), small(1));
    } catch (const Error& error) {
      return error.code();
    }
    return ExitCode::done;
  };
  auto bad = set;
  bad.features[3] = std::nan("");
  EXPECT_EQ(code_of(bad), ExitCode::data);
  bad = set, bad.features.pop_back();
  EXPECT_EQ(code_of(bad), ExitCode::data);
  bad = set, bad.rotations[2] *= -1;
  EXPECT_EQ(code_of(bad), ExitCode::data);
  EXPECT_EQ(code_of({}), ExitCode::data);
}

}  // namespace
}  // namespace halobrush::so3_density
