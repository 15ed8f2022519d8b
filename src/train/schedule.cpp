#include "schedule.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

#include "halobrush/core/random.hpp"

namespace halobrush::train {

double learning_rate(const config::Train& train, std::int64_t step) {
  const double steps = static_cast<double>(train.steps), s = static_cast<double>(step);
  const double warm_up = std::min(200.0, 0.05 * steps);
  if (s < warm_up) return train.learning_rate * (s + 1) / warm_up;
  if (train.schedule == "step")
    return train.learning_rate * (s < 0.2 * steps ? 1 : s < 0.7 * steps ? 0.1 : 0.01);
  const double phase = (s - warm_up) / (steps - warm_up);
  return 0.5 * train.learning_rate * (1 + std::cos(std::numbers::pi * phase));
}

std::vector<std::size_t> PatchOrder::of_step(std::int64_t step) {
  std::vector<std::size_t> chosen;
  for (std::size_t k = 0; k < patches_a_step_; ++k) {
    const auto place = static_cast<std::size_t>(step) * patches_a_step_ + k;
    chosen.push_back(of_pass(place / patches_)[place % patches_]);
  }
  return chosen;
}

const std::vector<std::size_t>& PatchOrder::of_pass(std::size_t pass) {
  if (pass == pass_ && !order_.empty()) return order_;
  std::vector<double> key;
  for (std::size_t i = 0; i < patches_; ++i)
    key.push_back(RandomStream(seed_, static_cast<std::int64_t>(i), Purpose::train_order,
                               static_cast<std::uint32_t>(pass))
                      .uniform());
  order_.resize(patches_);
  std::iota(order_.begin(), order_.end(), std::size_t{0});
  std::ranges::sort(order_, {}, [&](std::size_t i) { return key[i]; });
  pass_ = pass;
  return order_;
}

}  // namespace halobrush::train
