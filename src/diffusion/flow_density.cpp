#include "halobrush/diffusion/flow_density.hpp"

#include <cmath>
#include <numbers>

#include "halobrush/core/error.hpp"
#include "move.hpp"

namespace halobrush::diffusion {
namespace {

double log_normal(double x, double sigma) {
  return -0.5 * (x / sigma) * (x / sigma) - std::log(sigma * std::sqrt(2 * std::numbers::pi));
}

}  // namespace

std::vector<double> log_density(const DenoiseWithDivergence& denoise, State state, const NoiseRange& range,
                                std::int64_t steps) {
  if (steps < 1) throw config_error("log_density: {} steps (at least one is needed)", steps);
  const std::size_t n = state.frames.size(), labels = n > 0 ? state.labels.size() / n : 0;
  std::vector<double> log_p(n, 0);
  for (std::int64_t i = 0; i < steps; ++i) {
    const double step = 1.0 / static_cast<double>(steps), level = 1 - static_cast<double>(i) * step;
    const auto from = noise_at(range, level), half = noise_at(range, level - step / 2),
               to = noise_at(range, level - step);
    State middle = state;
    advance(middle, denoise(state, level, nullptr), ratio(half, from));
    Divergence divergence;
    Estimate estimate = denoise(middle, level - step / 2, &divergence);
    // With u = log sigma the flow is dR/du = -d, dx/du = x - D, and d log p / du = -(its divergence).
    const double rotation = std::log(to.rotation / from.rotation), scalar = std::log(to.scalar / from.scalar);
    for (std::size_t k = 0; k < n; ++k) {
      log_p[k] -= divergence.jump[k] * rotation;
      if (labels > 0) log_p[k] += (static_cast<double>(labels) - divergence.labels[k]) * scalar;
    }
    express_from(state, middle, estimate);
    advance(state, estimate, ratio(to, from));
  }
  for (std::size_t k = 0; k < state.labels.size(); ++k)
    log_p[k / labels] += log_normal(state.labels[k], range.scalar_max);
  return log_p;
}

}  // namespace halobrush::diffusion
