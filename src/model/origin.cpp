#include "halobrush/model/origin.hpp"

#include <nlohmann/json.hpp>
#include <utility>

#include "origin_json.hpp"

namespace halobrush::model {
namespace {

using nlohmann::ordered_json;

// Every number of an origin under its name in the file, to be written or read.
template <class O>
auto numbers_of(O& origin) {
  auto& s = origin.simulation;
  return std::to_array<std::pair<const char*, decltype(&s.h)>>({{"scale_factor", &s.scale_factor},
                                                                {"omega_m", &s.omega_m},
                                                                {"omega_l", &s.omega_l},
                                                                {"h", &s.h},
                                                                {"omega_b", &s.omega_b},
                                                                {"sigma_8", &s.sigma_8},
                                                                {"n_s", &s.n_s},
                                                                {"particle_mass", &s.particle_mass},
                                                                {"min_vmax", &origin.min_vmax},
                                                                {"min_particles", &origin.min_particles},
                                                                {"min_mass", &origin.min_mass},
                                                                {"least_mass", &origin.least_mass},
                                                                {"least_vmax", &origin.least_vmax},
                                                                {"least_particles", &origin.least_particles}});
}

}  // namespace

ordered_json to_json(const Origin& origin) {
  ordered_json json = {{"galaxies", origin.galaxies},
                       {"format", origin.format},
                       {"box", origin.simulation.box},
                       {"mass_definition", origin.simulation.mass_definition}};
  for (const auto& [name, value] : numbers_of(origin)) json[name] = *value;
  json["tidal"] = {{"smoothing", origin.tidal.smoothing},
                   {"mesh", origin.tidal.mesh},
                   {"cell", origin.tidal.cell},
                   {"density_file", origin.tidal.density_file}};
  return json;
}

Origin origin_from(const ordered_json& json) {
  const auto number = [](const ordered_json& from, const char* name, double& value) {
    if (from.contains(name) && !from[name].is_null()) value = from[name];
  };
  Origin origin;
  origin.galaxies = json.at("galaxies");
  origin.format = json.value("format", "");
  origin.simulation.box = json.at("box");
  origin.simulation.mass_definition = json.value("mass_definition", "");
  for (const auto& [name, value] : numbers_of(origin)) number(json, name, *value);
  const auto& tidal = json.at("tidal");
  origin.tidal.smoothing = tidal.at("smoothing").get<std::vector<double>>();
  origin.tidal.mesh = tidal.at("mesh");
  number(tidal, "cell", origin.tidal.cell);
  origin.tidal.density_file = tidal.value("density_file", "");
  return origin;
}

}  // namespace halobrush::model
