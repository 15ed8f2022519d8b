#include "halobrush/core/signals.hpp"

#include <atomic>
#include <csignal>

namespace halobrush {
namespace {

// A signal handler can reach nothing else.
volatile std::sig_atomic_t received = 0;
std::atomic<const char*> other_reason = nullptr;

constexpr int caught[] = {SIGUSR1, SIGTERM, SIGINT};

extern "C" void note_signal(int signal) {
  if (signal == SIGINT) std::signal(SIGINT, SIG_DFL);
  received = signal;
}

}  // namespace

void catch_signals() {
  struct sigaction action {};
  action.sa_handler = note_signal;
  action.sa_flags = SA_RESTART;  // libraries do not expect their calls to be interrupted
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : caught) {
    sigaction(signal, &action, nullptr);
    sigaddset(&set, signal);
  }
  sigprocmask(SIG_UNBLOCK, &set, nullptr);
}

void leave_signals_alone() {
  for (const int signal : caught) std::signal(signal, SIG_DFL);
  if (received != 0) std::raise(received);
}

std::string stop_asked() {
  switch (received) {
    case SIGUSR1:
      return "SIGUSR1";
    case SIGTERM:
      return "SIGTERM";
    case SIGINT:
      return "SIGINT";
    default:
      break;
  }
  const char* why = other_reason;
  return why == nullptr ? "" : why;
}

Error stopped(const std::string& why, const std::string& next) {
  return {ExitCode::stopped,
          fmt::format("stopped by {} before {}; run the same command again to go on", why, next)};
}

void stop_here_if_asked(const std::string& next) {
  if (const auto why = stop_asked(); !why.empty()) throw stopped(why, next);
}

void ask_to_stop(const char* why) {
  other_reason = why;
}

}  // namespace halobrush
