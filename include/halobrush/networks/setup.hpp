// LibTorch at the start of a process. No torch in this header.
#pragma once

#include <string>

namespace halobrush::networks {

/// For the examples (src/app/halobrush.c does it for the program), before any network runs: starts them again, once,
/// with OPENBLAS_CORETYPE set (core/blas_core.h), unless the user has set it.
void choose_blas_kernels(char** argv);

/// Threads of every later operation, and the GPU of this rank: its node-local rank, or the only one visible.
/// Throws config_error when ranks outnumber the visible GPUs of the node.
void set_up_torch(int threads, const std::string& device, int node_rank);

/// False on the reference BLAS, which Debian installs for LibTorch where nothing better is asked for:
/// networks then run five times slower.
bool has_fast_blas();

}  // namespace halobrush::networks
