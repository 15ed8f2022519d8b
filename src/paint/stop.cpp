#include "stop.hpp"

#include "halobrush/core/signals.hpp"

namespace halobrush::paint {

StopSwitch::StopSwitch(const config::Limits& limits, std::filesystem::path stop_file,
                       const Timer& since_start)
    : limits_(limits), stop_file_(std::move(stop_file)), timer_(since_start) {}

bool StopSwitch::should_stop(double next_seconds) const {
  const double end = timer_.seconds() + 1.5 * next_seconds + limits_.margin;
  return !stop_asked().empty() || (limits_.wall_time > 0 && end > limits_.wall_time) || std::filesystem::exists(stop_file_);
}

void StopSwitch::clear() const {
  std::error_code ignored;
  std::filesystem::remove(stop_file_, ignored);
}

}  // namespace halobrush::paint
