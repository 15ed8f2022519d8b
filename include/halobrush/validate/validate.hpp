// The validation job: measures a galaxy catalog, compares it with references, judges it, reports.
#pragma once

#include <string>
#include <vector>

#include "halobrush/config/config.hpp"
#include "halobrush/core/error.hpp"
#include "halobrush/core/log.hpp"
#include "halobrush/mpi/communicator.hpp"

namespace halobrush::validate {

/// Exit code of a catalog that was measured and breaks a requirement.
inline constexpr auto requirements_failed = static_cast<ExitCode>(1);

struct Task {
  std::vector<std::string> mocks;  ///< one, or draws on one halo catalog (mocks that differ in their seed), whose mean is judged
  std::vector<std::string> references;
  std::string out = "validation";  ///< folder; made when absent
};

/// @collective Writes validation.json, validation.hdf5, requirements.yaml, figures and index.html to the
/// folder. Returns done when every requirement holds, else requirements_failed. Throws config_error (a cut, bins
/// beyond half the box), data_error (what cannot be measured), io_error.
ExitCode run(const Task& task, const config::Config& config, const mpi::Communicator& comm, Logger& log);

}  // namespace halobrush::validate
