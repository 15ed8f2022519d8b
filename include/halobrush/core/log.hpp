// Log lines for a batch job: time, level, text; rank 0 speaks, the others are silent. Passed in, never
// global.
#pragma once

#include <spdlog/logger.h>

#include <chrono>
#include <memory>
#include <string>

namespace halobrush {

using Logger = spdlog::logger;

/// @param speaks whether this process prints (rank 0 does)
std::shared_ptr<Logger> make_logger(bool speaks);

/// Prints at most one line an interval: `paint: 12/64 tiles (19%), 1.2e+05 galaxies/s, 3m20s left`.
class Progress {
 public:
  Progress(Logger& log, std::string stage, double total, double interval_s);
  /// @param note extra text, e.g. a rate
  void update(double done, const std::string& note = "");

 private:
  using Clock = std::chrono::steady_clock;
  Logger& log_;
  std::string stage_;
  double total_, interval_s_;
  Clock::time_point start_, last_;
};

std::string human_duration(double seconds);
std::string human_bytes(double bytes);

}  // namespace halobrush
