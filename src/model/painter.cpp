#include "halobrush/model/painter.hpp"

#include <algorithm>
#include <cmath>

#include "chain.hpp"
#include "halobrush/core/error.hpp"
#include "halobrush/core/shared_files.hpp"
#include "halobrush/model/analytic.hpp"
#include "halobrush/model/axes_painter.hpp"
#include "halobrush/model/networks.hpp"
#include "halobrush/so3/rotation.hpp"

namespace halobrush::model {
namespace {

Mat3 frame_of(const std::vector<double>& rows) {
  Mat3 frame;
  for (int i = 0; i < 9; ++i) frame(i / 3, i % 3) = rows[static_cast<std::size_t>(i)];
  if (!so3::is_rotation(frame, 1e-6))
    throw config_error(
        "painter.frame: is not a rotation matrix; give nine numbers by rows, or remove the key");
  return frame;
}

std::unique_ptr<Painter> make_learned(const config::Config& config, const std::string& path, const std::string& kind) {
  const auto file = read_model(path);
  const auto& own = file.spec.painter;
  if (kind != "auto" && kind != own)
    throw config_error("painter.kind: is {}, but {} is a {} model; set painter.kind: auto, or another model",
                       kind, path, own);
  return networks().make_painter(file, path,
                                 {config.painter.sampler, config.painter.steps, static_cast<std::uint64_t>(config.seed),
                                  frame_of(config.painter.frame), config.painter.host_factor, config.compute.device});
}

std::unique_ptr<Painter> make_first(const config::Config& config, const catalog::Table& halos, double h) {
  const auto seed = static_cast<std::uint64_t>(config.seed);
  if (config.painter.kind == "analytic")
    return std::make_unique<AnalyticPainter>(config.analytic, seed, halos, h);
  if (config.painter.model.empty())
    throw config_error("painter.model: is empty; give a model file, or set painter.kind: analytic");
  return make_learned(config, config.painter.model, config.painter.kind);
}

// In single precision, which is a mock's. Axis ratios that a painter does not draw are NaN by agreement.
void check_finite(const Painted& painted, const Inputs& inputs, const Painter& painter) {
  const auto check = [&](const std::string& label, auto&& finite) {
    for (std::size_t i = 0; i < inputs.owned; ++i)
      if (!finite(i))
        throw model_error(
            "model: galaxy {}: '{}' is not finite (the network left its range); look at the inputs of this halo, or "
            "train again",
            inputs.id[i], label);
  };
  check("orientation", [&](std::size_t i) { return painted.frame[i].allFinite(); });
  const auto labels = painter.labels();
  const auto check_values = [&](const std::string& label, const std::vector<double>& values) {
    if (std::ranges::count(labels, label) > 0) check(label, [&](std::size_t i) { return std::isfinite(static_cast<float>(values[i])); });
  };
  for (std::size_t k = 0; k < painted.scalars.size(); ++k)
    check_values(painter.scalars()[k].name, painted.scalars[k]);
  check_values("b_to_a", painted.b_to_a);
  check_values("c_to_a", painted.c_to_a);
}

// Throws, naming an input that the catalog lacks.
void check_inputs(const Needs& needs, const catalog::Table& halos) {
  features::assemble(halos.empty_like(), needs.features);
  for (const auto& next : needs.then) check_inputs(next, halos);
}

// A number in another unit would be taken for one in the model's.
void check_units(const ModelSpec& spec, const catalog::Table& halos) {
  for (const auto& feature : features::available(halos))
    if (const auto own = spec.units.find(feature.name); own != spec.units.end() && own->second != feature.unit)
      throw model_error(
          "input '{}': the model was trained with the unit '{}', this program gives '{}'; use the version that wrote "
          "the model, or train again",
          feature.name, own->second, feature.unit);
}

}  // namespace

Painted Painter::paint(const Inputs& inputs) const {
  auto painted = draw(inputs);
  check_finite(painted, inputs, *this);
  return painted;
}

std::vector<double> Painter::log_density(const Inputs&, const Observed&) const {
  throw model_error("this painter has no density; use graph_diffusion, diffusion or analytic");
}

std::unique_ptr<AxesPainter> make_axes_painter(const config::Config& config, const Painter& first,
                                               const catalog::Table& halos, const catalog::Simulation& simulation) {
  const auto& axes = config.painter.axes;
  if (axes == "law")
    return make_shape_law(config.shapes, static_cast<std::uint64_t>(config.seed), frame_of(config.painter.frame), first,
                          halos, simulation);
  return learned_axes(make_learned(config, or_shared(axes), "auto"), axes);
}

std::unique_ptr<Painter> make_painter(const config::Config& config, const catalog::Table& halos,
                                      const catalog::Simulation& simulation) {
  auto painter = make_first(config, halos, simulation.h);
  if (!config.painter.axes.empty()) {
    auto axes = make_axes_painter(config, *painter, halos, simulation);
    painter = make_chain(std::move(painter), std::move(axes));
  }
  check_inputs(painter->needs(), halos);
  for (const auto* model : painter->models()) check_units(*model, halos);
  return painter;
}

}  // namespace halobrush::model
