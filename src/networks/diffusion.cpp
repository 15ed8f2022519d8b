#include "halobrush/networks/diffusion.hpp"

#include <algorithm>
#include <cmath>

#include <torch/csrc/autograd/autograd.h>

#include "tensor_algebra.hpp"

namespace halobrush::networks {
namespace {

Tensor on_host(const Tensor& t) {
  return t.detach().to(torch::kCPU, torch::kFloat64);
}

std::int64_t labels_of(const diffusion::State& state) {
  return state.frames.empty() ? 0 : static_cast<std::int64_t>(state.labels.size() / state.frames.size());
}

// One evaluation at a level that all rows share, between the host's double states and the network's tensors.
struct Evaluation {
  Evaluation(const diffusion::State& state, double level, const Tensor& known,
             const diffusion::NoiseRange& range, const torch::TensorOptions& options)
      : sigma(diffusion::noise_at(range, level)),
        p(diffusion::preconditioning(sigma.scalar)),
        x(as_tensor(state.labels, {static_cast<std::int64_t>(state.frames.size()), labels_of(state)},
                    torch::kFloat64)),
        noisy(noisy_of(state, std::vector<double>(state.frames.size(), level), {}, range, options)) {
    if (known.defined()) noisy.known = known;
  }

  diffusion::Estimate estimate_from(const Denoised& out) const {
    const auto jump = (on_host(out.rotation * noisy.known.slice(1, 0, 1)) * sigma.rotation).contiguous();
    const auto known = on_host(noisy.known.slice(1, 1));
    const auto clean = x * p.skip + on_host(out.scalars) * p.out;
    const auto labels = (known * clean + (1 - known) * x).contiguous();
    diffusion::Estimate estimate;
    const auto* t = jump.data_ptr<double>();
    for (std::int64_t i = 0; i < x.size(0); ++i)
      estimate.jump.emplace_back(t[3 * i], t[3 * i + 1], t[3 * i + 2]);
    estimate.labels.assign(labels.data_ptr<double>(), labels.data_ptr<double>() + labels.numel());
    return estimate;
  }

  diffusion::Noise sigma;
  diffusion::Preconditioning p;
  Tensor x;  // [n, labels] in double
  Noisy noisy;
};

// R (1 + [v]x): what R Exp(v) is to first order.
Tensor turned(const Tensor& frames, const Tensor& v) {
  const auto zero = torch::zeros_like(component(v, 0));
  const auto x = component(v, 0), y = component(v, 1), z = component(v, 2);
  const auto cross = torch::stack({zero, -z, y, z, zero, -x, -y, x, zero}, 1).view({-1, 3, 3});
  return frames + torch::bmm(frames, cross);
}

// sum_k (scale d out_k / d at_k + offset) of each row, of which `out` depends on the row's own `at` only. `known`
// [n, 1 or k]: a coordinate that stands still counts `still` instead.
Tensor trace_of_slopes(const Tensor& out, const Tensor& at, const Tensor& known, double scale, double offset,
                       double still) {
  auto trace = torch::zeros({out.size(0)}, torch::kFloat64);
  for (std::int64_t k = 0; k < out.size(1); ++k) {
    const auto slope = torch::autograd::grad({out.select(1, k).sum()}, {at}, {}, true)[0].select(1, k);
    const auto moves = on_host(known.select(1, std::min(k, known.size(1) - 1)));
    trace += moves * (on_host(slope) * scale + offset) + (1 - moves) * still;
  }
  return trace;
}

std::vector<double> to_vector(const Tensor& t) {
  const auto values = t.contiguous();
  return {values.data_ptr<double>(), values.data_ptr<double>() + values.numel()};
}

}  // namespace

Noisy noisy_of(const diffusion::State& state, const std::vector<double>& level,
               const std::vector<double>& known, const diffusion::NoiseRange& range,
               torch::TensorOptions options) {
  const auto n = static_cast<std::int64_t>(state.frames.size()), labels = labels_of(state);
  std::vector<double> rows, scaled;
  rows.reserve(9 * state.frames.size());
  scaled.reserve(state.labels.size());
  for (const auto& f : state.frames)
    for (int row = 0; row < 3; ++row) rows.insert(rows.end(), {f(row, 0), f(row, 1), f(row, 2)});
  for (std::size_t i = 0; i < level.size(); ++i) {
    const double in = diffusion::preconditioning(diffusion::noise_at(range, level[i]).scalar).in;
    for (std::int64_t l = 0; l < labels; ++l) scaled.push_back(in * state.labels[scaled.size()]);
  }
  return {as_tensor(rows, {n, 3, 3}, options), as_tensor(scaled, {n, labels}, options),
          known.empty() ? torch::ones({n, 1 + labels}, options) : as_tensor(known, {n, 1 + labels}, options),
          as_tensor(level, {n, 1}, options)};
}

namespace {

// In steps of which none straddles the middle; the jump at the end moves both.
Part part_that_moves(const diffusion::NoiseRange& range, double level) {
  if (!range.labels_first || level == diffusion::middle_level || level == 1) return Part::both;
  return level < diffusion::middle_level ? Part::labels : Part::orientation;
}

}  // namespace

diffusion::Denoise denoise_with(const Denoiser& denoiser, const diffusion::NoiseRange& range,
                                torch::TensorOptions options) {
  return [&denoiser, range, options](const diffusion::State& state, double level) {
    Evaluation at(state, level, {}, range, options);
    at.noisy.asked = part_that_moves(range, level);
    return at.estimate_from(denoiser(at.noisy));
  };
}

diffusion::DenoiseWithDivergence denoise_with_divergence(const Denoiser& denoiser, torch::Tensor known,
                                                         const diffusion::NoiseRange& range,
                                                         torch::TensorOptions options) {
  return [&denoiser, known, range, options](const diffusion::State& state, double level,
                                            diffusion::Divergence* divergence) {
    const Evaluation at(state, level, known, range, options);
    if (divergence == nullptr) return at.estimate_from(denoiser(at.noisy));
    const torch::AutoGradMode with_gradients(true);
    const auto turn = torch::zeros({at.x.size(0), 3}, options).set_requires_grad(true);
    auto own = at.noisy;
    own.frames = turned(own.frames, turn);
    own.scalars = own.scalars.detach().clone().set_requires_grad(true);
    const auto out = denoiser(own, at.noisy);
    divergence->jump =
        to_vector(trace_of_slopes(out.rotation, turn, known.slice(1, 0, 1), at.sigma.rotation, 0, 0));
    if (at.x.size(1) > 0)  // D = skip x + out F(in x)
      divergence->labels = to_vector(
          trace_of_slopes(out.scalars, own.scalars, known.slice(1, 1), at.p.out * at.p.in, at.p.skip, 1));
    return at.estimate_from(out);
  };
}

}  // namespace halobrush::networks
