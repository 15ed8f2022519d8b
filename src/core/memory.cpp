#include "halobrush/core/memory.hpp"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>
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

std::optional<double> bytes_in(const std::string& text) {
  static const std::map<std::string, double> units = {{"", 1},      {"B", 1},          {"kB", 1e3},        {"MB", 1e6},
                                                      {"GB", 1e9},  {"TB", 1e12},      {"KiB", 0x1p10},    {"MiB", 0x1p20},
                                                      {"GiB", 0x1p30}, {"TiB", 0x1p40}};
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  std::string unit(end, text.data() + text.size());
  unit.erase(0, unit.find_first_not_of(' ') == std::string::npos ? unit.size() : unit.find_first_not_of(' '));
  if (error != std::errc() || !(number > 0) || !std::isfinite(number) || !units.contains(unit)) return std::nullopt;
  return number * units.at(unit);
}

}  // namespace halobrush
