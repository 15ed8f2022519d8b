#include "stop.hpp"

#include <csignal>
#include <fstream>

namespace halobrush::paint {
namespace {

volatile std::sig_atomic_t signalled = 0;  // a signal handler can reach nothing else

extern "C" void on_signal(int) {
  signalled = 1;
}

}  // namespace

StopSwitch::StopSwitch(const config::Limits& limits, std::filesystem::path stop_file,
                       const Timer& since_start)
    : limits_(limits), stop_file_(std::move(stop_file)), timer_(since_start) {
  signalled = 0;
  std::signal(SIGTERM, on_signal);
  std::signal(SIGUSR1, on_signal);
}

StopSwitch::~StopSwitch() {
  std::signal(SIGTERM, SIG_DFL);
  std::signal(SIGUSR1, SIG_DFL);
}

bool StopSwitch::should_stop(double next_seconds) {
  if (signalled)
    reason_ = "a signal";
  else if (limits_.wall_time > 0 &&
           timer_.seconds() + 1.5 * next_seconds + limits_.margin > limits_.wall_time)
    reason_ = "limits.wall_time";
  else if (std::filesystem::exists(stop_file_))
    reason_ = "the stop file";
  else
    return false;
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
