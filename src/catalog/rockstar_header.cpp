#include "rockstar_header.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>

#include "halobrush/catalog/units.hpp"
#include "halobrush/core/error.hpp"
#include "halobrush/core/text.hpp"
#include "ahf.hpp"
#include "checks.hpp"
#include "text_file.hpp"

namespace halobrush::catalog {
namespace {

// The names in the first line.
class Names {
 public:
  Names(const std::string& path, const std::string& line) : path_(path), names_(names_in(line)) {
    for (const auto& name : names_) keys_.push_back(lower(name));
  }

  std::size_t size() const { return names_.size(); }
  const std::string& operator[](std::size_t field) const { return names_[field]; }
  const std::vector<std::string>& keys() const { return keys_; }  ///< in lower case
  std::string hint(const std::string& name) const { return nearest_hint(name, names_); }

  /// The field of this name, in any case.
  std::optional<std::size_t> find(const std::string& name) const {
    const auto key = lower(name);
    const auto n = std::count(keys_.begin(), keys_.end(), key);
    if (n > 1)
      throw data_error(
          "{}: line 1: column '{}' occurs {} times (upper and lower case are not told apart); rename all but "
          "one",
          path_, name, n);
    if (n == 0) return std::nullopt;
    return static_cast<std::size_t>(std::find(keys_.begin(), keys_.end(), key) - keys_.begin());
  }

  /// Rockstar writes its main mass third, and once more among the masses at the end.
  std::size_t require_first(const std::string& name, const std::string& what) const {
    const auto at = std::ranges::find(keys_, lower(name));
    return at == keys_.end() ? require(name, what) : static_cast<std::size_t>(at - keys_.begin());
  }
  bool repeats(const std::string& name) const { return std::ranges::count(keys_, lower(name)) > 1; }

  std::size_t require(const std::string& name, const std::string& what) const {
    if (const auto field = find(name)) return *field;
    throw data_error("{}: line 1: no column '{}' ({}){}; rename the column that holds it", path_, name, what,
                     hint(name));
  }

