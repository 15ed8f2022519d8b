#include "optimiser.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "halobrush/core/error.hpp"

namespace halobrush::so3_density {
namespace {

double rate_at(const Schedule& schedule, std::int64_t step) {
  const double warm = std::min(200.0, 0.1 * static_cast<double>(schedule.steps));
  const double t = static_cast<double>(step), progress = t / static_cast<double>(schedule.steps);
  return schedule.learning_rate * std::min(1.0, (t + 1) / warm) * 0.5 *
         (1 + std::cos(std::numbers::pi * progress));
}

}  // namespace

Network optimised(Network network, const Schedule& schedule,
                  const std::function<Batch(std::int64_t step)>& batch) {
  const auto parameters = network.trainable();
  for (auto parameter : parameters) parameter.requires_grad_(true);
  torch::optim::Adam adam(parameters, torch::optim::AdamOptions(schedule.learning_rate).betas({0.9, 0.99}));
  const auto average = network.copy();
  const auto averaged = average.trainable();
  const auto averaging_from = schedule.steps - std::max<std::int64_t>(1, schedule.steps / 20);
  const auto interval = std::max<std::int64_t>(1, schedule.steps / 100);
  double recent = 0;
  for (std::int64_t step = 0; step < schedule.steps; ++step) {
    const auto b = batch(step);
    adam.zero_grad();
    const auto loss =
        (torch::square(network(b.rotations, b.sigma, b.features) - b.target) * b.weight).sum(1).mean();
    loss.backward();
    for (auto& group : adam.param_groups())
      static_cast<torch::optim::AdamOptions&>(group.options()).lr(rate_at(schedule, step));
    adam.step();
    const double value = loss.item<double>();
    if (!std::isfinite(value))
      throw model_error("fit: the loss is not finite at step {}; lower the learning rate ({})", step,
                        schedule.learning_rate);
    recent += value;
    if ((step + 1) % interval == 0) {
      if (schedule.report) schedule.report(step + 1, recent / static_cast<double>(interval));
      recent = 0;
    }
    if (step < averaging_from) continue;
    const torch::NoGradGuard no_grad;
    const double share = 1 / static_cast<double>(step - averaging_from + 1);
    for (std::size_t i = 0; i < parameters.size(); ++i) averaged[i].lerp_(parameters[i], share);
  }
  return average;
}

}  // namespace halobrush::so3_density
