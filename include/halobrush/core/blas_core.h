/* C: Debian's OpenBLAS does not know CPUs newer than itself and falls back to slow kernels; it takes OPENBLAS_CORETYPE instead. */
#pragma once

#include <stddef.h>

/* The newest of OpenBLAS's kernels that this CPU can run; NULL: OpenBLAS chooses well itself. */
static inline const char* halobrush_blas_core(void) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512dq"))
    return "SkylakeX";
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return "Haswell";
#endif
  return NULL;
}
