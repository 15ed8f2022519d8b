#include "halobrush/diffusion/noise.hpp"

#include <algorithm>
#include <cmath>

namespace halobrush::diffusion {
namespace {

double log_linear(double from, double to, double level) {
  return from * std::pow(to / from, level);
}

}  // namespace

Noise noise_at(const NoiseRange& range, double level) {
  if (range.labels_first)
    return {log_linear(range.rotation_max, range.rotation_min, std::max(2 * level - 1, 0.0)),
            log_linear(range.scalar_max, range.scalar_min, std::min(2 * level, 1.0))};
  return {log_linear(range.rotation_max, range.rotation_min, level),
          log_linear(range.scalar_max, range.scalar_min, level)};
}

double level_of_rotation_noise(const NoiseRange& range, double sigma) {
  const double fallen =
      std::log(sigma / range.rotation_max) / std::log(range.rotation_min / range.rotation_max);
  return range.labels_first ? 0.5 * (1 + fallen) : fallen;
}

Preconditioning preconditioning(double scalar_sigma) {
  const double total = scalar_sigma * scalar_sigma + 1;
  return {1 / total, scalar_sigma / std::sqrt(total), 1 / std::sqrt(total)};
}

}  // namespace halobrush::diffusion
