// Stopping between two tiles: by signal, wall-time budget or stop file.
#pragma once

#include <filesystem>
#include <string>

#include "halobrush/config/config.hpp"
#include "halobrush/core/timer.hpp"

namespace halobrush::paint {

class StopSwitch {
 public:
  StopSwitch(const config::Limits& limits, std::filesystem::path stop_file, const Timer& since_start);

  /// Whether to stop before a tile that may take `next_seconds`.
  bool should_stop(double next_seconds) const;
  void clear() const;  ///< removes the stop file, so that the next run goes on

 private:
  config::Limits limits_;
  std::filesystem::path stop_file_;
  Timer timer_;  // of the whole run: reading counts against the budget too
};

}  // namespace halobrush::paint
