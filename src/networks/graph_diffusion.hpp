// The learned painter: encode once, then a few reverse-diffusion steps.
#pragma once

#include <string>

#include "halobrush/model/networks.hpp"

namespace halobrush::networks {

/// graph_diffusion and diffusion. `path` is for messages.
std::unique_ptr<model::Painter> make_graph_diffusion_painter(const model::ModelFile& file, const std::string& path,
                                                      const model::SamplingOptions& options);

}  // namespace halobrush::networks
