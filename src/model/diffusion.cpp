#include "halobrush/model/diffusion.hpp"

#include <algorithm>
#include <cmath>

#include <torch/csrc/autograd/autograd.h>

#include "tensor_algebra.hpp"

namespace halobrush::model {
namespace {

double logit(double p) {
  const double safe = std::clamp(p, 1e-6, 1 - 1e-6);
  return std::log(safe / (1 - safe));
}
double logistic(double y) {
  return 1 / (1 + std::exp(-y));
}

const std::vector<double>* column_of(const std::vector<Label>& labels,
                                     const std::vector<std::vector<double>>& columns,
                                     const std::string& name) {
  for (std::size_t l = 0; l < labels.size(); ++l)
    if (labels[l].column.name == name) return &columns[l];
  return nullptr;
}

}  // namespace

namespace {

// A denoiser between the host's double states and the network's float tensors.
class Evaluation {
 public:
  Evaluation(const Denoiser& denoiser, const diffusion::NoiseRange& range, torch::TensorOptions options)
      : denoiser_(denoiser), range_(range), options_(options) {}

  struct Question {
    std::int64_t n, labels;
    diffusion::Noise sigma;
    diffusion::Preconditioning p;
    Tensor x;  // [n, labels] in double
    Noisy noisy;
  };
  Question question(const diffusion::State& state, double level, const Tensor& known) const {
    Question q;
    q.n = static_cast<std::int64_t>(state.frames.size());
    q.labels = q.n > 0 ? static_cast<std::int64_t>(state.labels.size()) / q.n : 0;
    q.sigma = diffusion::noise_at(range_, level);
    q.p = diffusion::preconditioning(q.sigma.scalar);
    q.x = as_tensor(state.labels, {q.n, q.labels}, torch::kFloat64);
    const auto all = known.defined() ? known : torch::ones({q.n, 1 + q.labels}, options_);
    q.noisy = {frames(state), (q.x * q.p.in).to(options_), all, torch::full({q.n, 1}, level, options_)};
    return q;
  }

  diffusion::Estimate answer(const Question& q, const Denoised& out) const {
    const auto tangent = on_host(out.rotation * q.noisy.known.slice(1, 0, 1)) * q.sigma.rotation;
    const auto known = on_host(q.noisy.known.slice(1, 1));
    const auto clean = q.x * q.p.skip + on_host(out.scalars) * q.p.out;
    const auto labels = (known * clean + (1 - known) * q.x).contiguous();
    diffusion::Estimate estimate;
    const auto jump = tangent.contiguous();
    const double *t = jump.data_ptr<double>(), *c = labels.data_ptr<double>();
    for (std::int64_t i = 0; i < q.n; ++i) estimate.jump.emplace_back(t[3 * i], t[3 * i + 1], t[3 * i + 2]);
    estimate.labels.assign(c, c + q.n * q.labels);
    return estimate;
  }

  const Denoiser& denoiser() const { return denoiser_; }
  torch::TensorOptions options() const { return options_; }
  static Tensor on_host(const Tensor& t) { return t.detach().to(torch::kCPU, torch::kFloat64); }

 private:
  Tensor frames(const diffusion::State& state) const {
    std::vector<double> rows;
    rows.reserve(9 * state.frames.size());
    for (const auto& f : state.frames)
      rows.insert(rows.end(),
                  {f(0, 0), f(0, 1), f(0, 2), f(1, 0), f(1, 1), f(1, 2), f(2, 0), f(2, 1), f(2, 2)});
    return as_tensor(rows, {static_cast<std::int64_t>(state.frames.size()), 3, 3}, options_);
  }

