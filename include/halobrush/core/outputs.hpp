// What a run is going to write, looked at before it begins.
#pragma once

#include <functional>
#include <span>
#include <string>

namespace halobrush {

/// A file that is read, by the name that the user gave it: "input.path".
struct InputFile {
  std::string key, path;
};

struct OutputFile {
  std::string key, path;
  /// Why a file that is there may not be replaced ("is no model"); empty text: it may. No function: any may.
  std::function<std::string(const std::string&)> keep = {};
  bool makes_folder = false;  ///< where it is not there
};

/// Throws config_error for an output that is not named, is an input or another output, a folder, a device, or another
/// file that is there already; io_error where its folder is not there or cannot be written. Links are followed.
void check_outputs(std::span<const OutputFile> outputs, std::span<const InputFile> inputs);

/// The same for a folder of results, which need not be there yet.
void check_folder(const std::string& key, const std::string& folder);

}  // namespace halobrush
