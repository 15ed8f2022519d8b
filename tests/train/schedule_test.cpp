// The learning rate and the order of the patches, as stated.
#include "schedule.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

namespace halobrush::train {
namespace {

config::Train thousand_steps(const std::string& schedule) {
  config::Train train;
  train.steps = 1000;
  train.learning_rate = 0.5;
  train.schedule = schedule;
  return train;
}

TEST(LearningRate, warms_up_over_a_twentieth_then_falls_to_zero_as_a_cosine) {
  const auto train = thousand_steps("cosine");
  EXPECT_DOUBLE_EQ(learning_rate(train, 0), 0.5 / 50);
  EXPECT_DOUBLE_EQ(learning_rate(train, 49), 0.5);
  EXPECT_DOUBLE_EQ(learning_rate(train, 50), 0.5);
  EXPECT_NEAR(learning_rate(train, 525), 0.25, 1e-12);
  EXPECT_NEAR(learning_rate(train, 1000), 0, 1e-12);
}

TEST(LearningRate, steps_down_tenfold_at_a_fifth_and_at_seven_tenths) {
  const auto train = thousand_steps("step");
  EXPECT_DOUBLE_EQ(learning_rate(train, 199), 0.5);
  EXPECT_DOUBLE_EQ(learning_rate(train, 200), 0.05);
  EXPECT_DOUBLE_EQ(learning_rate(train, 699), 0.05);
  EXPECT_DOUBLE_EQ(learning_rate(train, 700), 0.005);
}

TEST(PatchOrder, takes_every_patch_once_a_pass_and_another_order_each_pass) {
  PatchOrder order(12, 3, 7);
  std::vector<std::vector<std::size_t>> passes(2);
  for (std::int64_t step = 0; step < 8; ++step)
    for (const auto p : order.of_step(step)) passes[static_cast<std::size_t>(step / 4)].push_back(p);
  EXPECT_NE(passes[0], passes[1]);
  std::vector<std::size_t> all(12);
  std::iota(all.begin(), all.end(), std::size_t{0});
  for (auto pass : passes) {
    std::ranges::sort(pass);
    EXPECT_EQ(pass, all);
  }
}

TEST(PatchOrder, of_a_step_does_not_depend_on_the_steps_before) {
  PatchOrder walked(5, 2, 7), resumed(5, 2, 7);
  for (std::int64_t step = 0; step < 9; ++step) walked.of_step(step);
  EXPECT_EQ(walked.of_step(9), resumed.of_step(9));
}

}  // namespace
}  // namespace halobrush::train