 private:
  std::string path_;
  std::vector<std::string> names_, keys_;
};

// vir, 200b, 500c...: what Rockstar puts after M and R.
bool is_mass_definition(const std::string& text) {
  if (text == "vir") return true;
  return text.size() >= 2 && (text.back() == 'b' || text.back() == 'c' || text.back() == 'm') &&
         std::all_of(text.begin(), text.end() - 1, [](unsigned char c) { return std::isdigit(c); });
}

// Rockstar writes many masses but one radius: the one of the main definition. Where others are added, the main
// mass is the first one.
std::string main_definition(const std::string& path, const Names& names) {
  std::vector<std::string> masses, radii;
  for (const auto& key : names.keys()) {
    if (key.size() < 2 || !is_mass_definition(key.substr(1))) continue;
    if (key[0] == 'm') masses.push_back(key.substr(1));
    if (key[0] == 'r') radii.push_back(key.substr(1));
  }
  if (radii.empty()) {
    const auto name = "R" + (masses.empty() ? "vir" : masses.front());
    throw data_error(
        "{}: line 1: no column '{}' (the radius of the main mass){}; rename the column that holds it", path,
        name, names.hint(name));
  }
  if (std::ranges::all_of(radii, [&](const auto& r) { return r == radii.front(); })) return radii.front();
  if (!masses.empty() && std::ranges::count(radii, masses.front()) == 1) return masses.front();
  throw data_error(
      "{}: line 1: radii of several mass definitions ({}), so the main one is unknown; leave one radius column",
      path, fmt::join(radii, ", "));
}

// "200m" is another word for "200b".
std::string usual_definition(std::string definition) {
  if (definition.ends_with('m')) definition.back() = 'b';
  return definition;
}

std::vector<RockstarColumn> resolve_columns(const std::string& path, const Names& names,
                                            const ReadOptions& options, std::vector<std::string>& remarks) {
  std::vector<RockstarColumn> columns;
  const auto take = [&](const std::string& name, std::size_t field, bool integer = false) {
    columns.push_back({name, names[field], field, integer});
  };
  const auto take_all = [&](const std::vector<std::string>& ours, const std::vector<std::string>& theirs) {
    std::vector<std::size_t> fields;
    for (const auto& name : theirs)
      if (const auto field = names.find(name)) fields.push_back(*field);
    if (fields.size() == ours.size())
      for (std::size_t i = 0; i < ours.size(); ++i) take(ours[i], fields[i]);
    else
      remarks.push_back(
          fmt::format("no columns {}: {} left out", fmt::join(theirs, ", "), fmt::join(ours, ", ")));
    return fields.size() == ours.size();
  };

  take("id", names.require("ID", "the halo's number"), true);
  if (const auto pid = names.find("PID"))
    take("parent_id", *pid, true);
  else if (const auto upid = names.find("UPID"))
    take("parent_id", *upid, true);
  else
    remarks.push_back(fmt::format(
        "{}no column PID or UPID: every halo is taken for a host, satellites for centrals; Rockstar's find_parents adds PID",
        warning));

  const auto definition = main_definition(path, names);
  const auto mass = "M" + definition;
  take("mass", names.require_first(mass, "the main mass"));
  if (names.repeats(mass))
    remarks.push_back(fmt::format("several columns {}: the first, number {}, is taken for the main mass",
                                  names[columns.back().field], columns.back().field + 1));
  take("radius", names.require("R" + definition, "the radius of the main mass"));
  for (const std::string axis : {"X", "Y", "Z"}) take(lower(axis), names.require(axis, "the position"));
  for (const std::string axis : {"VX", "VY", "VZ"}) take(lower(axis), names.require(axis, "the velocity"));

  if (options.host_mass == "200c" && definition != "200c")
    take(mass_200c, names.require("M200c", "mass of hosts, by input.host_mass: 200c"));
  if (const auto field = names.find("Vmax")) take("vmax", *field);
  if (const auto field = names.find("Vrms")) take("vrms", *field);
  if (const auto field = names.find("Rs")) take("scale_radius", *field);
  if (const auto field = names.find("Spin")) take("spin", *field);
  take_all({"jx", "jy", "jz"}, {"JX", "JY", "JZ"});
  if (const auto field = names.find("Np")) take("n_particles", *field, true);
  if (take_all({"b_to_a", "c_to_a", "axis_x", "axis_y", "axis_z"},
               {"b_to_a", "c_to_a", "A[x]", "A[y]", "A[z]"}))
    remarks.emplace_back("the halos' major axes are known, the roll about them is not");
  return columns;
}

// A number with a unit behind it.
struct Quantity {
  double value;
  std::string unit;
};

Quantity quantity_in(const std::string& path, const Statement& statement) {
  Quantity quantity{};
  const auto& text = statement.text;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), quantity.value);
  if (error != std::errc() || !std::isfinite(quantity.value))
    throw data_error("{}: {}: '{}' is no number; correct it", path, where_said(statement), text);
  quantity.unit = std::string(stop, text.data() + text.size());
  quantity.unit.erase(0, quantity.unit.find_first_not_of(" \t"));
  if (quantity.unit.starts_with(','))
    throw data_error("{}: {}: '{}' is no number with its unit; write decimals with a point", path, where_said(statement), text);
  const auto power_of_ten = [](const std::string& unit) { return unit.starts_with("1e") || unit.starts_with("10^"); };
  if (!quantity.unit.empty() && std::isdigit(static_cast<unsigned char>(quantity.unit.front())) &&
      !power_of_ten(quantity.unit))
    throw data_error("{}: {}: '{}' holds two numbers; write one, with its unit", path, where_said(statement), text);
  return quantity;
}

class SimulationNumbers {
 public:
  SimulationNumbers(const std::string& path, const Statements& statements)
      : path_(path), statements_(statements) {}

  /// A number without a unit, which lies in a range that no such number leaves.
  double require(const std::string& key, const std::string& example, double low, double high) {
    const auto* said = statements_.find(key);
    if (said == nullptr) {
      missing_.push_back(fmt::format("'{}'", example));
      return 1;
    }
    const auto [value, unit] = quantity_in(path_, *said);
    if (!unit.empty())
      throw data_error("{}: {}: '{}' behind the number; correct it", path_, where_said(*said), unit);
    if (!(value > low && value <= high))
      throw data_error("{}: {}: {} is {} (it lies above {} and not above {}); correct it", path_,
                       where_said(*said), key, value, low, high);
    return value;
  }
  const std::vector<std::string>& missing() const { return missing_; }

 private:
  const std::string& path_;
  const Statements& statements_;
  std::vector<std::string> missing_;
};

// The unit of masses or positions where the line does not say its own.
double in_our_unit(const std::string& path, const Statement& said, const char* quantity, const char* ours,
                   const Statements& statements, const UnitScales& scales, std::vector<std::string>& remarks) {
  auto [value, unit] = quantity_in(path, said);
  if (unit.empty()) {
    const auto* general = statements.find(std::string("unit of ") + quantity);
    unit = general != nullptr ? general->text : ours;
    remarks.push_back(
        fmt::format("{} has no unit: '{}' is assumed, as of {}", where_said(said), unit, quantity));
  }
  return value * unit_factor(path + ": " + where_said(said), unit, ours, scales);
}

