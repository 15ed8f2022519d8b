// The change of variables along the flow, with an exact score whose density is known.
#include "halobrush/diffusion/flow_density.hpp"

#include <gtest/gtest.h>

#include <numbers>

#include "diffusion/mixture.hpp"

namespace halobrush::diffusion {
namespace {

const auto mixture = testing_support::Mixture::of_four();
const NoiseRange range{0.05, 3, 0.05, 30};

TEST(LogDensity, is_that_of_the_blurred_mixture) {
  State state;
  for (std::int64_t i = 0; i < 100; ++i) {
    RandomStream random(3, i, Purpose::test);
    state.frames.push_back(i % 2 == 0 ? mixture.draw(2, i) : so3::uniform_rotation(random));
  }
  const auto largest_error = [&](std::int64_t steps) {
    const auto nats = log_density(mixture.denoiser(range), state, range, steps);
    double worst = 0;
    for (std::size_t i = 0; i < nats.size(); ++i)
      worst = std::max(worst, std::abs(nats[i] - mixture.log_density(state.frames[i], range.rotation_min)));
    return worst;
  };
  EXPECT_LT(largest_error(256), 0.005);
  EXPECT_GT(largest_error(64) / largest_error(128), 3)
      << "halving the step should divide the error by about four";
}

TEST(LogDensity, integrates_to_one_at_the_default_number_of_steps) {
  constexpr std::size_t n = 1000;
  constexpr double uniform_share =
      0.2;  // draws: the mixture, and a share of uniform ones to see every corner
  State state;
  for (std::int64_t i = 0; i < static_cast<std::int64_t>(n); ++i) {
    RandomStream random(4, i, Purpose::test);
    state.frames.push_back(random.uniform() < uniform_share ? so3::uniform_rotation(random)
                                                            : mixture.draw(5, i));
  }
  const auto nats = log_density(mixture.denoiser(range), state, range, 64);
  double integral = 0;
  for (std::size_t i = 0; i < n; ++i)
    integral += std::exp(nats[i]) /
                (uniform_share + (1 - uniform_share) * std::exp(mixture.log_density(state.frames[i]))) / n;
  EXPECT_NEAR(integral, 1, 0.01);
}

TEST(LogDensity, of_labels_is_normal_and_adds_to_that_of_the_frame) {
  State joint, frame;
  for (std::int64_t i = 0; i < 20; ++i) {
    joint.frames.push_back(mixture.draw(6, i));
    for (int l = 0; l < 2; ++l) joint.labels.push_back(0.15 * static_cast<double>(i) - 1.5 + l);
  }
  frame.frames = joint.frames;
  const auto both = log_density(mixture.denoiser(range), joint, range, 256),
             alone = log_density(mixture.denoiser(range), frame, range, 256);
  const double variance = 1 + range.scalar_min * range.scalar_min;
  for (std::size_t i = 0; i < both.size(); ++i) {
    const double square = std::pow(joint.labels[2 * i], 2) + std::pow(joint.labels[2 * i + 1], 2);
    // The base is a normal of 30, not of sqrt(30^2 + 1): 1e-3 for two labels.
    EXPECT_NEAR(both[i] - alone[i], -square / 2 / variance - std::log(2 * std::numbers::pi * variance), 5e-3);
  }
}

TEST(LogDensity, is_the_same_when_the_labels_form_first) {
  auto in_turn = range;
  in_turn.labels_first = true;
  State state;
  for (std::int64_t i = 0; i < 20; ++i) {
    state.frames.push_back(mixture.draw(7, i));
    state.labels.push_back(0.15 * static_cast<double>(i) - 1.5);
  }
  const auto together = log_density(mixture.denoiser(range), state, range, 256),
             one_by_one = log_density(mixture.denoiser(in_turn), state, in_turn, 512);
  for (std::size_t i = 0; i < together.size(); ++i) EXPECT_NEAR(one_by_one[i], together[i], 1e-3);
}

}  // namespace
}  // namespace halobrush::diffusion
