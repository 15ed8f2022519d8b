#include "complete_simulation.hpp"

#include <fmt/ranges.h>

#include <cmath>
#include <utility>

#include "halobrush/core/error.hpp"

namespace halobrush::catalog {

Simulation complete_simulation(const std::string& path, Simulation said, const ReadOptions& options,
                               std::vector<std::string>& remarks) {
  std::vector<std::string> missing;
  const auto complete = [&](double& value, double given, const char* key, const char* what) {
    if (!std::isnan(value)) return;
    value = given;
    if (std::isnan(given))
      missing.push_back(fmt::format("{} ({})", what, key));
    else
      remarks.push_back(fmt::format("{} {:g} by {}: the file does not say", what, given, key));
  };
  if (std::isnan(said.box[0])) {
    complete(said.box[0], options.box_size, "input.box_size", "box");
    said.box.fill(said.box[0]);
  }
  complete(said.scale_factor, options.scale_factor, "input.scale_factor", "scale factor");
  complete(said.omega_m, options.omega_m, "cosmology.omega_m", "omega_m");
  complete(said.h, options.h, "cosmology.h", "h");
  if (!missing.empty() && options.describe)
    remarks.push_back(fmt::format("the file does not say: {}; a run must set these keys", fmt::join(missing, ", ")));
  else if (!missing.empty())
    throw data_error("{}: neither the file nor the configuration says: {}; set these keys", path,
                     fmt::join(missing, ", "));
  for (const auto& [what, value] : {std::pair("a side of the box", said.box[0]),
                                    {"a side of the box", said.box[1]},
                                    {"a side of the box", said.box[2]},
                                    {"the scale factor", said.scale_factor},
                                    {"omega_m", said.omega_m},
                                    {"h", said.h}})
    if (!std::isnan(value) && (!(value > 0) || std::isinf(value)))
      throw data_error("{}: {} is {} (it is positive); repair the file", path, what, value);
  if (std::isnan(said.omega_l)) said.omega_l = 1 - said.omega_m;
  return said;
}

Simulation for_a_look(Simulation simulation) {
  for (auto* value : {&simulation.scale_factor, &simulation.omega_m, &simulation.omega_l, &simulation.h})
    if (std::isnan(*value)) *value = 0.5;
  return simulation;
}

}  // namespace halobrush::catalog
