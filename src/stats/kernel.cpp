#include "kernel.hpp"

namespace halobrush::stats {

const Kernels& kernels([[maybe_unused]] int widest) {
#ifdef HALOBRUSH_X86
  if (widest >= 8 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512vl"))
    return avx512::kernels;
  if (widest >= 4 && __builtin_cpu_supports("avx2")) return avx2::kernels;
#endif
  return baseline::kernels;
}

}  // namespace halobrush::stats
