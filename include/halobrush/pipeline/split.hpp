// Which host halos train a model, which decide when to stop, and which are kept to judge it.
#pragma once

#include <cstdint>

#include "halobrush/model/model_file.hpp"

namespace halobrush::pipeline {

enum class Split : std::uint8_t { none, training, validation, test };

/// By a hash of seed and host id, so that a group is never in two parts and that anyone can tell afterwards.
Split split_of(std::int64_t host, const model::HostSplit& split);

}  // namespace halobrush::pipeline
