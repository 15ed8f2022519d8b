// The calibration job: strengths of the law of shapes that bring a mock's alignment to what was measured elsewhere.
#pragma once

#include "halobrush/config/config.hpp"
#include "halobrush/core/log.hpp"
#include "halobrush/mpi/communicator.hpp"

namespace halobrush::calibrate {

/// @collective Fits calibrate.strengths to validate.targets and calibrate.a_1; writes calibration.json, calibrated.yaml
/// (the configuration to paint with) and calibration.png to the folder calibrate.path. Throws, before any work: config_error
/// (strengths that are unknown or out of range, no law to fit, nothing to fit to, a sub-sample that is unknown, bins beyond
/// half the box, a law that lacks an input), data_error (vectors of other bins or columns); later data_error (too few
/// galaxies, strengths that the targets do not tell).
void run(const config::Config& config, const mpi::Communicator& comm, Logger& log);

}  // namespace halobrush::calibrate
