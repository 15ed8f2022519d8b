#include "report.hpp"

#include <cmath>
#include <nlohmann/json.hpp>
#include <span>

#include "halobrush/core/files.hpp"
#include "halobrush/core/tool.hpp"
#include "halobrush/core/version.hpp"
#include "strengths.hpp"

namespace halobrush::calibrate {
namespace {

using Eigen::Index;
using nlohmann::ordered_json;

std::vector<double> list_of(const Eigen::VectorXd& x, Index first, std::size_t n) {
  return {x.data() + first, x.data() + first + n};
}

// "3.1 +- 0.2", to two digits of the error.
std::string with_error(double value, double error) {
  const int digits = error > 0 && std::isfinite(error) ? std::max(0, 1 - static_cast<int>(std::floor(std::log10(error)))) : 3;
  return fmt::format("{:.{}f} +- {:.{}f}", value, digits, error, digits);
}

ordered_json strengths_of(const Result& r) {
  ordered_json all;
  for (std::size_t k = 0; k < r.parameters.size(); ++k) {
    const auto& p = r.parameters[k];
    const double value = r.fit.strengths[static_cast<Index>(k)];
    all[p.name] = {{"value", value}, {"error", r.error_of(k)}, {"start", p.start}, {"at_bound", r.at_bound(k)}};
    if (const double strength = alignment_strength(p.name, value); std::isfinite(strength))
      all[p.name]["alignment_strength"] = strength;
  }
  return all;
}

ordered_json targets_of(const Result& r) {
  ordered_json all = ordered_json::object();
  Index first = 0;
  for (const auto& t : r.goals.targets) {
    const auto n = t.bins.size();
    all[t.statistic] = {{"file", t.file},
                        {"r", t.r},
                        {"value", t.value},
                        {"error", t.error},
                        {"start", list_of(r.at_start, first, n)},
                        {"fitted", list_of(r.fit.predicted, first, n)},
                        {"fitted_error", list_of(r.error, first, n)}};
    first += static_cast<Index>(n);
  }
  return all;
}

ordered_json wanted_of(const Result& r) {
  ordered_json all = ordered_json::object();
  auto i = r.goals.in_targets();
  for (const auto& one : r.goals.wanted) {
    all[one.selection] = {{"wanted", one.a_1}, {"start", r.at_start[i]}, {"fitted", r.fit.predicted[i]}, {"fitted_error", r.error[i]}};
    ++i;
  }
  return all;
}

ordered_json json_of(const Result& r, const config::Config& config) {
  ordered_json covariance = ordered_json::array();
  for (const auto& row : r.judgement.covariance.rowwise()) covariance.push_back(std::vector<double>(row.begin(), row.end()));
  return {{"made_by", "halobrush calibrate"},
          {"halobrush", version()},
          {"strengths", strengths_of(r)},
          {"covariance", covariance},
          {"chi2", r.judgement.chi2},
          {"dof", r.degrees_of_freedom()},
          {"chi2_expected", r.judgement.expected},
          {"chi2_scatter", r.judgement.scatter},
          {"iterations", r.fit.iterations},
          {"converged", r.fit.converged},
          {"noise_cancelled", r.noise_cancelled},
          {"seeds", {config.seed, config.seed + config.calibrate.seeds - 1}},
          {"targets", targets_of(r)},
          {"a_1", wanted_of(r)},
          {"config", config::to_yaml(config)}};
}

std::string yaml_of(const Result& r, config::Config config) {
  std::string text = "# Made by halobrush calibrate: the configuration it was given, with the strengths that it found:\n";
  for (std::size_t k = 0; k < r.parameters.size(); ++k)
    text += fmt::format("#   shapes.{}: {}\n", r.parameters[k].name,
                        with_error(r.fit.strengths[static_cast<Index>(k)], r.error_of(k)));
  config.shapes = with(config.shapes, r.parameters, r.fit.strengths);
  return text + config::to_yaml(config);
}

}  // namespace

double Result::error_of(std::size_t k) const {
  const auto i = static_cast<Index>(k);
  return std::sqrt(judgement.covariance(i, i));
}

bool Result::at_bound(std::size_t k) const {
  const double value = fit.strengths[static_cast<Index>(k)];
  return value <= parameters[k].least || value >= parameters[k].most;
}

void say(const Result& r, Logger& log) {
  for (std::size_t k = 0; k < r.parameters.size(); ++k) {
    const auto& name = r.parameters[k].name;
    const double value = r.fit.strengths[static_cast<Index>(k)], strength = alignment_strength(name, value);
    log.info("calibrate: {} = {}{}{}", name, with_error(value, r.error_of(k)),
             std::isfinite(strength) ? fmt::format(" (alignment strength {:.3f})", strength) : "",
             r.at_bound(k) ? ", at the end of its range" : "");
  }
  auto i = r.goals.in_targets();
  for (const auto& one : r.goals.wanted) {
    log.info("calibrate: A_1 of {} = {}, wanted {:g}", one.selection, with_error(r.fit.predicted[i], r.error[i]), one.a_1);
    ++i;
  }
  if (r.degrees_of_freedom() > 0)
    log.info("calibrate: chi2 {:.1f} for {} numbers and {} strengths; {:.1f} +- {:.1f} is expected of a law that holds", r.judgement.chi2,
             r.goals.size(), r.parameters.size(), r.judgement.expected, r.judgement.scatter);
  if (!r.fit.converged)
    log.warn("calibrate: no end was reached in {} iterations; start nearer, or take more calibrate.seeds", r.fit.iterations);
}

void write(const std::string& folder, const Result& result, const config::Config& config, Logger& log) {
  write_durably(folder + "/calibrated.yaml", yaml_of(result, config));
  write_durably(folder + "/calibration.json", json_of(result, config).dump(1) + "\n");
  if (config.validate.figures) try {
      run_tool(find_tool("plot_calibration", config.validate.python), {folder}, folder + "/figure.log");
    } catch (const std::exception& error) {
      log.warn("no figure: {}", error.what());
    }
  log.info("calibrate: {}/calibrated.yaml is the configuration to paint with", folder);
}

}  // namespace halobrush::calibrate
