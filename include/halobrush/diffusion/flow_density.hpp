// Exact log-density of the probability flow by the change of variables (Song et al. 2021, arXiv:2011.13456,
// eq. 39), on SO(3) x R^n.
#pragma once

#include <functional>
#include <vector>

#include "halobrush/diffusion/state.hpp"

namespace halobrush::diffusion {

/// Of an Estimate, for each row by its own coordinates; where rows speak to each other, only sums over those
/// that do are the divergence of their joint flow.
struct Divergence {
  std::vector<double> jump;    ///< [n] sum_k d/dt d_k(R Exp(t e_k)) at t = 0
  std::vector<double> labels;  ///< [n] sum_l dD_l / dx_l; empty where only rotations diffuse
};

/// As Denoise; fills `divergence` where it is not null.
using DenoiseWithDivergence = std::function<Estimate(const State&, double level, Divergence* divergence)>;

/// log p of each row [n], nats: frames against Haar measure of total 1, labels as standardised. Of the data
/// blurred by the smallest noise of `range`, at which the flow starts; base density uniform x Normal. Rows
/// that speak to each other must be added up.
/// @param steps    exponential midpoint in log sigma, two evaluations a step; 32 suffice for smooth densities
std::vector<double> log_density(const DenoiseWithDivergence& denoise, State state, const NoiseRange& range,
                                std::int64_t steps);

}  // namespace halobrush::diffusion
