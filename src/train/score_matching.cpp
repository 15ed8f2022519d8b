#include "score_matching.hpp"

#include <array>

#include "halobrush/core/random.hpp"
#include "halobrush/networks/runtime.hpp"
#include "loss.hpp"

namespace halobrush::train {
namespace {

// Fixed draws, from the other end than those of training, so that losses compare between intervals.
constexpr std::array<std::uint32_t, 4> held_out_draws = {0xffffffff, 0xfffffffe, 0xfffffffd, 0xfffffffc};

}  // namespace

ScoreMatching::ScoreMatching(const TrainingSet& set, const config::Config& config)
    : set_(set),
      seed_(static_cast<std::uint64_t>(config.seed)),
      levels_(levels_of(config.train)),
      weight_decay_(config.train.weight_decay),
      dropout_(config.train.dropout),
      draws_a_step_(config.train.noise_draws),
      network_(set.spec, seed_, networks::device_options(config.compute.device)),
      averaged_(set.spec, seed_, networks::device_options(config.compute.device)),
      batches_(batches_of(set, network_.options())) {}

std::vector<Player> ScoreMatching::players() {
  return {{"network", network_.parameters(), {0.9, 0.99}, weight_decay_}};
}

torch::Tensor ScoreMatching::loss(std::size_t patch, std::int64_t step) const {
  std::vector<std::uint32_t> draws;
  for (std::int64_t k = 0; k < draws_a_step_; ++k)
    draws.push_back(static_cast<std::uint32_t>(step * draws_a_step_ + k));
  RandomStream left_out(seed_, set_.patches[patch].patch.tile, Purpose::train_dropout,
                        static_cast<std::uint32_t>(step));
  const auto dropout_seed = static_cast<std::uint64_t>(0x1p52 * left_out.uniform());
  return loss_sum(set_.patches[patch], batches_[patch], network_, set_.spec, kernel_, Split::training,
                  {seed_, draws, levels_}, {dropout_, dropout_seed});
}

double ScoreMatching::held_out_loss(std::size_t patch) const {
  return loss_sum(set_.patches[patch], batches_[patch], averaged_, set_.spec, kernel_, Split::validation,
                  {seed_, held_out_draws, levels_})
      .item<double>();
}

}  // namespace halobrush::train
