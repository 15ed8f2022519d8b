// Fewer evaluations: a student that takes in one step what its teacher takes in many.
#pragma once

#include "halobrush/diffusion/sampler.hpp"
#include "halobrush/networks/network.hpp"
#include "halobrush/so3/igso3.hpp"
#include "method.hpp"
#include "training_set.hpp"

namespace halobrush::train {

/// The student keeps the teacher's architecture and starts from its weights. It knows only the levels of
/// diffusion::single_steps(evaluations). From data noised to one of them, the teacher follows the probability
/// flow to the next in small steps; the student learns the one denoised estimate that arrives at the same
/// place in one step (progressive distillation, Salimans & Ho 2022, arXiv:2202.00512, in one go; on SO(3) by
/// the exponential map). Loss: squared error of the network's outputs, over all levels.
class Distillation : public Method {
 public:
  Distillation(const TrainingSet& set, const config::Config& config);
  std::vector<Player> players() override;
  Weights averaged() override { return averaged_.parameters(); }
  std::size_t turn(std::int64_t) const override { return 0; }
  torch::Tensor loss(std::size_t patch, std::int64_t step) const override;
  double held_out_loss(std::size_t patch) const override;

 private:
  torch::Tensor loss_of(std::size_t patch, const networks::Network& network, Split split,
                        std::uint32_t draw) const;

  const TrainingSet& set_;
  std::uint64_t seed_;
  double weight_decay_;
  std::int64_t steps_of_teacher_;
  diffusion::Plan plan_;
  networks::Network teacher_, student_, averaged_;
  std::vector<networks::Batch> batches_;
  so3::Igso3Sampler kernel_;
};

/// The configuration with the teacher's inputs, labels and graphs in place of its own.
config::Config with_teachers_choices(config::Config config);

/// The spec of a student: the teacher's, with all its normalisation and its origin, and the evaluations it is for.
/// Says where the set comes from elsewhere than the teacher's.
model::ModelSpec student_spec(const config::Config& config, const TrainingSet& set, Logger& log);

}  // namespace halobrush::train
