// The painter with a trained generator: one evaluation a galaxy.
#pragma once

#include <memory>
#include <string>

#include "halobrush/model/model_file.hpp"
#include "halobrush/model/painter.hpp"

namespace halobrush::model {

/// `path` is for messages.
std::unique_ptr<Painter> make_gan_painter(const ModelFile& file, const std::string& path, std::uint64_t seed,
                                          const std::string& device);

}  // namespace halobrush::model
