#define HALOBRUSH_ISA avx512
#define HALOBRUSH_ISA_NAME "AVX-512"
#define HALOBRUSH_WIDTH 8
#include "kernel_body.hpp"
