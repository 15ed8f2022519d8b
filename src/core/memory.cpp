#include "halobrush/core/memory.hpp"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>

namespace halobrush {
namespace {

namespace fs = std::filesystem;

// A limit that is no number ("max") is none.
double limit_in(const fs::path& file, double otherwise) {
  double bytes = 0;
  return std::ifstream(file) >> bytes && bytes > 0 ? bytes : otherwise;
}

// Lines `number:controllers:/path` (cgroups, version 2 with no controllers); every group above limits as well.
double limit_of_groups(double memory) {
  std::ifstream groups("/proc/self/cgroup");
  for (std::string line; std::getline(groups, line);) {
    const auto first = line.find(':'), second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const auto controllers = line.substr(first + 1, second - first - 1);
    const bool unified = controllers.empty();
    if (!unified && controllers != "memory") continue;
    const fs::path root = unified ? "/sys/fs/cgroup" : "/sys/fs/cgroup/memory";
    const char* name = unified ? "memory.max" : "memory.limit_in_bytes";
    for (fs::path group = line.substr(second + 1);; group = group.parent_path()) {
      memory = std::min(memory, limit_in(root / group.relative_path() / name, memory));
      if (group.relative_path().empty()) break;
    }
  }
  return memory;
}

}  // namespace

double node_memory_bytes() {
  const auto pages = static_cast<double>(sysconf(_SC_PHYS_PAGES));
  return limit_of_groups(pages * static_cast<double>(sysconf(_SC_PAGESIZE)));
}

}  // namespace halobrush
