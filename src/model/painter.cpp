#include "halobrush/model/painter.hpp"

#include "gan_painter.hpp"
#include "graph_diffusion.hpp"
#include "halobrush/core/error.hpp"
#include "halobrush/model/analytic.hpp"
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

std::unique_ptr<Painter> make_learned(const config::Config& config) {
  const auto &path = config.painter.model, &kind = config.painter.kind;
  const auto file = read_model(path);
  const auto& own = file.spec.painter;
  if (kind != "auto" && kind != own)
    throw config_error("painter.kind: is {}, but {} is a {} model; set painter.kind: auto, or another model",
                       kind, path, own);
  const auto seed = static_cast<std::uint64_t>(config.seed);
  if (own == "graph_gan") return make_gan_painter(file, path, seed, config.compute.device);
  if (own == "graph_diffusion" || own == "diffusion")
    return make_graph_diffusion_painter(
        file, path,
        {config.painter.sampler, config.painter.steps, seed, frame_of(config.painter.frame),
         config.painter.host_factor, config.compute.device});
  throw model_error(
      "{}: is a model of the painter '{}', which this program does not know; use the version "
      "that wrote it",
      path, own);
}

std::unique_ptr<Painter> make(const config::Config& config, const catalog::Table& halos, double h) {
  const auto seed = static_cast<std::uint64_t>(config.seed);
  if (config.painter.kind == "analytic")
    return std::make_unique<AnalyticPainter>(config.analytic, seed, halos, h);
  if (config.painter.model.empty())
    throw config_error("painter.model: is empty; give a model file, or set painter.kind: analytic");
  return make_learned(config);
}

}  // namespace

std::vector<double> Painter::log_density(const Inputs&, const Observed&) const {
  throw model_error("this painter has no density; use graph_diffusion, diffusion or analytic");
}

std::unique_ptr<Painter> make_painter(const config::Config& config, const catalog::Table& halos, double h) {
  auto painter = make(config, halos, h);
  features::assemble(halos.empty_like(),
                     painter->needs().features);  // throws, naming an input that the catalog lacks
  return painter;
}

}  // namespace halobrush::model
