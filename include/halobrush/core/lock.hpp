// One run at a time: a lock file beside what a run writes, that says whose it is.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

namespace halobrush {

/// Holds `path` from construction to destruction. The file names host, process, time and job; the system's own lock
/// on it ends with the process, so a run that died leaves nothing in the way on this host. What another host's run
/// left counts as alive until it has shown no sign of life for ten minutes (a touch twice a minute), unless it was an
/// earlier try of the same batch job. A run that finds its lock gone is asked to stop.
class RunLock {
 public:
  /// Throws io_error where another run is at work on `what` ("output.path mock.hdf5"), naming it.
  RunLock(const std::filesystem::path& path, const std::string& what);
  ~RunLock();
  RunLock(const RunLock&) = delete;
  RunLock& operator=(const RunLock&) = delete;

  /// Whose lock this one took over: a run that ended without removing it. Empty: nobody's.
  const std::string& taken_over_from() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace halobrush
