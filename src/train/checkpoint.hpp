// All that a training run needs to go on exactly where it stopped. Noise and batches follow from the step
// number.
#pragma once

#include <torch/optim/adamw.h>
#include <torch/serialize.h>

#include <limits>
#include <memory>
#include <string>

#include "halobrush/model/network.hpp"

namespace halobrush::train {

struct TrainingState {
  std::int64_t step = 0;
  model::Network network, averaged;
  model::Network best;  ///< the averaged weights of the lowest held-out loss so far: what is kept
  double best_loss = std::numeric_limits<double>::infinity();
  std::unique_ptr<torch::optim::AdamW> optimiser;
};

/// Written to a temporary name and renamed. `identity` is what a resumed run must share.
void save_checkpoint(const std::string& path, const TrainingState& state, const std::string& identity);

/// False when there is no file. Throws model_error when it belongs to another configuration or cannot be
/// read.
bool load_checkpoint(const std::string& path, TrainingState& state, const std::string& identity);

}  // namespace halobrush::train
