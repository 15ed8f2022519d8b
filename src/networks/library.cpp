// What halobrush-networks.so gives to the program (model/networks.hpp).
#include "gan_painter.hpp"
#include "graph_diffusion.hpp"
#include "halobrush/core/error.hpp"
#include "halobrush/model/networks.hpp"
#include "halobrush/networks/setup.hpp"
#include "halobrush/train/train.hpp"

namespace halobrush::networks {
namespace {

void set_up(const model::Computing& computing) {
  set_up_torch(computing.threads, computing.device, computing.node_rank);
  if (!has_fast_blas() && computing.warn)
    computing.warn("LibTorch runs on a reference BLAS, several times slower than need be; install libopenblas0-pthread");
}

std::unique_ptr<model::Painter> make_painter(const model::ModelFile& file, const std::string& path, const model::SamplingOptions& options) {
  const auto& kind = file.spec.painter;
  if (kind == "graph_gan") return make_gan_painter(file, path, options);
  if (kind == "graph_diffusion" || kind == "diffusion") return make_graph_diffusion_painter(file, path, options);
  throw model_error("{}: is a model of the painter '{}', which this program does not know; use the version that wrote it", path, kind);
}

}  // namespace
}  // namespace halobrush::networks

extern "C" const halobrush::model::Networks* halobrush_networks() {
  using namespace halobrush;
  static const model::Networks all = {HALOBRUSH_VERSION, networks::set_up, networks::make_painter, train::run};
  return &all;
}
