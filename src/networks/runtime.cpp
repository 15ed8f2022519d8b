#include "halobrush/networks/runtime.hpp"

#include <ATen/Parallel.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>
#include <dlfcn.h>
#include <torch/cuda.h>
#include <torch/version.h>
#include <unistd.h>

#include <cstdlib>

#include "halobrush/core/blas_core.h"
#include "halobrush/networks/setup.hpp"

namespace halobrush::networks {

void choose_blas_kernels(char** argv) {
  const char* core = halobrush_blas_core();
  if (core == nullptr || std::getenv("OPENBLAS_CORETYPE") != nullptr || setenv("OPENBLAS_CORETYPE", core, 1) != 0) return;
  execv("/proc/self/exe", argv);  // returns only where it is not allowed; then the run is slower, not wrong
}

torch::TensorOptions device_options(const std::string& device) {
  const auto options = torch::TensorOptions().dtype(torch::kFloat32);
  if (device == "cpu") return options;
  if (!torch::cuda::is_available())
    throw config_error(
        "compute.device: cuda: this LibTorch ({}) sees no GPU; set compute.device: cpu, or use a CUDA build "
        "on a GPU node",
        TORCH_VERSION);
  return options.device(torch::kCUDA);
}

void set_up_torch(int threads, const std::string& device, int node_rank) {
  at::set_num_interop_threads(1);
  at::set_num_threads(threads);
  // at::set_num_threads does not reach OpenBLAS; the symbol is absent where LibTorch brings MKL.
  if (auto* set_blas = reinterpret_cast<void (*)(int)>(dlsym(RTLD_DEFAULT, "openblas_set_num_threads")))
    set_blas(threads);
  if (device != "cuda" || !torch::cuda::is_available()) return;
  const auto gpus = static_cast<int>(torch::cuda::device_count());
  if (gpus > 1 && node_rank >= gpus)
    throw config_error(
        "compute.device: cuda: more ranks on this node than its {} visible GPUs; start one rank a GPU", gpus);
  c10::impl::getDeviceGuardImpl(c10::kCUDA)
      ->setDevice({c10::kCUDA, static_cast<c10::DeviceIndex>(gpus > 1 ? node_rank : 0)});
}

bool has_fast_blas() {
  return at::hasMKL() || dlsym(RTLD_DEFAULT, "openblas_set_num_threads") != nullptr;
}

}  // namespace halobrush::networks
