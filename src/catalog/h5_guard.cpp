#include "h5_guard.hpp"

#include <hdf5.h>
#include <sys/time.h>

#include <array>
#include <csetjmp>
#include <csignal>

namespace halobrush::catalog::h5 {
namespace {

constexpr std::array caught = {SIGSEGV, SIGBUS, SIGFPE, SIGVTALRM};
constexpr time_t longest = 2;  // seconds of processor time

// A signal handler can reach nothing else. One thread reads headers.
sigjmp_buf way_out;
volatile std::sig_atomic_t lost = 0;

// HDF5 would tidy up when the program ends, with the library in no known state. All files are closed by their handles.
const bool not_at_exit = H5dont_atexit() >= 0;

extern "C" void leave_library(int) {
  siglongjmp(way_out, 1);
}

void set_timer(time_t seconds) {
  const itimerval timer = {{0, 0}, {seconds, 0}};
  setitimer(ITIMER_VIRTUAL, &timer, nullptr);
}

}  // namespace

bool comes_back(void (*call)(void*), void* job) {
  struct sigaction action {};
  action.sa_handler = leave_library;
  std::array<struct sigaction, caught.size()> before;
  for (std::size_t i = 0; i < caught.size(); ++i) sigaction(caught[i], &action, &before[i]);
  if (sigsetjmp(way_out, 1) == 0) {
    set_timer(longest);
    call(job);
  } else {
    lost = 1;
  }
  set_timer(0);
  for (std::size_t i = 0; i < caught.size(); ++i) sigaction(caught[i], &before[i], nullptr);
  return lost == 0;
}

bool library_is_lost() {
  return lost != 0;
}

}  // namespace halobrush::catalog::h5
