// What one way of training brings to the loop that all share: weights, whose turn it is, and losses.
#pragma once

#include <torch/types.h>

#include <array>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace halobrush::train {

using Weights = std::vector<std::pair<std::string, torch::Tensor>>;

/// A set of weights that one optimiser (AdamW) moves.
struct Player {
  std::string name;  ///< in the checkpoint and in the table of losses
  Weights weights;   ///< the tensors of the method's own network: moving them moves it
  std::array<double, 2> betas = {0.9, 0.99};
  double weight_decay = 0;
};

/// Losses are sums over the galaxies of one patch of the training set, so that ranks can share a step. Noise
/// follows from the step's number and the galaxies' ids alone: a resumed run then repeats nothing else.
class Method {
 public:
  virtual ~Method() = default;
  /// The first becomes the model: its average over the steps is validated and kept.
  virtual std::vector<Player> players() = 0;
  /// The weights that take that average, by name and shape those of the first player.
  virtual Weights averaged() = 0;
  /// Index of the player that step `step` moves.
  virtual std::size_t turn(std::int64_t step) const = 0;
  /// Over the training galaxies, with the players' weights; ready for backward().
  virtual torch::Tensor loss(std::size_t patch, std::int64_t step) const = 0;
  /// Over the held-out galaxies, with the averaged weights; the same noise at every call.
  virtual double held_out_loss(std::size_t patch) const = 0;
};

}  // namespace halobrush::train
