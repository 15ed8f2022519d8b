#include "halobrush/model/diffusion.hpp"

#include <algorithm>
#include <cmath>

#include "halobrush/core/error.hpp"
#include "halobrush/core/random.hpp"

namespace halobrush::model {
namespace {

double log_linear(double from, double to, double level) {
  return from * std::pow(to / from, level);
}

// What one call of the denoiser says: where each galaxy would be without noise.
struct Estimate {
  std::vector<Vec3> jump;      // body-frame tangent from the noisy to the clean frame
  std::vector<double> labels;  // clean labels
};

class Walker {
 public:
  Walker(const Denoiser& denoiser, State start, const NoiseRange& range, torch::TensorOptions options)
      : denoiser_(denoiser), state_(std::move(start)), range_(range), options_(options) {
    n_ = static_cast<std::int64_t>(state_.frames.size());
    labels_ = n_ > 0 ? static_cast<std::int64_t>(state_.labels.size()) / n_ : 0;
  }

  Estimate evaluate(const State& state, double level) const {
    const auto sigma = noise_at(range_, level);
    const auto p = preconditioning(sigma.scalar);
    const auto x = torch::from_blob(const_cast<double*>(state.labels.data()), {n_, labels_}, torch::kFloat64);
    const auto out = denoiser_(state.frames, (x * p.in).to(options_), torch::full({n_, 1}, level, options_));
    const auto tangent = (out.rotation.to(torch::kCPU, torch::kFloat64) * sigma.rotation).contiguous();
    const auto clean = (x * p.skip + out.scalars.to(torch::kCPU, torch::kFloat64) * p.out).contiguous();
    Estimate estimate;
    const double *t = tangent.data_ptr<double>(), *c = clean.data_ptr<double>();
    for (std::int64_t i = 0; i < n_; ++i) estimate.jump.emplace_back(t[3 * i], t[3 * i + 1], t[3 * i + 2]);
    estimate.labels.assign(c, c + n_ * labels_);
    return estimate;
  }

  // Exact for a constant estimate: the noise shrinks by sigma_to / sigma_from.
  static void advance(State& state, const Estimate& e, Noise from, Noise to) {
    for (std::size_t i = 0; i < state.frames.size(); ++i)
      state.frames[i] =
          so3::orthonormalised(state.frames[i] * so3::exp(e.jump[i] * (1 - to.rotation / from.rotation)));
    const double kept = to.scalar / from.scalar;
    for (std::size_t i = 0; i < state.labels.size(); ++i)
      state.labels[i] = kept * state.labels[i] + (1 - kept) * e.labels[i];
  }

  static void jump(State& state, const Estimate& e) { advance(state, e, {1, 1}, {0, 0}); }

  State multistep(std::int64_t evaluations) {
    std::vector<Mat3> previous_frames;
    std::vector<double> previous_labels;
    for (std::int64_t i = 0; i + 1 < evaluations; ++i) {
      const double step = 1.0 / static_cast<double>(evaluations - 1);
      const double level = static_cast<double>(i) * step;
      Estimate e = evaluate(state_, level);
      std::vector<Mat3> clean(state_.frames.size());
      for (std::size_t k = 0; k < clean.size(); ++k) clean[k] = state_.frames[k] * so3::exp(e.jump[k]);
      const auto clean_labels = e.labels;
      if (i > 0) {  // extrapolate by half a step along the last change (DPM-Solver++ 2M, equal steps in log
                    // sigma)
        for (std::size_t k = 0; k < clean.size(); ++k)
          e.jump[k] += 0.5 * so3::log(previous_frames[k].transpose() * clean[k]);
        for (std::size_t k = 0; k < clean_labels.size(); ++k)
          e.labels[k] += 0.5 * (clean_labels[k] - previous_labels[k]);
      }
      advance(state_, e, noise_at(range_, level), noise_at(range_, level + step));
      previous_frames = std::move(clean);
      previous_labels = clean_labels;
    }
    jump(state_, evaluate(state_, 1));
    return std::move(state_);
  }

  State midpoint(std::int64_t evaluations) {
    const std::int64_t steps = std::max<std::int64_t>(1, (evaluations - 1) / 2);
    for (std::int64_t i = 0; i < steps; ++i) {
      const double step = 1.0 / static_cast<double>(steps), level = static_cast<double>(i) * step;
      const auto from = noise_at(range_, level), half = noise_at(range_, level + step / 2),
                 to = noise_at(range_, level + step);
      State middle = state_;
      advance(middle, evaluate(state_, level), from, half);
      Estimate e = evaluate(middle, level + step / 2);
      for (std::size_t k = 0; k < e.jump.size(); ++k)
        e.jump[k] = so3::log(state_.frames[k].transpose() * middle.frames[k] * so3::exp(e.jump[k]));
      advance(state_, e, from, to);
    }
    jump(state_, evaluate(state_, 1));
    return std::move(state_);
  }

 private:
  const Denoiser& denoiser_;
  State state_;
  NoiseRange range_;
  torch::TensorOptions options_;
  std::int64_t n_ = 0, labels_ = 0;
};

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

Noise noise_at(const NoiseRange& range, double level) {
  return {log_linear(range.rotation_max, range.rotation_min, level),
          log_linear(range.scalar_max, range.scalar_min, level)};
}

Preconditioning preconditioning(double scalar_sigma) {
  const double total = scalar_sigma * scalar_sigma + 1;
  return {1 / total, scalar_sigma / std::sqrt(total), 1 / std::sqrt(total)};
}

Sampler sampler_named(const std::string& name) {
  return name == "midpoint" ? Sampler::midpoint : Sampler::multistep;
}

State sample(const Denoiser& denoiser, State noise, const NoiseRange& range, Sampler sampler,
             std::int64_t evaluations, torch::TensorOptions options) {
  if (noise.frames.empty()) return noise;
  Walker walker(denoiser, std::move(noise), range, options);
  return sampler == Sampler::multistep ? walker.multistep(evaluations) : walker.midpoint(evaluations);
}

State pure_noise(std::span<const std::int64_t> id, std::size_t labels, std::uint64_t seed, const Mat3& frame,
                 const NoiseRange& range) {
  State state;
  for (const auto i : id) {
    RandomStream orientation(seed, i, Purpose::initial_orientation);
    state.frames.push_back(frame * so3::uniform_rotation(orientation));
    RandomStream scalars(seed, i, Purpose::initial_scalars);
    for (std::size_t l = 0; l < labels; ++l) state.labels.push_back(range.scalar_max * scalars.normal());
  }
  return state;
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