double box_side(const std::string& path, const Statements& statements, const UnitScales& scales,
                const ReadOptions& options, std::vector<std::string>& remarks) {
  const auto* said = statements.find("box");
  if (said == nullptr && std::isnan(options.box_size))
    throw data_error(
        "{}: no comment line says the box ('#Box size: 100.0 Mpc/h'); add it or set input.box_size", path);
  const double side = said == nullptr
                          ? options.box_size
                          : in_our_unit(path, *said, "positions", "Mpc/h", statements, scales, remarks);
  if (!(side > 0) || !std::isfinite(side))
    throw data_error("{}: the box has side {} Mpc/h (a side is positive); correct it", path, side);
  return side;
}

// consistent-trees says the scale factor in every row instead of the comments.
std::optional<double> scale_of_row(const std::string& path, std::optional<std::size_t> field,
                                   const std::optional<std::string>& row, std::uint64_t line) {
  if (!field || !row) return std::nullopt;
  const auto words = names_in(*row);
  if (words.size() <= *field) return std::nullopt;  // the row will be refused for its length
  double value = 0;
  const auto& word = words[*field];
  if (std::from_chars(word.data(), word.data() + word.size(), value).ptr != word.data() + word.size() ||
      !(value > 0) || !std::isfinite(value))
    throw data_error("{}: line {}: column 'scale' is '{}' (not a scale factor); repair or remove the row", path,
                     line, word);
  return value;
}

Simulation resolve_simulation(const std::string& path, const Statements& statements,
                              std::optional<double> scale_of_first_row, const ReadOptions& options,
                              std::vector<std::string>& remarks) {
  SimulationNumbers numbers(path, statements);
  Simulation simulation;
  const bool said = statements.find("a") != nullptr;
  const double a = said || !scale_of_first_row ? numbers.require("a", "#a = 1.0", 0, 1e3) : *scale_of_first_row;
  if (scale_of_first_row && std::abs(a - *scale_of_first_row) > 1e-4)
    throw data_error("{}: {}, but column 'scale' is {} in the first row; correct one of them", path,
                     where_said(*statements.find("a")), *scale_of_first_row);
  simulation.scale_factor = scale_of_first_row.value_or(a);
  simulation.omega_m = numbers.require("omega_m", "#Om = 0.3", 0, 10);
  simulation.omega_l = numbers.require("omega_l", "#Ol = 0.7", -10, 10);
  simulation.h = numbers.require("h", "#h = 0.7", 0.1, 5);
  if (!numbers.missing().empty())
    throw data_error(
        "{}: the cosmology is incomplete (no comment line as {}); add what is missing below line 1", path,
        fmt::join(numbers.missing(), " or "));
  const UnitScales scales{simulation.h, simulation.scale_factor};
  if (const auto* mass = statements.find("particle mass")) {
    simulation.particle_mass = in_our_unit(path, *mass, "masses", "Msun/h", statements, scales, remarks);
    if (!(simulation.particle_mass > 0) || std::isinf(simulation.particle_mass))
      throw data_error("{}: {}: the particle mass is {:g} Msun/h; it must be above zero, or the line be removed", path,
                       where_said(*mass), simulation.particle_mass);
  }
  simulation.box.fill(box_side(path, statements, scales, options, remarks));
  return simulation;
}

// ---- units ----

struct UnitOf {
  std::vector<std::string> columns;  ///< ours
  std::string quantity, ours, example;
};

const std::vector<UnitOf>& units_needed() {
  static const std::vector<UnitOf> table = {
      {{"mass", mass_200c}, "masses", "Msun/h", "#Units: Masses in Msun / h"},
      {{"x", "y", "z"}, "positions", "Mpc/h", "#Units: Positions in Mpc / h (comoving)"},
      {{"vx", "vy", "vz", "vmax", "vrms"},
       "velocities",
       "km/s",
       "#Units: Velocities in km / s (physical, peculiar)"},
      {{"radius", "scale_radius"},
       "radii",
       "Mpc/h",
       "#Units: Halo Distances, Lengths, and Radii in kpc / h (comoving)"},
      {{"jx", "jy", "jz"}, "angular momenta", "(Msun/h) (Mpc/h) (km/s) (physical)", ""},
  };
  return table;
}

