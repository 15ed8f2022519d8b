// A run's hold on what it is going to write.
#pragma once

#include <memory>
#include <vector>

#include "halobrush/core/lock.hpp"
#include "halobrush/core/log.hpp"
#include "halobrush/mpi/communicator.hpp"
#include "outputs.hpp"

namespace halobrush::app {

/// @collective Looks at the outputs on the root; throws what check_outputs does.
void check_files(const Files& files, const mpi::Communicator& comm);

/// Keeps other runs away from the same outputs as long as it lives. On the root; the error is everyone's.
class Claim {
 public:
  /// @collective Throws io_error where another run has them.
  Claim(const Files& files, const mpi::Communicator& comm, Logger& log);

 private:
  std::vector<std::unique_ptr<RunLock>> locks_;
};

}  // namespace halobrush::app
