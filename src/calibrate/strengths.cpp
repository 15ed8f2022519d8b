#include "strengths.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numbers>

#include "halobrush/core/error.hpp"
#include "halobrush/core/text.hpp"

namespace halobrush::calibrate {
namespace {

using Pair = std::array<double, 2>;
using config::Shapes;

constexpr std::pair<const char*, Pair Shapes::*> concentrations[] = {
    {"halo", &Shapes::halo}, {"tide", &Shapes::tide}, {"radius", &Shapes::radius}, {"spin", &Shapes::spin}};
constexpr double largest_kappa = 50, largest_slope = 50, largest_amplitude = 1000;  // kappa: the law's own bound
constexpr const char* slope = "_slope";

struct Strength {
  Parameter parameter;  // start: not set
  double* value;
};

std::vector<Strength> strengths_of(Shapes& law) {
  std::vector<Strength> all;
  for (const auto& [name, pair] : concentrations) {
    all.push_back({{name, 0, 0, largest_kappa, 0.3}, &(law.*pair)[0]});
    all.push_back({{std::string(name) + slope, 0, -largest_slope, largest_slope, 0.3}, &(law.*pair)[1]});
  }
  all.push_back({{"late_share", 0, 0, 10, 0.1}, &law.late_share});
  all.push_back({{"nla", 0, -largest_amplitude, largest_amplitude, 0.1}, &law.nla});
  all.push_back({{"torque", 0, -largest_amplitude, largest_amplitude, 0.1}, &law.torque});
  return all;
}

bool asked_for(const config::Config& config, const std::string& name) {
  return std::ranges::count(config.calibrate.strengths, name) > 0;
}

}  // namespace

std::vector<Parameter> parameters_of(const config::Config& config) {
  const auto& names = config.calibrate.strengths;
  if (names.empty())
    throw config_error("calibrate.strengths: names none; give those to fit, e.g. [halo, radius], see docs/lensing.md");
  auto law = config.shapes;
  const auto known = strengths_of(law);
  std::vector<std::string> known_names;
  for (const auto& one : known) known_names.push_back(one.parameter.name);
  std::vector<Parameter> parameters;
  for (const auto& name : names) {
    const auto found = std::ranges::find(known_names, name);
    if (found == known_names.end())
      throw config_error("calibrate.strengths: there is no strength '{}'{}; choose among {}", printable(name),
                         nearest_hint(name, known_names), fmt::join(known_names, ", "));
    if (std::ranges::count(names, name) > 1) throw config_error("calibrate.strengths: names '{}' twice; keep one", name);
    const auto& strength = known[static_cast<std::size_t>(found - known_names.begin())];
    auto parameter = strength.parameter;
    parameter.start = *strength.value;
    // Below zero at the pivot a concentration that grows with mass sets in above it; one that is constant is none.
    const auto grows = strength.value[1];
    const bool pivot = parameter.least == 0 && parameter.most == largest_kappa;
    if (pivot && (grows != 0 || asked_for(config, name + slope))) parameter.least = -largest_kappa;
    if (parameter.start < parameter.least || parameter.start > parameter.most)
      throw config_error("calibrate.strengths: '{}' starts at {:g} in section shapes, it can be {:g} to {:g}; start inside",
                         name, parameter.start, parameter.least, parameter.most);
    parameters.push_back(parameter);
  }
  return parameters;
}

Shapes with(Shapes law, const std::vector<Parameter>& parameters, const Eigen::VectorXd& strengths) {
  const auto all = strengths_of(law);
  for (std::size_t k = 0; k < parameters.size(); ++k)
    *std::ranges::find(all, parameters[k].name, [](const Strength& s) { return s.parameter.name; })->value =
        strengths[static_cast<Eigen::Index>(k)];
  return law;
}

bool isotropic(const config::Config& config) {
  return std::ranges::none_of(concentrations, [&](const auto& one) {
    const auto& pair = config.shapes.*one.second;
    return pair[0] != 0 || pair[1] != 0 || asked_for(config, one.first) || asked_for(config, std::string(one.first) + slope);
  });
}

double alignment_strength(const std::string& name, double value) {
  const bool one = std::ranges::any_of(concentrations, [&](const auto& c) { return name == c.first; });
  return one ? 2 / std::numbers::pi * std::atan(value) : std::numeric_limits<double>::quiet_NaN();
}

}  // namespace halobrush::calibrate
