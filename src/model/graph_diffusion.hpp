// The learned painter: encode once, then a few reverse-diffusion steps.
#pragma once

#include <string>

#include "halobrush/model/painter.hpp"

namespace halobrush::model {

struct SamplingOptions {
  std::string sampler;
  std::int64_t evaluations = 16;
  std::uint64_t seed = 1;
  Mat3 frame = Mat3::Identity();  ///< turns the initial random orientations
  std::string device = "cpu";
};

std::unique_ptr<Painter> make_graph_diffusion_painter(const std::string& model_path,
                                                      const SamplingOptions& options);

}  // namespace halobrush::model
