// The painter with a trained generator: one evaluation a galaxy.
#pragma once

#include <memory>
#include <string>

#include "halobrush/model/networks.hpp"

namespace halobrush::networks {

/// `path` is for messages.
std::unique_ptr<model::Painter> make_gan_painter(const model::ModelFile& file, const std::string& path, const model::SamplingOptions& options);

}  // namespace halobrush::networks
