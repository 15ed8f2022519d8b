// Reverse diffusion: from pure noise to samples along the probability flow, deterministically.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "halobrush/diffusion/state.hpp"

namespace halobrush::diffusion {

enum class Sampler {
  multistep,  ///< second-order multistep in log sigma with a final denoising jump; one evaluation a step
  midpoint,   ///< exponential midpoint in log sigma with the same jump; two evaluations a step
  authors,    ///< midpoint, uniform in t = sigma^2 from 10 to 0 (Jagvaral et al. 2024, arXiv:2312.11707)
};
std::optional<Sampler> sampler_named(const std::string& name);

/// Evaluations of the authors' own schedule: 2048 points in t, two evaluations an interval.
constexpr std::int64_t authors_evaluations = 4094;

/// One evaluation of a multistep plan: R <- R Exp((1 - kept) d'), x <- kept x + (1 - kept) D', with the
/// estimates d' = d + lookahead Log(D_before^T D), D' = D + lookahead (D - D_before) carried on along their
/// last change.
struct Step {
  double level;
  Noise kept;  ///< share of the noise that stays; 0 for the final jump
  double lookahead;
};
using Plan = std::vector<Step>;

/// DPM-Solver++ 2M (Lu et al. 2022, arXiv:2211.01095) in equal steps of log sigma, then a jump.
Plan multistep_plan(const NoiseRange& range, std::int64_t evaluations);

/// Steps without a look at the one before, equal in log sigma, the last one to the end: what a distilled
/// network follows.
Plan single_steps(const NoiseRange& range, std::int64_t evaluations);

State follow(const Plan& plan, const Denoise& denoise, State noise);

/// Along the flow from one level to another: exponential midpoint in log sigma, two evaluations a step.
State flow(const Denoise& denoise, State state, const NoiseRange& range, double from, double to,
           std::int64_t steps);

/// From pure noise (level 0) in at most `evaluations` calls of the denoiser.
State sample(const Denoise& denoise, State noise, const NoiseRange& range, Sampler sampler,
             std::int64_t evaluations);

}  // namespace halobrush::diffusion
