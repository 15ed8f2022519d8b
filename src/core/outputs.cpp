#include "halobrush/core/outputs.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "halobrush/core/error.hpp"
#include "halobrush/core/files.hpp"

namespace halobrush {
namespace {

namespace fs = std::filesystem;

bool look_at(const fs::path& path, struct stat& found) {
  if (::stat(path.c_str(), &found) == 0) return true;
  if (errno == ENOENT) return false;
  throw cannot_write(path, errno);
}

bool is_same(const struct stat& a, const struct stat& b) {
  return a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

void check_writable(const fs::path& path) {
  if (::access(path.c_str(), W_OK) != 0) throw cannot_write(path, errno);
}

void check_not_read(const OutputFile& output, const struct stat& there, std::span<const InputFile> inputs) {
  for (const auto& input : inputs) {
    struct stat read {};
    if (!input.path.empty() && ::stat(input.path.c_str(), &read) == 0 && is_same(read, there))
      throw config_error("{}: {} is {} ({}), which is read; choose another path", output.key, output.path, input.key,
                         input.path);
  }
}

void check_what_is_there(const OutputFile& output, const struct stat& there) {
  if (S_ISDIR(there.st_mode))
    throw config_error("{}: {} is a folder; name a file", output.key, output.path);
  if (!S_ISREG(there.st_mode))
    throw config_error("{}: {} is no ordinary file (a device, a pipe or a socket); choose another path", output.key,
                       output.path);
  check_writable(output.path);
  if (there.st_size == 0 || !output.keep) return;
  if (const auto why = output.keep(output.path); !why.empty())
    throw config_error("{}: {} is there and {}, so it is not replaced; remove it or choose another path", output.key,
                       output.path, why);
}

void check_output(const OutputFile& output, std::span<const InputFile> inputs) {
  if (output.path.empty()) throw config_error("{}: is not given; name the file to write", output.key);
  if (output.path.ends_with('/')) throw config_error("{}: {} is the name of a folder; name a file", output.key, output.path);
  struct stat there {};
  if (look_at(output.path, there)) {
    check_not_read(output, there, inputs);
    check_what_is_there(output, there);
  }
  auto folder = fs::absolute(behind_links(output.path)).parent_path();
  struct stat place {};
  while (!look_at(folder, place)) {
    if (!output.makes_folder || !folder.has_relative_path()) throw cannot_write(output.path, ENOENT);
    folder = folder.parent_path();
  }
  if (!S_ISDIR(place.st_mode)) throw cannot_write(output.path, ENOTDIR);
  check_writable(folder);
}

fs::path place_of(const OutputFile& output) {
  std::error_code error;
  const auto target = behind_links(output.path);
  const auto place = fs::weakly_canonical(target, error);
  return error ? target : place;
}

}  // namespace

void check_outputs(std::span<const OutputFile> outputs, std::span<const InputFile> inputs) {
  for (const auto& output : outputs) {
    check_output(output, inputs);
    for (const auto& other : outputs) {
      if (&other == &output) break;
      if (place_of(output) == place_of(other))
        throw config_error("{}: {} is also {}; choose another path", output.key, output.path, other.key);
    }
  }
}

void check_folder(const std::string& key, const std::string& folder) {
  if (folder.empty()) throw config_error("{}: is not given; name the folder of the results", key);
  auto path = fs::absolute(folder);
  struct stat there {};
  while (!look_at(path, there) && path.has_relative_path()) path = path.parent_path();
  if (!S_ISDIR(there.st_mode)) {
    if (path == fs::absolute(folder)) throw config_error("{}: {} is a file; name a folder", key, folder);
    throw cannot_write(folder, ENOTDIR);
  }
  check_writable(path);
}

}  // namespace halobrush
