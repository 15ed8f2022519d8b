// What a calibration found, for people, programs and the next run.
#pragma once

#include <Eigen/Core>
#include <string>
#include <vector>

#include "halobrush/calibrate/fit.hpp"
#include "halobrush/config/config.hpp"
#include "halobrush/core/log.hpp"
#include "mocks.hpp"

namespace halobrush::calibrate {

struct Result {
  std::vector<Parameter> parameters;
  Goals goals;
  Fit fit;
  Judgement judgement;
  Eigen::VectorXd at_start;  ///< [n] predicted by section shapes as it was
  Eigen::VectorXd error;     ///< [n] of the mean of our mocks
  bool noise_cancelled = false;  ///< galaxies without alignment were subtracted, whose mean is zero by symmetry

  double error_of(std::size_t k) const;
  bool at_bound(std::size_t k) const;
  double degrees_of_freedom() const { return static_cast<double>(goals.size()) - static_cast<double>(parameters.size()); }
};

void say(const Result& result, Logger& log);

/// calibration.json, calibrated.yaml and, where Python draws it, calibration.png.
void write(const std::string& folder, const Result& result, const config::Config& config, Logger& log);

}  // namespace halobrush::calibrate
