#include "h5_guard.hpp"

#include <hdf5.h>
#include <unistd.h>

#include <array>
#include <csetjmp>
#include <csignal>
#include <ctime>

namespace halobrush::catalog::h5 {
namespace {

constexpr std::array caught = {SIGSEGV, SIGBUS, SIGFPE, SIGVTALRM};
constexpr time_t longest = 2;  // seconds of the thread's own processor time

// A signal handler can reach nothing else. One thread reads headers.
sigjmp_buf way_out;
volatile std::sig_atomic_t lost = 0, reader = 0;  // reader: the thread inside of HDF5

// HDF5 would tidy up when the program ends, with the library in no known state. All files are closed by their handles.
const bool not_at_exit = H5dont_atexit() >= 0;

extern "C" void leave_library(int signal) {
  if (gettid() == reader) siglongjmp(way_out, 1);
  std::signal(signal, SIG_DFL);  // another thread's own fault
  std::raise(signal);
}

// Counts this thread's time only, and signals it only: other threads may spin, and must not jump.
class Timer {
 public:
  Timer() {
    sigevent event{};
    event.sigev_notify = SIGEV_THREAD_ID;
    event.sigev_signo = SIGVTALRM;
    event._sigev_un._tid = gettid();
    made_ = timer_create(CLOCK_THREAD_CPUTIME_ID, &event, &timer_) == 0;
    const itimerspec once = {{0, 0}, {longest, 0}};
    if (made_) timer_settime(timer_, 0, &once, nullptr);
  }
  ~Timer() {
    if (made_) timer_delete(timer_);
  }

 private:
  timer_t timer_{};
  bool made_ = false;
};

}  // namespace

bool comes_back(void (*call)(void*), void* job) {
  struct sigaction action {};
  action.sa_handler = leave_library;
  std::array<struct sigaction, caught.size()> before;
  for (std::size_t i = 0; i < caught.size(); ++i) sigaction(caught[i], &action, &before[i]);
  {
    const Timer timer;
    reader = gettid();
    if (sigsetjmp(way_out, 1) == 0)
      call(job);
    else
      lost = 1;
  }
  for (std::size_t i = 0; i < caught.size(); ++i) sigaction(caught[i], &before[i], nullptr);
  return lost == 0;
}

bool library_is_lost() {
  return lost != 0;
}

}  // namespace halobrush::catalog::h5
