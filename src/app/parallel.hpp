// A command that works on all ranks.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "halobrush/config/config.hpp"
#include "halobrush/core/error.hpp"
#include "halobrush/core/log.hpp"
#include "halobrush/mpi/communicator.hpp"
#include "outputs.hpp"

namespace halobrush::app {

struct Job {
  std::function<config::Config()> configuration;               ///< local; throws Error
  std::function<Files(const config::Config&)> files;           ///< on the root
  std::function<ExitCode(const config::Config&, const mpi::Communicator&, Logger&)> work;  ///< @collective
  bool only_looks = false;                                     ///< it writes nothing
  std::function<std::vector<std::string>()> remarks = {};      ///< on the configuration; on the root
};

/// Starts MPI and runs the job: what one rank fails at, all report once and return as one exit code. What it will write is
/// looked at before it begins, and is its own until it ends.
int run_parallel(int& argc, char**& argv, const Job& job);

}  // namespace halobrush::app
