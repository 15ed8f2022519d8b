#include "move.hpp"

#include "halobrush/so3/rotation.hpp"

namespace halobrush::diffusion {

void advance(State& state, const Estimate& estimate, Noise kept) {
  for (std::size_t i = 0; i < state.frames.size(); ++i)
    state.frames[i] =
        so3::orthonormalised(state.frames[i] * so3::exp(estimate.jump[i] * (1 - kept.rotation)));
  for (std::size_t i = 0; i < state.labels.size(); ++i)
    state.labels[i] = kept.scalar * state.labels[i] + (1 - kept.scalar) * estimate.labels[i];
}

Noise ratio(Noise to, Noise from) {
  return {to.rotation / from.rotation, to.scalar / from.scalar};
}

void express_from(const State& from, const State& at, Estimate& estimate) {
  for (std::size_t i = 0; i < from.frames.size(); ++i)
    estimate.jump[i] = so3::log(from.frames[i].transpose() * at.frames[i] * so3::exp(estimate.jump[i]));
}

}  // namespace halobrush::diffusion
