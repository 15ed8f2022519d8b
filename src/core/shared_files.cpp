#include "halobrush/core/shared_files.hpp"

namespace halobrush {

namespace fs = std::filesystem;

namespace {

// A checkout, or what was installed; no other folder above the program.
bool is_ours(const fs::path& folder) {
  std::error_code error;
  return fs::exists(folder / "models/README.md", error) && fs::exists(folder / "python/run.py", error);
}

}  // namespace

std::optional<fs::path> shared_file(const std::string& relative) {
  std::error_code error;
  auto folder = fs::read_symlink("/proc/self/exe", error).parent_path();
  for (; !folder.empty(); folder = folder.parent_path()) {
    for (const auto& place : {folder, folder / "share/halobrush"})
      if (is_ours(place)) return fs::exists(place / relative, error) ? std::optional(place / relative) : std::nullopt;
    if (folder == folder.parent_path()) break;
  }
  return std::nullopt;
}

std::string or_shared(const std::string& path) {
  std::error_code error;
  if (path.empty() || fs::path(path).is_absolute() || fs::exists(path, error)) return path;
  const auto shared = shared_file(path);
  return shared ? shared->string() : path;
}

}  // namespace halobrush
