#include "rockstar_header.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <map>
#include <sstream>

#include "halobrush/core/error.hpp"
#include "halobrush/core/text.hpp"
#include "text_file.hpp"

namespace halobrush::catalog {
namespace {

constexpr double kpc_in_mpc = 1e-3;

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

std::string without_blanks(std::string text) {
  std::erase_if(text, [](unsigned char c) { return std::isspace(c); });
  return text;
}

std::string trimmed(const std::string& text) {
  const auto first = text.find_first_not_of(" \t");
  return first == std::string::npos ? "" : text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

// consistent-trees writes `id(1)`; a mass definition as in `b_to_a(500c)` stays.
std::string without_index(const std::string& name) {
  const auto open = name.rfind('(');
  if (open == std::string::npos || open == 0 || name.back() != ')' || open + 2 >= name.size()) return name;
  const bool digits = std::all_of(name.begin() + static_cast<std::ptrdiff_t>(open) + 1, name.end() - 1,
                                  [](unsigned char c) { return std::isdigit(c); });
  return digits ? name.substr(0, open) : name;
}

// The names in the first line.
class Names {
 public:
  Names(const std::string& path, const std::string& line) : path_(path) {
    std::istringstream words(line);
    for (std::string word; words >> word;) {
      names_.push_back(without_index(word));
      keys_.push_back(lower(names_.back()));
    }
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

// Rockstar writes many masses but one radius: the one of the main definition.
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
  if (std::any_of(radii.begin(), radii.end(), [&](const auto& r) { return r != radii.front(); }))
    throw data_error(
        "{}: line 1: radii of several mass definitions ({}), so the main one is unknown; leave one radius "
        "column",
        path, fmt::join(radii, ", "));
  return radii.front();
}

std::vector<RockstarColumn> resolve_columns(const std::string& path, const Names& names,
                                            const ReadOptions& options, std::vector<std::string>& remarks) {
  std::vector<RockstarColumn> columns;
  const auto take = [&](const std::string& name, std::size_t field, double factor = 1, bool integer = false) {
    columns.push_back({name, names[field], field, integer, factor});
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

  take("id", names.require("ID", "the halo's number"), 1, true);
  if (const auto pid = names.find("PID"))
    take("parent_id", *pid, 1, true);
  else if (const auto upid = names.find("UPID"))
    take("parent_id", *upid, 1, true);
  else
    remarks.emplace_back(
        "no column PID or UPID: every halo is taken for a host (Rockstar's find_parents adds PID)");

  const auto definition = main_definition(path, names);
  take("mass", names.require("M" + definition, "the main mass"));
  take("radius", names.require("R" + definition, "the radius of the main mass"), kpc_in_mpc);
  for (const std::string axis : {"X", "Y", "Z"}) take(lower(axis), names.require(axis, "the position"));
  for (const std::string axis : {"VX", "VY", "VZ"}) take(lower(axis), names.require(axis, "the velocity"));

  if (options.host_mass == "200c")
    take(mass_200c, names.require("M200c", "mass of hosts, by input.host_mass: 200c"));
  if (const auto field = names.find("Vmax")) take("vmax", *field);
  if (const auto field = names.find("Vrms")) take("vrms", *field);
  if (const auto field = names.find("Rs")) take("scale_radius", *field, kpc_in_mpc);
  if (const auto field = names.find("Spin")) take("spin", *field);
  take_all({"jx", "jy", "jz"}, {"JX", "JY", "JZ"});
  if (const auto field = names.find("Np")) take("n_particles", *field, 1, true);
  if (take_all({"b_to_a", "c_to_a", "axis_x", "axis_y", "axis_z"},
               {"b_to_a", "c_to_a", "A[x]", "A[y]", "A[z]"}))
    remarks.emplace_back("the halos' major axes are known, the roll about them is not");
  return columns;
}

// `name = value` and `name: value` in the comment lines, several to a line apart by semicolons; names in
// lower case.
std::map<std::string, double> numbers_in(const std::vector<std::string>& comments) {
  std::map<std::string, double> numbers;
  for (const auto& comment : comments) {
    std::istringstream parts(comment);
    for (std::string part; std::getline(parts, part, ';');) {
      const auto sign = part.find_first_of("=:");
      if (sign == std::string::npos) continue;
      const auto text = trimmed(part.substr(sign + 1));
      double value = 0;
      if (std::from_chars(text.data(), text.data() + text.size(), value).ec == std::errc())
        numbers.emplace(lower(trimmed(part.substr(0, sign))), value);
    }
  }
  return numbers;
}

// Rockstar's `Units: Masses in Msun / h` and consistent-trees' `Mvir: Halo mass (Msun/h)` alike.
void check_units(const std::string& path, const std::vector<std::string>& comments) {
  struct Quantity {
    std::string name;
    std::vector<std::string> subjects;
    std::string unit, example;
  };
  const std::array<Quantity, 4> quantities = {{
      {"masses", {"units:masses", "halomass("}, "msun/h", "#Units: Masses in Msun / h"},
      {"positions", {"units:positions", "haloposition"}, "mpc/h", "#Units: Positions in Mpc / h (comoving)"},
      {"velocities",
       {"units:velocities", "halovelocity"},
       "km/s",
       "#Units: Velocities in km / s (physical, peculiar)"},
      {"radii",
       {"lengths,andradii", "haloradius"},
       "kpc/h",
       "#Units: Halo Distances, Lengths, and Radii in kpc / h (comoving)"},
  }};
  std::vector<std::string> lines;
  for (const auto& comment : comments) lines.push_back(lower(without_blanks(comment)));
  for (const auto& [name, subjects, unit, example] : quantities) {
    const bool said =
        std::any_of(lines.begin(), lines.end(), [&, &s = subjects, &u = unit](const std::string& line) {
          return line.find(u) != std::string::npos &&
                 std::any_of(s.begin(), s.end(),
                             [&](const auto& subject) { return line.find(subject) != std::string::npos; });
        });
    if (!said)
      throw data_error(
          "{}: no comment line says the unit of {}; where it is so, add the line '{}', else convert them",
          path, name, example);
  }
}

class SimulationNumbers {
 public:
  explicit SimulationNumbers(const std::vector<std::string>& comments) : numbers_(numbers_in(comments)) {}

  std::optional<double> find(const std::string& a, const std::string& b) const {
    for (const auto& name : {a, b})
      if (const auto it = numbers_.find(name); it != numbers_.end()) return it->second;
    return std::nullopt;
  }
  double require(const std::string& a, const std::string& b, const std::string& example) {
    const auto value = find(a, b);
    if (!value) missing_.push_back(fmt::format("'{}'", example));
    return value.value_or(0);
  }
  const std::vector<std::string>& missing() const { return missing_; }

 private:
  std::map<std::string, double> numbers_;
  std::vector<std::string> missing_;
};

double box_side(const std::string& path, std::optional<double> said, const ReadOptions& options,
                std::vector<std::string>& remarks) {
  const bool given = !std::isnan(options.box_size);
  if (!said && !given)
    throw data_error(
        "{}: no comment line says the box ('#Box size: 100.0 Mpc/h'); add it or set input.box_size", path);
  if (said && given && *said != options.box_size)
    remarks.push_back(
        fmt::format("input.box_size {} is not used: the file says {} Mpc/h", options.box_size, *said));
  const double side = said.value_or(options.box_size);
  if (!(side > 0) || !std::isfinite(side))
    throw data_error("{}: the box has side {} Mpc/h (a side is positive); correct it", path, side);
  return side;
}

// consistent-trees says the scale factor in every row instead of the comments.
std::optional<double> scale_of_row(const Names& names, const std::optional<std::string>& row) {
  const auto field = names.find("scale");
  if (!field || !row) return std::nullopt;
  std::istringstream words(*row);
  std::string word;
  for (std::size_t i = 0; i <= *field; ++i)
    if (!(words >> word)) return std::nullopt;
  double value = 0;
  if (std::from_chars(word.data(), word.data() + word.size(), value).ec != std::errc()) return std::nullopt;
  return value;
}

Simulation resolve_simulation(const std::string& path, const std::vector<std::string>& comments,
                              std::optional<double> scale_of_first_row, const ReadOptions& options,
                              std::vector<std::string>& remarks) {
  SimulationNumbers numbers(comments);
  Simulation simulation;
  simulation.scale_factor =
      scale_of_first_row ? *scale_of_first_row : numbers.require("a", "scale factor", "#a = 1.0");
  simulation.omega_m = numbers.require("om", "omega_m", "#Om = 0.3");
  simulation.omega_l = numbers.require("ol", "omega_l", "#Ol = 0.7");
  simulation.h = numbers.require("h", "h0", "#h = 0.7");
  if (!numbers.missing().empty())
    throw data_error(
        "{}: the cosmology is incomplete (no comment line as {}); add what is missing below line 1", path,
        fmt::join(numbers.missing(), " or "));
  if (!(simulation.scale_factor > 0) || !(simulation.h > 0) || !(simulation.omega_m > 0))
    throw data_error("{}: a = {}, Om = {}, h = {} in the comment lines (all are positive); correct them",
                     path, simulation.scale_factor, simulation.omega_m, simulation.h);
  if (const auto mass = numbers.find("particle mass", "particle mass")) simulation.particle_mass = *mass;
  simulation.box.fill(box_side(path, numbers.find("box size", "full box size"), options, remarks));
  return simulation;
}

}  // namespace

bool RockstarHeader::has(const std::string& name) const {
  return std::any_of(columns.begin(), columns.end(), [&](const auto& column) { return column.name == name; });
}

RockstarHeader parse_rockstar_header(const std::string& path, const ReadOptions& options) {
  TextFile file(path);
  const auto first = file.next_line();
  if (!first || !first->starts_with('#'))
    throw data_error(
        "{}: line 1: does not begin with '#' (a Rockstar list names its columns there); check input.path",
        path);
  const Names names(path, std::string(first->substr(1)));

  RockstarHeader header;
  std::vector<std::string> comments;
  std::optional<std::string> first_row;
  header.data_begin = file.offset();
  for (header.lines = 1; const auto line = file.next_line(); ++header.lines) {
    if (!line->empty() && !line->starts_with('#')) {
      first_row = *line;
      break;
    }
    if (!line->empty()) comments.emplace_back(line->substr(1));
    header.data_begin = file.offset();
  }
  header.fields = names.size();
  header.columns = resolve_columns(path, names, options, header.remarks);
  check_units(path, comments);
  header.simulation =
      resolve_simulation(path, comments, scale_of_row(names, first_row), options, header.remarks);
  header.simulation.mass_definition = header.has(mass_200c) ? "200c" : main_definition(path, names);
  return header;
}

}  // namespace halobrush::catalog
