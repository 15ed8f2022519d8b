#include "graph_diffusion.hpp"

#include <algorithm>
#include <cmath>

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

class GraphDiffusionPainter : public Painter {
 public:
  GraphDiffusionPainter(const std::string& path, const SamplingOptions& options)
      : file_(read_model(path)),
        sampling_(options),
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

  Painted paint(const Inputs& inputs) const override {
    return guarded([&] { return paint_unguarded(inputs); });
  }

 private:
  Painted paint_unguarded(const Inputs& inputs) const {
    const c10::InferenceMode inference;
    const auto& spec = file_.spec;
    const auto batch = make_batch(inputs, spec, tensor_options_);
    const auto environment = network_.encode(batch);
    const auto denoiser = network_.denoiser(batch, environment);
    auto noise = pure_noise(inputs.id.first(inputs.owned), spec.labels.size(), sampling_.seed,
                            sampling_.frame, spec.noise);
    const auto state = sample(denoiser, std::move(noise), spec.noise, sampler_named(sampling_.sampler),
                              sampling_.evaluations, tensor_options_);
    return painted(state, inputs);
  }

  Painted painted(const State& state, const Inputs& inputs) const {
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
