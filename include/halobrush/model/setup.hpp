// Torch-free entry points of the runtime, for the program's start.
#pragma once

#include <string>

namespace halobrush::model {

/// Before MPI and before any network runs: Debian's OpenBLAS does not know CPUs newer than itself and falls
/// back to slow kernels; restarts the program (once) with OPENBLAS_CORETYPE set to what this CPU can do. Does
/// nothing where the user has set it.
void choose_blas_kernels(char** argv);

/// Threads of every later operation, and the GPU of this rank: its node-local rank, or the only one visible.
/// Throws config_error when ranks outnumber the visible GPUs of the node.
void set_up_torch(int threads, const std::string& device, int node_rank);

/// False on the reference BLAS, which Debian installs for LibTorch where nothing better is asked for:
/// networks then run five times slower.
bool has_fast_blas();

std::string torch_version();

}  // namespace halobrush::model
