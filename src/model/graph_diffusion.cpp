#include "graph_diffusion.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "halobrush/core/error.hpp"
#include "halobrush/model/diffusion.hpp"
#include "halobrush/model/input_range.hpp"
#include "halobrush/model/network.hpp"
#include "halobrush/model/runtime.hpp"

namespace halobrush::model {
namespace {

bool is_axis_ratio(const std::string& name) {
  return name == "b_to_a" || name == "c_to_a";
}

constexpr std::int64_t density_steps = 32;

class GraphDiffusionPainter : public Painter {
 public:
  GraphDiffusionPainter(const std::string& path, const SamplingOptions& options)
      : file_(read_model(path)),
        sampling_(options),
        sampler_(diffusion::sampler_named(options.sampler).value_or(diffusion::Sampler::multistep)),
        tensor_options_(device_options(options.device)),
        network_(file_, path, tensor_options_) {
    const auto& spec = file_.spec;
    needs_ = needs_of(spec);
    for (const auto& label : spec.labels)
      if (!is_axis_ratio(label.column.name)) scalars_.push_back(label.column);
  }

  const Needs& needs() const override { return needs_; }
  const std::vector<catalog::ColumnSpec>& scalars() const override { return scalars_; }
  std::string sha256() const override { return file_.sha256; }

  Orientation orientation() const override { return file_.spec.orientation; }
  std::vector<std::string> labels() const override {
    std::vector<std::string> names;
    for (const auto& label : file_.spec.labels) names.push_back(label.column.name);
    return names;
  }

  Painted paint(const Inputs& inputs) const override {
    return guarded([&] { return paint_unguarded(inputs); });
  }
  std::vector<double> log_density(const Inputs& inputs, const Observed& galaxies) const override {
    return guarded([&] { return log_density_unguarded(inputs, galaxies); });
  }

 private:
  Painted paint_unguarded(const Inputs& inputs) const {
    const c10::InferenceMode inference;
    const auto& spec = file_.spec;
    const auto batch = make_batch(inputs, spec, tensor_options_);
    const auto environment = network_.encode(batch);
    const auto denoiser = network_.denoiser(batch, environment);
    auto noise = diffusion::pure_noise(inputs.id.first(inputs.owned), spec.labels.size(), sampling_.seed,
                                       sampling_.frame, spec.noise);
    const auto state = diffusion::sample(denoise_with(denoiser, spec.noise, tensor_options_),
                                         std::move(noise), spec.noise, sampler_, sampling_.evaluations);
    return painted(state, inputs);
  }

  std::vector<double> log_density_unguarded(const Inputs& inputs, const Observed& galaxies) const {
    if (inputs.owned == 0) return {};
    const torch::NoGradGuard no_grad;
    const auto& spec = file_.spec;
    const auto batch = make_batch(inputs, spec, tensor_options_);
    const auto denoiser = network_.denoiser(batch, network_.encode(batch));
    const auto known = known_tensor(galaxies);
    auto encoded = encode_labels(spec.labels, galaxies.labels);
    const double log_base_at_zero = -std::log(spec.noise.scalar_max * std::sqrt(2 * std::numbers::pi));
    auto offset = log_label_jacobian(spec.labels, galaxies.labels, galaxies.known);
    for (std::size_t i = 0; i < inputs.owned; ++i)
      for (std::size_t l = 0; l < spec.labels.size(); ++l)
        if (!galaxies.known[l + 1][i]) {  // stands still at 0 and counts for nothing
          encoded[i * spec.labels.size() + l] = 0;
          offset[i] -= log_base_at_zero;
        }
    auto log_p = diffusion::log_density(denoise_with_divergence(denoiser, known, spec.noise, tensor_options_),
                                        {galaxies.frame, encoded}, spec.noise, density_steps);
    for (std::size_t i = 0; i < log_p.size(); ++i) log_p[i] += offset[i];
    return log_p;
  }

  torch::Tensor known_tensor(const Observed& galaxies) const {
    std::vector<double> rows;
    for (std::size_t i = 0; i < galaxies.frame.size(); ++i)
      for (const auto& known : galaxies.known) rows.push_back(known[i]);
    return torch::tensor(rows, torch::kFloat64)
        .view({static_cast<std::int64_t>(galaxies.frame.size()), -1})
        .to(tensor_options_);
  }

  Painted painted(const diffusion::State& state, const Inputs& inputs) const {
    const auto& spec = file_.spec;
    Painted rows;
    rows.frame = state.frames;
    rows.b_to_a.assign(inputs.owned, std::nan(""));
    rows.c_to_a.assign(inputs.owned, std::nan(""));
    auto columns = decode_labels(spec.labels, state.labels);
    for (std::size_t l = 0; l < columns.size(); ++l) {
      if (!std::ranges::all_of(columns[l], [](double v) { return std::isfinite(v); }))
        throw model_error(
            "model: '{}' is not finite for some galaxies (the network left its range); check the inputs, or "
            "train again",
            spec.labels[l].column.name);
      if (spec.labels[l].column.name == "b_to_a")
        rows.b_to_a = std::move(columns[l]);
      else if (spec.labels[l].column.name == "c_to_a")
        rows.c_to_a = std::move(columns[l]);
      else
        rows.scalars.push_back(std::move(columns[l]));
    }
    for (const double d : input_distance(inputs.nodes, inputs.owned, spec))
      rows.out_of_distribution.push_back(d > spec.range.radius);
    return rows;
  }

  ModelFile file_;
  SamplingOptions sampling_;
  diffusion::Sampler sampler_;
  torch::TensorOptions tensor_options_;
  Network network_;
  Needs needs_;
  std::vector<catalog::ColumnSpec> scalars_;
};

}  // namespace

std::unique_ptr<Painter> make_graph_diffusion_painter(const std::string& model_path,
                                                      const SamplingOptions& options) {
  return std::make_unique<GraphDiffusionPainter>(model_path, options);
}

}  // namespace halobrush::model
