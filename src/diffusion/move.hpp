// The one move that all integrators are made of.
#pragma once

#include "halobrush/diffusion/state.hpp"

namespace halobrush::diffusion {

/// Exact for a constant estimate: the noise shrinks (or grows) to `kept` times what it was.
void advance(State& state, const Estimate& estimate, Noise kept);

/// What stays of the noise on the way from one level to another.
Noise ratio(Noise to, Noise from);

/// The clean frames that an estimate at `at` names, as jumps from `from`.
void express_from(const State& from, const State& at, Estimate& estimate);

}  // namespace halobrush::diffusion
