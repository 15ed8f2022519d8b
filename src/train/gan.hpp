// Trains the graph GAN: Wasserstein distance with gradient penalty (Gulrajani et al. 2017, arXiv:1704.00028).
#pragma once

#include <functional>
#include <vector>

#include "halobrush/networks/graph_gan.hpp"
#include "method.hpp"
#include "training_set.hpp"

namespace halobrush::train {

/// (|d sum(f) / d view_i| - 1)^2 [n, 1] at a point between `real` and `fake` [n, D]; differentiable once
/// more.
/// @param mix [n, 1] in [0, 1]: 0 is `fake`
torch::Tensor gradient_penalty(const std::function<torch::Tensor(const torch::Tensor&)>& critic,
                               const torch::Tensor& real, const torch::Tensor& fake,
                               const torch::Tensor& mix);

/// Energy score [n, 1] of the draws (at least two, each [n, D]) for what came true: mean |X - y| - 1/2 mean
/// |X - X'|. Lowest in the mean for draws from the true conditional density, and only for it (Gneiting &
/// Raftery 2007, eq. 21).
torch::Tensor energy_score(const std::vector<torch::Tensor>& draws, const torch::Tensor& truth);

/// gan.critic_steps steps of the critic, then one of the generator. The critic's loss: f(fake) - f(real) +
/// gan.gradient_penalty x the penalty, a galaxy; the generator's: -f(fake). A critic's value cannot be
/// compared between steps, so the held-out loss is the energy score of the averaged generator, in the numbers
/// that the critic sees.
class GanTraining : public Method {
 public:
  GanTraining(const TrainingSet& set, const config::Config& config);
  std::vector<Player> players() override;
  networks::DirectionalNetwork::Weights averaged() override { return averaged_.network().parameters(); }
  std::size_t turn(std::int64_t step) const override;
  torch::Tensor loss(std::size_t patch, std::int64_t step) const override;
  double held_out_loss(std::size_t patch) const override;

 private:
  torch::Tensor noise(std::size_t patch, std::uint32_t draw) const;
  torch::Tensor view(const networks::Generated& galaxies) const;
  /// [n, D]; what is not known is as in `fake`: nothing is to be learnt from it.
  torch::Tensor truth(std::size_t patch, const torch::Tensor& fake) const;
  torch::Tensor critic_loss(std::size_t patch, std::uint32_t step) const;
  torch::Tensor generator_loss(std::size_t patch, std::uint32_t step) const;

  const TrainingSet& set_;
  config::Gan settings_;
  std::uint64_t seed_;
  torch::TensorOptions options_;
  networks::Generator generator_, averaged_;
  networks::Critic critic_;
  std::vector<networks::GroupBatch> batches_;
  std::vector<torch::Tensor> truth_, known_;          // [n, D]; known: 1 or 0
  std::vector<torch::Tensor> training_, validation_;  // [n, 1] weights
};

}  // namespace halobrush::train
