// LibTorch as this process uses it: threads, device, errors.
#pragma once

#include <torch/types.h>

#include <functional>
#include <string>
#include <type_traits>

#include "halobrush/core/error.hpp"

namespace halobrush::networks {

/// Float tensors on a device: "cpu", or "cuda" (GPU chosen by set_up_torch). Throws config_error when there
/// is none.
torch::TensorOptions device_options(const std::string& device);

/// Runs `work`; LibTorch's exceptions become one-line model errors.
template <class Work>
auto guarded(Work&& work) {
  try {
    return work();
  } catch (const c10::Error& error) {
    const std::string text = error.what_without_backtrace();
    throw model_error("network: {}; check the model and its inputs", text.substr(0, text.find('\n')));
  }
}

}  // namespace halobrush::networks
