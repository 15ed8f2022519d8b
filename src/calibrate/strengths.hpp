// The strengths of the law of shapes, by name.
#pragma once

#include <string>
#include <vector>

#include "halobrush/calibrate/fit.hpp"
#include "halobrush/config/config.hpp"

namespace halobrush::calibrate {

/// Those of calibrate.strengths, starting from section shapes. Throws config_error: none, unknown, twice, out of range.
std::vector<Parameter> parameters_of(const config::Config& config);

/// Section shapes with these strengths.
config::Shapes with(config::Shapes law, const std::vector<Parameter>& parameters, const Eigen::VectorXd& strengths);

/// Whether nothing draws axes to any direction, whatever is fitted.
bool isotropic(const config::Config& config);

/// The alignment strength 2/pi arctan kappa of a concentration (Dimroth-Watson, as in halotools); NaN of other strengths.
double alignment_strength(const std::string& name, double value);

}  // namespace halobrush::calibrate
