// Trains the diffusion painters: denoising score matching of one network on its own.
#pragma once

#include "halobrush/networks/network.hpp"
#include "halobrush/so3/igso3.hpp"
#include "method.hpp"
#include "noising.hpp"
#include "training_set.hpp"

namespace halobrush::train {

class ScoreMatching : public Method {
 public:
  ScoreMatching(const TrainingSet& set, const config::Config& config);
  std::vector<Player> players() override;
  Weights averaged() override { return averaged_.parameters(); }
  std::size_t turn(std::int64_t) const override { return 0; }
  torch::Tensor loss(std::size_t patch, std::int64_t step) const override;
  double held_out_loss(std::size_t patch) const override;

 private:
  const TrainingSet& set_;
  std::uint64_t seed_;
  Levels levels_;
  double weight_decay_, dropout_;
  std::int64_t draws_a_step_;
  networks::Network network_, averaged_;
  std::vector<networks::Batch> batches_;
  so3::Igso3Sampler kernel_;
};

}  // namespace halobrush::train
