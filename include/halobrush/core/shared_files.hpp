// Files that come with the program: models, configurations, the demo's halos, Python. They lie in the checkout that the
// program was built in, or in share/halobrush of the folder that it was installed to.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace halobrush {

/// `relative` in the nearest such folder above the program; none where it is not there.
std::optional<std::filesystem::path> shared_file(const std::string& relative);

/// `path` where it is there, seen from the working directory, or where nothing of that name came with the program; else the file
/// that came with it.
std::string or_shared(const std::string& path);

}  // namespace halobrush