// Rockstar's `Units: Masses in Msun / h` and consistent-trees' `Mvir: Halo mass (Msun/h)` alike.
void resolve_units(const std::string& path, RockstarHeader& header) {
  const UnitScales scales{header.simulation.h, header.simulation.scale_factor};
  for (const auto& [ours, quantity, unit, example] : units_needed())
    for (auto& column : header.columns) {
      if (std::ranges::count(ours, column.name) == 0) continue;
      const auto* own = header.statements.find("unit of column " + lower(column.file_name));
      const auto* said = own != nullptr ? own : header.statements.find("unit of " + quantity);
      if (said == nullptr && example.empty()) {
        if (column.name == ours.front())
          header.remarks.push_back(fmt::format("no comment line says the unit of {}: taken for {}", quantity, unit));
        continue;
      }
      if (said == nullptr)
        throw data_error(
            "{}: no comment line says the unit of {} (column '{}'); where it is so, add the line '{}', else convert "
            "them",
            path, quantity, column.file_name, example);
      column.factor = unit_factor(path + ": " + where_said(*said), said->text, unit, scales);
      // A line on velocities leaves open whether it is about these, too.
      const bool other = column.name == "vmax" || column.name == "vrms";
      if (other && own == nullptr && column.factor != 1)
        throw data_error(
            "{}: {}: says nothing of column '{}', which may be in km/s; convert the columns, or add the line '#{}: "
            "velocity (km/s)'",
            path, where_said(*said), column.file_name, column.file_name);
      header.units.push_back(fmt::format("{}: {} in '{}'{}, line {}", column.name, column.file_name, said->text,
                                         column.factor == 1 ? "" : fmt::format(" (times {:g})", column.factor),
                                         said->line));
    }
}

// What a piece of a box says of itself, in the unit of positions.
void resolve_bounds(RockstarHeader& header) {
  for (const auto& statement : header.statements.all())
    if (statement.key == "bounds")
      if (const auto bounds = header.bounds_of(statement)) header.bounds.push_back(*bounds);
}

}  // namespace

bool RockstarHeader::has(const std::string& name) const {
  return std::any_of(columns.begin(), columns.end(), [&](const auto& column) { return column.name == name; });
}

std::optional<Bounds> RockstarHeader::bounds_of(const Statement& statement) const {
  auto corners = bounds_in(statement.text);
  if (!corners) return std::nullopt;
  const auto x = std::ranges::find(columns, "x", &RockstarColumn::name);
  for (auto& side : *corners) side *= x->factor;
  return corners;
}

RockstarHeader parse_rockstar_header(const std::string& path, const ReadOptions& options) {
  TextFile file(path);
  const auto first = file.next_line();
  if (!first || !first->starts_with('#'))
    throw data_error(
        "{}: line 1: does not begin with '#' (a Rockstar list names its columns there); check input.path",
        path);
  const Names names(path, std::string(first->substr(1)));
  if (is_ahf(names.keys())) return parse_ahf_header(path, options);

  RockstarHeader header;
  header.names = names.keys();
  header.statements.add(path, {{"columns", fmt::format("{}", fmt::join(names.keys(), " ")), 1, "the names"}});
  std::optional<std::string> first_row;
  header.data_begin = file.offset();
  for (header.lines = 1; const auto line = file.next_line(); ++header.lines) {
    if (!line->empty() && !line->starts_with('#')) {
      first_row = *line;
      break;
    }
    if (!line->empty())
      header.statements.add(path, statements_of(std::string(*line), header.lines + 1, header.names));
    header.data_begin = file.offset();
  }
  header.fields = names.size();
  header.columns = resolve_columns(path, names, options, header.remarks);
  header.scale_field = names.find("scale");
  header.simulation = resolve_simulation(path, header.statements,
                                         scale_of_row(path, header.scale_field, first_row, header.lines + 1),
                                         options, header.remarks);
  header.simulation.mass_definition =
      header.has(mass_200c) ? "200c" : usual_definition(main_definition(path, names));
  resolve_units(path, header);
  resolve_bounds(header);
  return header;
}

void require_same(const std::string& path, const RockstarHeader& header, const std::string& first_path,
                  const RockstarHeader& first) {
  if (header.names != first.names) {
    const auto [here, there] = std::ranges::mismatch(header.names, first.names);
    const auto name = [](auto at, const auto& names) { return at == names.end() ? "none" : "'" + *at + "'"; };
    throw data_error("{}: line 1: column {} is {}, but {} in {} (lists of two kinds); give the files of one", path,
                     here - header.names.begin() + 1, name(here, header.names), name(there, first.names), first_path);
  }
  if (const auto fault = difference(path, header.statements, first_path, first.statements)) throw data_error("{}", *fault);
  require_same(path, header.simulation, first_path, first.simulation);
}

}  // namespace halobrush::catalog
