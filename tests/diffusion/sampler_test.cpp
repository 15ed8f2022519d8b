// The samplers with an exact score: no network, so what they miss is theirs.
#include "halobrush/diffusion/sampler.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "diffusion/mixture.hpp"

namespace halobrush::diffusion {
namespace {

const auto mixture = testing_support::Mixture::of_four();
const NoiseRange range{0.02, 3, 0.02, 30};

State noise(std::size_t n, std::size_t labels = 0, const NoiseRange& of = range) {
  std::vector<std::int64_t> id(n);
  std::iota(id.begin(), id.end(), 0);
  return pure_noise(id, labels, 7, Mat3::Identity(), of);
}

State drawn(Sampler sampler, std::int64_t evaluations, std::size_t n, std::size_t labels = 0) {
  return sample(mixture.plain(range), noise(n, labels), range, sampler, evaluations);
}

// Median distance, rad: a few rows start beside a watershed between two modes.
double distance(const State& a, const State& b) {
  std::vector<double> angles;
  for (std::size_t i = 0; i < a.frames.size(); ++i)
    angles.push_back(so3::angle(a.frames[i].transpose() * b.frames[i]));
  std::ranges::nth_element(angles, angles.begin() + static_cast<std::ptrdiff_t>(angles.size() / 2));
  return angles[angles.size() / 2];
}

TEST(Samplers, draw_the_density_of_an_exact_score) {
  constexpr std::size_t n = 4000;
  double entropy = 0, squares = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const double nats = -mixture.log_density(mixture.draw(1, static_cast<std::int64_t>(i)));
    entropy += nats / n, squares += nats * nats / n;
  }
  const double deviation = std::sqrt((squares - entropy * entropy) * 2 / n);
  for (const auto sampler : {Sampler::multistep, Sampler::midpoint}) {
    const auto state = drawn(sampler, 32, n);
    double nats = 0;
    std::vector<double> share(4, 0);
    for (const auto& r : state.frames) {
      nats -= mixture.log_density(r) / n;
      std::size_t nearest = 0;
      for (std::size_t k = 1; k < 4; ++k)
        if (so3::angle(mixture.centres[k].transpose() * r) <
            so3::angle(mixture.centres[nearest].transpose() * r))
          nearest = k;
      share[nearest] += 1.0 / n;
    }
    EXPECT_NEAR(nats, entropy, 4 * deviation);  // 4 sigma: false alarm 6e-5
    for (const double s : share) EXPECT_NEAR(s, 0.25, 4 * std::sqrt(0.1875 / n));
  }
}

TEST(Samplers, converge_with_second_order) {
  const auto exact = drawn(Sampler::midpoint, 2001, 200);
  for (const auto sampler : {Sampler::multistep, Sampler::midpoint}) {
    const double coarse = distance(drawn(sampler, 65, 200), exact),
                 fine = distance(drawn(sampler, 129, 200), exact);
    EXPECT_LT(fine, 0.005);
    EXPECT_GT(coarse / fine, 3) << "halving the step should divide the error by about four";
  }
}

// Another path through the noise levels, another formula a step, the same flow.
TEST(Samplers, of_the_authors_follow_the_same_flow) {
  const NoiseRange from_ten{0.02, std::sqrt(10.0), 0.02, std::sqrt(10.0)};
  const auto denoise = mixture.plain(from_ten);
  const auto theirs =
      sample(denoise, noise(100, 2, from_ten), from_ten, Sampler::authors, authors_evaluations);
  const auto ours = sample(denoise, noise(100, 2, from_ten), from_ten, Sampler::midpoint, 801);
  EXPECT_LT(distance(theirs, ours), 2e-3);
  for (std::size_t i = 0; i < ours.labels.size(); ++i) EXPECT_NEAR(theirs.labels[i], ours.labels[i], 2e-3);
}

TEST(Samplers, shrink_labels_of_variance_one_to_variance_one) {
  const auto state = drawn(Sampler::multistep, 64, 3000, 2);
  const double square =
      std::inner_product(state.labels.begin(), state.labels.end(), state.labels.begin(), 0.0);
  EXPECT_NEAR(square / 6000, 1, 4 * std::sqrt(2.0 / 6000));
}

TEST(Samplers, take_the_evaluations_they_are_given) {
  for (const auto& [sampler, evaluations] : {std::pair{Sampler::multistep, 5},
                                             {Sampler::multistep, 1},
                                             {Sampler::midpoint, 5},
                                             {Sampler::authors, 10}}) {
    int calls = 0;
    const auto exact = mixture.plain(range);
    const Denoise counted = [&](const State& state, double level) {
      ++calls;
      return exact(state, level);
    };
    sample(counted, noise(3), range, sampler, evaluations);
    EXPECT_EQ(calls, evaluations);
  }
  EXPECT_TRUE(drawn(Sampler::multistep, 8, 0).frames.empty());
}

// The network answers for the part that forms alone: a step that straddled the middle would move the other by
// an answer that was not given.
TEST(Samplers, with_the_labels_first_take_no_step_across_the_middle) {
  auto in_turn = range;
  in_turn.labels_first = true;
  for (const auto evaluations : {3, 8, 33}) {
    const auto plan = multistep_plan(in_turn, evaluations);
    EXPECT_EQ(plan.size(), static_cast<std::size_t>(evaluations));
    for (const auto& step : plan) {
      const auto still = step.level < middle_level ? step.kept.rotation : step.kept.scalar;
      EXPECT_EQ(still, step.level < 1 ? 1 : 0);
      const bool first_of_its_part = step.level == 0 || step.level == middle_level || step.level == 1;
      EXPECT_EQ(step.lookahead, first_of_its_part ? 0 : 0.5);
    }
    EXPECT_EQ(std::ranges::count(plan, middle_level, &Step::level), 1);
  }
  std::vector<double> levels;
  const auto exact = mixture.plain(in_turn);
  const Denoise noted = [&](const State& state, double level) {
    levels.push_back(level);
    return exact(state, level);
  };
  for (const auto& [from, to] : {std::pair{0., 1.}, {1., 0.}}) {
    levels.clear();
    flow(noted, noise(3, 2, in_turn), in_turn, from, to, 7);
    EXPECT_EQ(levels.size(), 14u);
    EXPECT_EQ(std::ranges::count(levels, middle_level), 1);
  }
}

TEST(Samplers, are_found_by_name) {
  EXPECT_EQ(sampler_named("midpoint"), Sampler::midpoint);
  EXPECT_EQ(sampler_named("authors"), Sampler::authors);
  EXPECT_FALSE(sampler_named("heun"));
}

TEST(Noise, level_and_rotation_noise_are_inverses) {
  for (const double level : {-0.1, 0.0, 0.3, 1.0, 1.4})
    EXPECT_NEAR(level_of_rotation_noise(range, noise_at(range, level).rotation), level, 1e-12);
}

TEST(Noise, with_the_labels_first_the_rotation_waits_for_them) {
  auto in_turn = range;
  in_turn.labels_first = true;
  for (const double level : {0.0, 0.2, 0.5}) {
    EXPECT_DOUBLE_EQ(noise_at(in_turn, level).rotation, range.rotation_max);
    EXPECT_NEAR(noise_at(in_turn, level).scalar, noise_at(range, 2 * level).scalar, 1e-12);
  }
  for (const double level : {0.5, 0.7, 1.0}) {
    EXPECT_NEAR(noise_at(in_turn, level).scalar, range.scalar_min, 1e-12);
    EXPECT_NEAR(noise_at(in_turn, level).rotation, noise_at(range, 2 * level - 1).rotation, 1e-12);
    EXPECT_NEAR(level_of_rotation_noise(in_turn, noise_at(in_turn, level).rotation), level, 1e-12);
  }
}

}  // namespace
}  // namespace halobrush::diffusion
