#include "halobrush/core/version.hpp"

#include <sys/resource.h>

namespace halobrush {

std::string version() {
  return HALOBRUSH_VERSION;
}

std::size_t peak_memory_bytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<std::size_t>(usage.ru_maxrss) * 1024;
}

}  // namespace halobrush
