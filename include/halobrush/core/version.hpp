// What this build is.
#pragma once

#include <string>

namespace halobrush {

std::string version();  ///< project version and git describe
/// Largest resident memory of this process so far, bytes.
std::size_t peak_memory_bytes();

}  // namespace halobrush
