// All that a training run needs to go on exactly where it stopped. Noise and batches follow from the step
// number.
#pragma once

#include <torch/optim/adamw.h>
#include <torch/serialize.h>

#include <limits>
#include <memory>
#include <string>

#include "method.hpp"

namespace halobrush::train {

/// A player with its optimiser, and its losses since the last row of the table.
struct Learner {
  Player player;
  std::unique_ptr<torch::optim::AdamW> optimiser;
  std::int64_t updates = 0;
  double loss_sum = 0;
  std::int64_t loss_count = 0;
  double mean_loss() const { return loss_count > 0 ? loss_sum / static_cast<double>(loss_count) : 0; }
};

struct TrainingState {
  std::int64_t step = 0;
  std::vector<Learner> learners;
  Weights averaged;
  Weights kept;                                                ///< averaged weights, by train.keep
  double kept_loss = std::numeric_limits<double>::infinity();  ///< their held-out loss
  double best_loss = std::numeric_limits<double>::infinity();  ///< the lowest so far
  std::int64_t intervals_since_best = 0;
  double training_loss = 0;  ///< of the last interval
};

/// Written to a temporary name and renamed. `identity` is what a resumed run must share.
void save_checkpoint(const std::string& path, const TrainingState& state, const std::string& identity);

/// False when there is no file. Throws model_error when it belongs to another configuration or cannot be
/// read.
bool load_checkpoint(const std::string& path, TrainingState& state, const std::string& identity);

}  // namespace halobrush::train
