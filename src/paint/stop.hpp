// Stopping between two tiles: by signal, wall-time budget or stop file. Whichever rank learns of it first
// leaves the stop file for the others, so ranks need not meet at every tile.
#pragma once

#include <filesystem>
#include <string>

#include "halobrush/config/config.hpp"
#include "halobrush/core/timer.hpp"

namespace halobrush::paint {

class StopSwitch {
 public:
  StopSwitch(const config::Limits& limits, std::filesystem::path stop_file, const Timer& since_start);

  /// Whether to stop before a tile that may take `next_seconds`; leaves the stop file when it decides so
  /// itself.
  bool should_stop(double next_seconds);
  void tell_others() const;
  void clear() const;  ///< removes the stop file, so that the next run goes on
  const std::string& reason() const { return reason_; }

 private:
  config::Limits limits_;
  std::filesystem::path stop_file_;
  Timer timer_;  // of the whole run: reading counts against the budget too
  std::string reason_;
};

}  // namespace halobrush::paint
