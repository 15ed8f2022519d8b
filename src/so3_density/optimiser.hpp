// Adam with warm-up, cosine and averaged weights, the same for fitting and distilling.
#pragma once

#include <torch/torch.h>

#include <functional>

#include "network.hpp"

namespace halobrush::so3_density {

struct Schedule {
  std::int64_t steps, batch;
  double learning_rate;
  std::function<void(std::int64_t step, double loss)> report;
};

/// One mini-batch: where the network is asked, and what it should say there.
struct Batch {
  torch::Tensor rotations, sigma, features, target, weight;  // [n, 9], [n, 1], [n, d], [n, 3], [n, 1]
};

/// The weights' average over the last twentieth of the steps. Throws model_error when the loss is not finite.
Network optimised(Network network, const Schedule& schedule,
                  const std::function<Batch(std::int64_t step)>& batch);

}  // namespace halobrush::so3_density
