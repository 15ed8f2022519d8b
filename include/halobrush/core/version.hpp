// What this build is.
#pragma once

#include <string>

namespace halobrush {

std::string version();  ///< project version and git describe
/// Largest resident memory of this process so far, bytes.
std::size_t peak_memory_bytes();
/// Processor time of this process so far, all of its threads, seconds.
double processor_seconds();
/// Which instructions its arithmetic is done with: avx512, avx2, or the name of the architecture. Last digits depend on it.
std::string processor();

}  // namespace halobrush
