#define HALOBRUSH_ISA avx2
#define HALOBRUSH_ISA_NAME "AVX2"
#define HALOBRUSH_WIDTH 4
#include "kernel_body.hpp"
