#include "plan.hpp"

#include <array>
#include <limits>
#include <nlohmann/json.hpp>
#include <numeric>
#include <variant>

namespace halobrush::paint {
namespace {

using json = nlohmann::ordered_json;

// In the order of catalog::ColumnData.
constexpr std::array type_names = {"double", "float", "int64", "boolean"};

json json_of(const catalog::Table& columns) {
  auto list = json::array();
  for (const auto& [spec, data] : columns.columns())
    list.push_back({{"name", spec.name}, {"type", type_names[data.index()]}, {"unit", spec.unit}, {"description", spec.description}});
  return list;
}

catalog::Table columns_from(const json& list) {
  catalog::Table columns;
  for (const auto& item : list) {
    const catalog::ColumnSpec spec{item.at("name"), item.at("unit"), item.at("description")};
    const auto type = item.at("type").get<std::string>();
    if (type == type_names[0]) columns.add<double>(spec);
    if (type == type_names[1]) columns.add<float>(spec);
    if (type == type_names[2]) columns.add<std::int64_t>(spec);
    if (type == type_names[3]) columns.add<std::uint8_t>(spec);
  }
  return columns;
}

// JSON has no NaN: what is unknown is null.
double number_from(const json& value) {
  return value.is_null() ? std::numeric_limits<double>::quiet_NaN() : value.get<double>();
}

json json_of(const catalog::Simulation& s) {
  return {{"box", s.box},         {"scale_factor", s.scale_factor},   {"omega_m", s.omega_m}, {"omega_l", s.omega_l},
          {"h", s.h},             {"omega_b", s.omega_b},             {"sigma_8", s.sigma_8}, {"n_s", s.n_s},
          {"particle_mass", s.particle_mass}, {"mass_definition", s.mass_definition}};
}

catalog::Simulation simulation_from(const json& item) {
  catalog::Simulation s;
  s.box = item.at("box");
  for (auto [name, value] : {std::pair{"scale_factor", &s.scale_factor}, {"omega_m", &s.omega_m}, {"omega_l", &s.omega_l},
                             {"h", &s.h}, {"omega_b", &s.omega_b}, {"sigma_8", &s.sigma_8}, {"n_s", &s.n_s},
                             {"particle_mass", &s.particle_mass}})
    *value = number_from(item.at(name));
  s.mass_definition = item.at("mass_definition");
  return s;
}

json json_of(const pipeline::Differences& d) {
  auto inputs = json::array();
  for (const auto& s : d.inputs.inputs)
    inputs.push_back({s.name, s.shift, s.scatter, s.shift_chance, s.ks, s.ks_chance, s.warned});
  return {{"warnings", d.warnings},
          {"remarks", d.remarks},
          {"given", d.inputs.given},
          {"trained", d.inputs.trained},
          {"here", d.inputs.here},
          {"beyond", d.inputs.beyond},
          {"inputs", inputs}};
}

pipeline::Differences differences_from(const json& item) {
  pipeline::Differences d{item.at("warnings"), item.at("remarks"),
                          {item.at("given"), item.at("trained"), item.at("here"), number_from(item.at("beyond")), {}}};
  for (const auto& s : item.at("inputs"))
    d.inputs.inputs.push_back({s.at(0), number_from(s.at(1)), number_from(s.at(2)), number_from(s.at(3)), number_from(s.at(4)),
                               number_from(s.at(5)), s.at(6)});
  return d;
}

}  // namespace

std::uint64_t Plan::galaxies() const {
  return std::accumulate(rows_of_tile.begin(), rows_of_tile.end(), std::uint64_t{0});
}

std::string to_json(const Plan& plan) {
  const auto& [path, format, bytes, sha256, brief] = plan.source;
  const auto& out = plan.left_out;
  return json{{"rows_of_tile", plan.rows_of_tile},
              {"columns", json_of(plan.columns)},
              {"simulation", json_of(plan.simulation)},
              {"source", {path, format, bytes, sha256, brief}},
              {"left_out", {out.few_particles, out.light, out.slow}},
              {"remarks", plan.remarks},
              {"differences", json_of(plan.differences)}}
      .dump(-1, ' ', false, json::error_handler_t::replace);
}

std::optional<Plan> plan_from_json(const std::string& text) {
  try {
    const auto item = json::parse(text);
    const auto& source = item.at("source");
    const auto& out = item.at("left_out");
    return Plan{item.at("rows_of_tile"),
                columns_from(item.at("columns")),
                simulation_from(item.at("simulation")),
                {source.at(0), source.at(1), source.at(2), source.at(3), source.at(4)},
                {out.at(0), out.at(1), out.at(2)},
                item.at("remarks"),
                differences_from(item.at("differences"))};
  } catch (const json::exception&) {
    return std::nullopt;
  }
}

}  // namespace halobrush::paint
