// The learned painter: encode once, then a few reverse-diffusion steps.
#pragma once

#include <string>

#include "halobrush/model/model_file.hpp"
#include "halobrush/model/painter.hpp"

namespace halobrush::model {

struct SamplingOptions {
  std::string sampler = "auto";
  std::int64_t evaluations = 0;  ///< 0: what the model says
  std::uint64_t seed = 1;
  Mat3 frame = Mat3::Identity();  ///< turns the initial random orientations
  bool host_factor =
      true;  ///< what the model says of it; false: members of a host start from noise of their own
  std::string device = "cpu";
};

/// graph_diffusion and diffusion. `path` is for messages.
std::unique_ptr<Painter> make_graph_diffusion_painter(const ModelFile& file, const std::string& path,
                                                      const SamplingOptions& options);

}  // namespace halobrush::model