  const Denoiser& denoiser_;
  diffusion::NoiseRange range_;
  torch::TensorOptions options_;
};

// R (1 + [v]x): what R Exp(v) is to first order.
Tensor turned(const Tensor& frames, const Tensor& v) {
  const auto zero = torch::zeros_like(component(v, 0));
  const auto x = component(v, 0), y = component(v, 1), z = component(v, 2);
  const auto cross = torch::stack({zero, -z, y, z, zero, -x, -y, x, zero}, 1).view({-1, 3, 3});
  return frames + torch::bmm(frames, cross);
}

// sum_k (scale d out_k / d at_k + offset) of each row, whose answers depend on its own `at` only. `known`
// [n, 1 or k]: a coordinate that stands still counts `still` instead.
Tensor trace_of_slopes(const Tensor& out, const Tensor& at, const Tensor& known, double scale, double offset,
                       double still) {
  auto trace = torch::zeros({out.size(0)}, torch::kFloat64);
  for (std::int64_t k = 0; k < out.size(1); ++k) {
    const auto slope = torch::autograd::grad({out.select(1, k).sum()}, {at}, {}, true)[0].select(1, k);
    const auto moves = Evaluation::on_host(known.select(1, std::min(k, known.size(1) - 1)));
    trace += moves * (Evaluation::on_host(slope) * scale + offset) + (1 - moves) * still;
  }
  return trace;
}

std::vector<double> to_vector(const Tensor& t) {
  const auto values = t.contiguous();
  return {values.data_ptr<double>(), values.data_ptr<double>() + values.numel()};
}

}  // namespace

diffusion::Denoise denoise_with(const Denoiser& denoiser, const diffusion::NoiseRange& range,
                                torch::TensorOptions options) {
  return [evaluation = Evaluation(denoiser, range, options)](const diffusion::State& state, double level) {
    const auto q = evaluation.question(state, level, {});
    return evaluation.answer(q, evaluation.denoiser()(q.noisy));
  };
}

diffusion::DenoiseWithDivergence denoise_with_divergence(const Denoiser& denoiser, torch::Tensor known,
                                                         const diffusion::NoiseRange& range,
                                                         torch::TensorOptions options) {
  return [evaluation = Evaluation(denoiser, range, options), known](
             const diffusion::State& state, double level, diffusion::Divergence* divergence) {
    const auto q = evaluation.question(state, level, known);
    if (divergence == nullptr) return evaluation.answer(q, evaluation.denoiser()(q.noisy));
    const torch::AutoGradMode with_gradients(true);
    const auto turn = torch::zeros({q.n, 3}, evaluation.options()).set_requires_grad(true);
    auto own = q.noisy;
    own.frames = turned(own.frames, turn);
    own.scalars = own.scalars.detach().clone().set_requires_grad(true);
    const auto out = evaluation.denoiser()(own, q.noisy);
    divergence->jump =
        to_vector(trace_of_slopes(out.rotation, turn, known.slice(1, 0, 1), q.sigma.rotation, 0, 0));
    if (q.labels > 0)  // D = skip x + out F(in x)
      divergence->labels = to_vector(
          trace_of_slopes(out.scalars, own.scalars, known.slice(1, 1), q.p.out * q.p.in, q.p.skip, 1));
    return evaluation.answer(q, out);
  };
}

std::vector<double> log_label_jacobian(const std::vector<Label>& labels,
                                       const std::vector<std::vector<double>>& columns,
                                       const std::vector<std::vector<std::uint8_t>>& known) {
  const std::size_t n = known[0].size();
  const auto* b_to_a = column_of(labels, columns, "b_to_a");
  std::vector<double> result(n);
  for (std::size_t l = 0; l < labels.size(); ++l)
    for (std::size_t i = 0; i < n; ++i) {
      if (!known[l + 1][i]) continue;
      const double unit = labels[l].transform == Transform::logit_of_b_to_a ? (*b_to_a)[i] : 1;
      const double u = columns[l][i] / unit;
      result[i] -= std::log(labels[l].deviation * unit);
      if (labels[l].transform != Transform::identity) result[i] -= std::log(u) + std::log1p(-u);
    }
  return result;
}

std::vector<double> encode_labels(const std::vector<Label>& labels,
                                  const std::vector<std::vector<double>>& columns) {
  const std::size_t n = columns.empty() ? 0 : columns[0].size();
  const auto* b_to_a = column_of(labels, columns, "b_to_a");
  std::vector<double> encoded(n * labels.size());
  for (std::size_t l = 0; l < labels.size(); ++l)
    for (std::size_t i = 0; i < n; ++i) {
      double y = columns[l][i];
      if (labels[l].transform == Transform::logit) y = logit(y);
      if (labels[l].transform == Transform::logit_of_b_to_a) y = logit(y / (*b_to_a)[i]);
      encoded[i * labels.size() + l] = (y - labels[l].mean) / labels[l].deviation;
    }
  return encoded;
}

std::vector<std::vector<double>> decode_labels(const std::vector<Label>& labels,
                                               const std::vector<double>& encoded) {
  const std::size_t n = labels.empty() ? 0 : encoded.size() / labels.size();
  std::vector<std::vector<double>> columns(labels.size(), std::vector<double>(n));
  for (std::size_t l = 0; l < labels.size(); ++l)
    for (std::size_t i = 0; i < n; ++i) {
      const double y = encoded[i * labels.size() + l] * labels[l].deviation + labels[l].mean;
      columns[l][i] = labels[l].transform == Transform::identity ? y : logistic(y);
    }
  const auto* b_to_a = column_of(labels, columns, "b_to_a");
  for (std::size_t l = 0; l < labels.size(); ++l)
    if (labels[l].transform == Transform::logit_of_b_to_a)
      for (std::size_t i = 0; i < n; ++i) columns[l][i] *= (*b_to_a)[i];
  return columns;
}

}  // namespace halobrush::model
