#include "stop.hpp"

#include <fstream>

#include "halobrush/core/signals.hpp"

namespace halobrush::paint {

StopSwitch::StopSwitch(const config::Limits& limits, std::filesystem::path stop_file,
                       const Timer& since_start)
    : limits_(limits), stop_file_(std::move(stop_file)), timer_(since_start) {}

bool StopSwitch::should_stop(double next_seconds) {
  const double end = timer_.seconds() + 1.5 * next_seconds + limits_.margin;
  reason_ = stop_asked();
  if (reason_.empty() && limits_.wall_time > 0 && end > limits_.wall_time) reason_ = "limits.wall_time";
  if (reason_.empty() && std::filesystem::exists(stop_file_)) reason_ = "the stop file";
  if (reason_.empty()) return false;
  tell_others();
  return true;
}

void StopSwitch::tell_others() const {
  std::ofstream(stop_file_, std::ios::app);
}

void StopSwitch::clear() const {
  std::error_code ignored;
  std::filesystem::remove(stop_file_, ignored);
}

}  // namespace halobrush::paint
