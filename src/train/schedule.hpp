// How the learning rate runs, and which patches of the training set a step takes.
#pragma once

#include <cstdint>
#include <vector>

#include "halobrush/config/config.hpp"

namespace halobrush::train {

/// Warm-up over the first twentieth (200 steps at most), then `cosine`: to zero; `step`: a tenth from 20 % of
/// the steps on, a hundredth from 70 % on, as the authors of SO(3) diffusion trained.
double learning_rate(const config::Train& train, std::int64_t step);

/// One random order of the patches for each pass through the data; a step takes the next few.
class PatchOrder {
 public:
  PatchOrder(std::size_t patches, std::size_t patches_a_step, std::uint64_t seed)
      : patches_(patches), patches_a_step_(patches_a_step), seed_(seed) {}
  std::vector<std::size_t> of_step(std::int64_t step);

 private:
  const std::vector<std::size_t>& of_pass(std::size_t pass);

  std::size_t patches_, patches_a_step_;
  std::uint64_t seed_;
  std::vector<std::size_t> order_;  // of pass_
  std::size_t pass_ = 0;
};

}  // namespace halobrush::train
