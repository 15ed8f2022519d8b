// Errors that a user can act on: one line that says where, what, why and what to do, and the exit code that
// goes with it.
#pragma once

#include <fmt/format.h>

#include <stdexcept>
#include <string>
#include <utility>

namespace halobrush {

/// What the process returns; scripts tell the cases apart by it.
enum class ExitCode : int {
  done = 0,
  config = 2,     ///< configuration or command line
  data = 3,       ///< input catalogs
  model = 4,      ///< model files and networks
  io = 5,         ///< file system
  internal = 70,  ///< a mistake of ours
  stopped = 75,   ///< stopped in time; run again to continue
};

/// Text form: `file:line: key: problem (why); what to do`.
class Error : public std::runtime_error {
 public:
  Error(ExitCode code, const std::string& text) : std::runtime_error(text), code_(code) {}
  ExitCode code() const { return code_; }

 private:
  ExitCode code_;
};

template <class... Args>
Error config_error(fmt::format_string<Args...> text, Args&&... args) {
  return {ExitCode::config, fmt::format(text, std::forward<Args>(args)...)};
}
template <class... Args>
Error data_error(fmt::format_string<Args...> text, Args&&... args) {
  return {ExitCode::data, fmt::format(text, std::forward<Args>(args)...)};
}
template <class... Args>
Error model_error(fmt::format_string<Args...> text, Args&&... args) {
  return {ExitCode::model, fmt::format(text, std::forward<Args>(args)...)};
}
template <class... Args>
Error io_error(fmt::format_string<Args...> text, Args&&... args) {
  return {ExitCode::io, fmt::format(text, std::forward<Args>(args)...)};
}
template <class... Args>
Error internal_error(fmt::format_string<Args...> text, Args&&... args) {
  return {ExitCode::internal, fmt::format(text, std::forward<Args>(args)...)};
}

}  // namespace halobrush
