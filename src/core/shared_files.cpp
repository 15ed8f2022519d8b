#include "halobrush/core/shared_files.hpp"

namespace halobrush {

namespace fs = std::filesystem;

std::optional<fs::path> shared_file(const std::string& relative) {
  std::error_code error;
  auto folder = fs::read_symlink("/proc/self/exe", error).parent_path();
  for (; !folder.empty(); folder = folder.parent_path()) {
    for (const auto& place : {folder, folder / "share/halobrush"})
      if (fs::exists(place / relative, error)) return place / relative;
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
