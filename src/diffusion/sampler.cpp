#include "halobrush/diffusion/sampler.hpp"

#include <algorithm>
#include <cmath>

#include "halobrush/core/random.hpp"
#include "halobrush/so3/rotation.hpp"
#include "move.hpp"

namespace halobrush::diffusion {
namespace {

constexpr double authors_largest_t = 10;

std::vector<Mat3> clean_frames(const State& state, const Estimate& estimate) {
  std::vector<Mat3> clean(state.frames.size());
  for (std::size_t i = 0; i < clean.size(); ++i) clean[i] = state.frames[i] * so3::exp(estimate.jump[i]);
  return clean;
}

// dR = R (1/2) score dt with score = d / sigma^2, t falling; the labels' variance falls with it, level by
// level.
State authors(const Denoise& denoise, State state, const NoiseRange& range, std::int64_t evaluations) {
  const std::int64_t steps = std::max<std::int64_t>(1, evaluations / 2);
  const double interval = authors_largest_t / static_cast<double>(steps);
  const auto level_at = [&](double t) { return level_of_rotation_noise(range, std::sqrt(t)); };
  const auto noise_at_time = [&](double t) { return t > 0 ? noise_at(range, level_at(t)) : Noise{0, 0}; };
  const auto half_fall = [](double from, double to, double at) {
    return (from * from - to * to) / (2 * at * at);
  };
  // From one t to another with the slope found at a third.
  const auto move = [&](State& moved, const Estimate& estimate, double from, double to, double at) {
    const auto a = noise_at_time(from), b = noise_at_time(to), c = noise_at_time(at);
    advance(moved, estimate,
            {1 - half_fall(a.rotation, b.rotation, c.rotation), 1 - half_fall(a.scalar, b.scalar, c.scalar)});
  };
  for (std::int64_t i = 0; i < steps; ++i) {
    const double t = interval * static_cast<double>(steps - i), half = t - interval / 2,
                 next = interval * static_cast<double>(steps - i - 1);
    State middle = state;
    move(middle, denoise(state, level_at(t)), t, half, t);
    const Estimate estimate = denoise(middle, level_at(half));
    // The slope of the labels was found at the middle: their own shift is what it moves.
    Estimate slope = estimate;
    for (std::size_t k = 0; k < slope.labels.size(); ++k)
      slope.labels[k] += state.labels[k] - middle.labels[k];
    move(state, slope, t, next, half);
  }
  return state;
}

}  // namespace

std::optional<Sampler> sampler_named(const std::string& name) {
  if (name == "multistep") return Sampler::multistep;
  if (name == "midpoint") return Sampler::midpoint;
  if (name == "authors") return Sampler::authors;
  return std::nullopt;
}

Plan multistep_plan(const NoiseRange& range, std::int64_t evaluations) {
  Plan plan;
  // Half a step along the last change: second order where the steps are equal in log sigma.
  const auto add = [&](double from, double to, std::int64_t steps) {
    for (std::int64_t i = 0; i < steps; ++i) {
      const double step = (to - from) / static_cast<double>(steps),
                   level = from + static_cast<double>(i) * step;
      plan.push_back(
          {level, ratio(noise_at(range, level + step), noise_at(range, level)), i > 0 ? 0.5 : 0.0});
    }
  };
  const std::int64_t steps = evaluations - 1, first = range.labels_first ? (steps + 1) / 2 : 0;
  const double middle = range.labels_first ? middle_level : 0;
  add(0, middle, first);
  add(middle, 1, steps - first);
  plan.push_back({1, {0, 0}, 0});
  return plan;
}

Plan single_steps(const NoiseRange& range, std::int64_t evaluations) {
  Plan plan;
  for (std::int64_t i = 0; i < evaluations; ++i) {
    const double step = 1.0 / static_cast<double>(evaluations), level = static_cast<double>(i) * step;
    plan.push_back({level, ratio(noise_at(range, level + step), noise_at(range, level)), 0});
  }
  plan.back().kept = {0, 0};
  return plan;
}

State follow(const Plan& plan, const Denoise& denoise, State state) {
  std::vector<Mat3> frames_before;
  std::vector<double> labels_before;
  for (const auto& step : plan) {
    Estimate estimate = denoise(state, step.level);
    auto frames = clean_frames(state, estimate);
    auto labels = estimate.labels;
    if (step.lookahead != 0 && !frames_before.empty()) {
      for (std::size_t k = 0; k < frames.size(); ++k)
        estimate.jump[k] =  // the change is a tangent at the clean frame, not at the noisy one
            so3::log(so3::exp(estimate.jump[k]) *
                     so3::exp(step.lookahead * so3::log(frames_before[k].transpose() * frames[k])));
      for (std::size_t k = 0; k < labels.size(); ++k)
        estimate.labels[k] += step.lookahead * (labels[k] - labels_before[k]);
    }
    advance(state, estimate, step.kept);
    frames_before = std::move(frames);
    labels_before = std::move(labels);
  }
  return state;
}

State flow(const Denoise& denoise, State state, const NoiseRange& range, double from_level, double to_level,
           std::int64_t steps) {
  const double share = (middle_level - from_level) / (to_level - from_level);
  if (range.labels_first && share > 0 && share < 1 && steps > 1) {  // no step straddles the two parts
    const auto first =
        std::clamp<std::int64_t>(std::llround(share * static_cast<double>(steps)), 1, steps - 1);
    return flow(denoise, flow(denoise, std::move(state), range, from_level, middle_level, first), range,
                middle_level, to_level, steps - first);
  }
  for (std::int64_t i = 0; i < steps; ++i) {
    const double step = (to_level - from_level) / static_cast<double>(steps),
                 level = from_level + static_cast<double>(i) * step;
    const auto from = noise_at(range, level), half = noise_at(range, level + step / 2),
               to = noise_at(range, level + step);
    State middle = state;
    advance(middle, denoise(state, level), ratio(half, from));
    Estimate estimate = denoise(middle, level + step / 2);
    express_from(state, middle, estimate);
    advance(state, estimate, ratio(to, from));
  }
  return state;
}

State sample(const Denoise& denoise, State noise, const NoiseRange& range, Sampler sampler,
             std::int64_t evaluations) {
  if (noise.frames.empty()) return noise;
  switch (sampler) {
    case Sampler::midpoint: {
      const auto steps = std::max<std::int64_t>(1, (evaluations - 1) / 2);
      return follow({{1, {0, 0}, 0}}, denoise, flow(denoise, std::move(noise), range, 0, 1, steps));
    }
    case Sampler::authors:
      return authors(denoise, std::move(noise), range, evaluations);
    default:
      return follow(multistep_plan(range, evaluations), denoise, std::move(noise));
  }
}

State pure_noise(std::span<const std::int64_t> id, std::size_t labels, std::uint64_t seed, const Mat3& frame,
                 const NoiseRange& range) {
  State state;
  for (const auto i : id) {
    RandomStream orientation(seed, i, Purpose::initial_orientation);
    state.frames.push_back(frame * so3::uniform_rotation(orientation));
    RandomStream scalars(seed, i, Purpose::initial_scalars);
    for (std::size_t l = 0; l < labels; ++l) state.labels.push_back(range.scalar_max * scalars.normal());
  }
  return state;
}

}  // namespace halobrush::diffusion
