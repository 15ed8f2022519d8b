#define HALOBRUSH_ISA baseline
#define HALOBRUSH_ISA_NAME "baseline"
#define HALOBRUSH_WIDTH 2
#include "kernel_body.hpp"
