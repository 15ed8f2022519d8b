#include "graph_diffusion.hpp"

#include <cmath>
#include <numbers>

#include "halobrush/networks/diffusion.hpp"
#include "halobrush/model/labels.hpp"
#include "halobrush/model/host_factor.hpp"
#include "halobrush/networks/network.hpp"
#include "halobrush/networks/runtime.hpp"
#include "learned_painter.hpp"

namespace halobrush::networks {
namespace {

constexpr std::int64_t density_steps = 32;

class GraphDiffusionPainter : public LearnedPainter {
 public:
  GraphDiffusionPainter(const ModelFile& file, const std::string& path, const SamplingOptions& options)
      : LearnedPainter(file.spec, file.sha256),
        sampling_(options),
        tensor_options_(device_options(options.device)),
        network_(file, path, tensor_options_) {
    if (sampling_.evaluations == 0) sampling_.evaluations = spec().evaluations;
    if (spec().distilled && (sampling_.sampler != "auto" || sampling_.evaluations != spec().evaluations))
      throw config_error(
          "painter.sampler, painter.steps: {} was distilled for {} single steps and knows no others; leave "
          "both "
          "keys out",
          path, spec().evaluations);
    if (spec().noise.labels_first && sampling_.evaluations < 3)
      throw config_error("painter.steps: {} lets labels form first, which takes at least 3", path);
    if (spec().noise.labels_first && sampling_.sampler == "authors")
      throw config_error(
          "painter.sampler: authors noises labels and orientation together, but {} lets labels form first; "
          "take "
          "multistep",
          path);
  }

  Painted draw(const Inputs& inputs) const override {
    return guarded([&] { return paint_unguarded(inputs); });
  }
  std::vector<double> log_density(const Inputs& inputs, const Observed& galaxies) const override {
    return guarded([&] { return log_density_unguarded(inputs, galaxies); });
  }
  std::optional<std::vector<double>> starting_noise(const Inputs& inputs,
                                                    const Observed& galaxies) const override {
    if (spec().distilled) return std::nullopt;
    return guarded([&] { return starting_noise_unguarded(inputs, galaxies); });
  }

 private:
  Painted paint_unguarded(const Inputs& inputs) const {
    const c10::InferenceMode inference;
    const auto& spec = this->spec();
    const auto batch = make_batch(inputs, spec, tensor_options_);
    const auto environment = network_.encode(batch);
    const auto denoiser = network_.denoiser(batch, environment);
    const auto id = inputs.id.first(inputs.owned);
    auto noise = diffusion::pure_noise(id, spec.labels.size(), sampling_.seed, sampling_.frame, spec.noise);
    if (has_host_factor())
      add_host_factor(noise, id, inputs.host, sampling_.seed, spec.host_factor, spec.noise.scalar_max);
    return painted(drawn(denoise_with(denoiser, spec.noise, tensor_options_), std::move(noise)), inputs);
  }

  diffusion::State drawn(const diffusion::Denoise& denoise, diffusion::State noise) const {
    const auto& spec = this->spec();
    if (noise.frames.empty()) return noise;
    if (spec.distilled)
      return diffusion::follow(diffusion::single_steps(spec.noise, spec.evaluations), denoise,
                               std::move(noise));
    const auto sampler = diffusion::sampler_named(sampling_.sampler).value_or(diffusion::Sampler::multistep);
    return diffusion::sample(denoise, std::move(noise), spec.noise, sampler, sampling_.evaluations);
  }

  bool has_host_factor() const { return sampling_.host_factor && !spec().host_factor.empty(); }

  // Against the flow, from the labels to the noise that they come from.
  std::vector<double> starting_noise_unguarded(const Inputs& inputs, const Observed& galaxies) const {
    if (inputs.owned == 0 || spec().labels.empty()) return {};
    const c10::InferenceMode inference;
    const auto& spec = this->spec();
    const auto batch = make_batch(inputs, spec, tensor_options_);
    const auto denoiser = network_.denoiser(batch, network_.encode(batch));
    const auto denoise =
        denoise_with_divergence(denoiser, known_tensor(galaxies), spec.noise, tensor_options_);
    diffusion::State state = {galaxies.frame, encode_labels(spec.labels, galaxies.labels)};
    const auto labels = spec.labels.size();
    for (std::size_t k = 0; k < state.labels.size(); ++k)
      if (!galaxies.known[k % labels + 1][k / labels]) state.labels[k] = 0;
    state = diffusion::flow([&](const auto& at, double level) { return denoise(at, level, nullptr); },
                            std::move(state), spec.noise, 1, 0, density_steps);
    for (std::size_t k = 0; k < state.labels.size(); ++k)
      state.labels[k] =
          galaxies.known[k % labels + 1][k / labels] ? state.labels[k] / spec.noise.scalar_max : std::nan("");
    return state.labels;
  }

  std::vector<double> log_density_unguarded(const Inputs& inputs, const Observed& galaxies) const {
    if (inputs.owned == 0) return {};
    const torch::NoGradGuard no_grad;
    const auto& spec = this->spec();
    if (spec.distilled)
      throw model_error("a distilled model has no density; take the model that it was distilled from");
    const auto batch = make_batch(inputs, spec, tensor_options_);
    const auto denoiser = network_.denoiser(batch, network_.encode(batch));
    const auto known = known_tensor(galaxies);
    auto encoded = encode_labels(spec.labels, galaxies.labels);
    // An unknown label stands still at 0, or is a number at 0 that is independent of all others: both count
    // for nothing.
    const double sigma_at_zero = spec.unknown_as_noise ? 1 : spec.noise.scalar_max;
    const double log_density_at_zero = -std::log(sigma_at_zero * std::sqrt(2 * std::numbers::pi));
    auto offset = log_label_jacobian(spec.labels, galaxies.labels, galaxies.known);
    for (std::size_t i = 0; i < inputs.owned; ++i)
      for (std::size_t l = 0; l < spec.labels.size(); ++l)
        if (!galaxies.known[l + 1][i]) {
          encoded[i * spec.labels.size() + l] = 0;
          offset[i] -= log_density_at_zero;
        }
    auto log_p = diffusion::log_density(denoise_with_divergence(denoiser, known, spec.noise, tensor_options_),
                                        {galaxies.frame, encoded}, spec.noise, density_steps);
    if (has_host_factor()) {
      const auto ratio = log_density_ratio(starting_noise_unguarded(inputs, galaxies),
                                           inputs.id.first(inputs.owned), inputs.host, spec.host_factor);
      for (std::size_t i = 0; i < log_p.size(); ++i) log_p[i] += ratio[i];
    }
    for (std::size_t i = 0; i < log_p.size(); ++i) log_p[i] += offset[i];
    return log_p;
  }

  torch::Tensor known_tensor(const Observed& galaxies) const {
    std::vector<double> rows;
    for (std::size_t i = 0; i < galaxies.frame.size(); ++i)
      for (std::size_t k = 0; k < galaxies.known.size(); ++k)
        rows.push_back(galaxies.known[k][i] || (k > 0 && spec().unknown_as_noise));
    return torch::tensor(rows, tensor_options_).view({static_cast<std::int64_t>(galaxies.frame.size()), -1});
  }

  SamplingOptions sampling_;
  torch::TensorOptions tensor_options_;
  Network network_;
};

}  // namespace

std::unique_ptr<Painter> make_graph_diffusion_painter(const ModelFile& file, const std::string& path,
                                                      const SamplingOptions& options) {
  return std::make_unique<GraphDiffusionPainter>(file, path, options);
}

}  // namespace halobrush::networks
