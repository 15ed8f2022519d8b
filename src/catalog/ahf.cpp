#include "ahf.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>
#include <regex>

#include "complete_simulation.hpp"
#include "halobrush/core/error.hpp"
#include "text_file.hpp"

namespace halobrush::catalog {
namespace {

constexpr double kpc_in_mpc = 1e-3;  // in Mpc

struct AhfColumn {
  std::string ours, theirs;
  double factor = 1;
  bool integer = false;
};

const std::vector<AhfColumn>& required_of_ahf() {
  static const std::vector<AhfColumn> table = {{"id", "ID", 1, true}, {"parent_id", "hostHalo", 1, true},
                                               {"x", "Xc", kpc_in_mpc},      {"y", "Yc", kpc_in_mpc},
                                               {"z", "Zc", kpc_in_mpc},      {"vx", "VXc"},
                                               {"vy", "VYc"},         {"vz", "VZc"}};
  return table;
}

// Columns that belong together are read together.
const std::vector<std::vector<AhfColumn>>& optional_of_ahf() {
  static const std::vector<std::vector<AhfColumn>> table = {
      {{"n_particles", "npart", 1, true}},
      {{"vmax", "Vmax"}},
      {{"vrms", "sigV"}},
      {{"spin", "lambdaE"}},
      {{"jx", "Lx"}, {"jy", "Ly"}, {"jz", "Lz"}},
      {{"b_to_a", "b"}, {"c_to_a", "c"}, {"axis_x", "Eax"}, {"axis_y", "Eay"}, {"axis_z", "Eaz"}}};
  return table;
}

// The names of the first line and the columns that are made of them.
class AhfNames {
 public:
  AhfNames(const std::string& path, const std::string& line) : path_(path), names_(names_in(line)) {}

  std::vector<std::string> in_lower_case() const {
    std::vector<std::string> keys;
    for (const auto& name : names_) keys.push_back(lower(name));
    return keys;
  }

  RockstarColumn require(const AhfColumn& column) const {
    if (!has(column.theirs))
      throw data_error("{}: line 1: no column '{}'; give a list of halos that AHF wrote", path_, column.theirs);
    if (std::ranges::count(names_, column.theirs) > 1)
      throw data_error("{}: line 1: column '{}' occurs more than once; rename all but one", path_, column.theirs);
    const auto field = std::ranges::find(names_, column.theirs) - names_.begin();
    return {column.ours, column.theirs, static_cast<std::size_t>(field), column.integer, column.factor};
  }
  bool has(const std::string& name) const { return std::ranges::count(names_, name) > 0; }
  std::size_t size() const { return names_.size(); }

 private:
  const std::string& path_;
  std::vector<std::string> names_;
};

void add_columns(const AhfNames& names, RockstarHeader& header) {
  const bool virial = names.has("Mvir");
  for (const auto& column : required_of_ahf()) header.columns.push_back(names.require(column));
  header.columns.push_back(names.require({"mass", virial ? "Mvir" : "Mhalo"}));
  header.columns.push_back(names.require({"radius", virial ? "Rvir" : "Rhalo", kpc_in_mpc}));
  for (const auto& together : optional_of_ahf()) {
    std::vector<std::string> absent, ours;
    for (const auto& column : together) {
      ours.push_back(column.ours);
      if (!names.has(column.theirs)) absent.push_back(column.theirs);
    }
    if (absent.empty())
      for (const auto& column : together) header.columns.push_back(names.require(column));
    else
      header.remarks.push_back(
          fmt::format("no columns {}: {} left out", fmt::join(absent, ", "), fmt::join(ours, ", ")));
  }
  header.simulation.mass_definition = virial ? "vir" : "";
  header.units = {fmt::format("mass: {} in Msun/h", virial ? "Mvir" : "Mhalo"),
                  "positions, radius: in comoving kpc/h (times 0.001)", "velocities: in km/s, peculiar"};
  header.remarks.emplace_back(
      "AHF writes no units: masses are taken in Msun/h, lengths in comoving kpc/h, velocities in km/s");
}

// AHF puts the redshift into names: run.z0.125.AHF_halos.
double scale_factor_by_name(const std::string& path) {
  static const std::regex redshift(R"(z([0-9]+\.[0-9]+)\.AHF_halos)");
  const auto name = std::filesystem::path(path).filename().string();
  std::smatch found;
  if (!std::regex_search(name, found, redshift)) return std::numeric_limits<double>::quiet_NaN();
  return 1 / (1 + std::stod(found[1]));
}

Simulation simulation_by_options(const std::string& path, const ReadOptions& options,
                                 std::vector<std::string>& remarks) {
  constexpr double unknown = std::numeric_limits<double>::quiet_NaN(), rounding = 1e-3;
  Simulation said;
  said.box.fill(unknown);
  said.scale_factor = said.omega_m = said.omega_l = said.h = unknown;
  const double named = scale_factor_by_name(path);
  if (std::isnan(options.scale_factor) && !std::isnan(named)) {
    said.scale_factor = named;
    remarks.push_back(fmt::format("scale factor {:g} by the redshift in the name of the file", named));
  } else if (std::abs(options.scale_factor - named) > rounding) {
    throw data_error(
        "{}: input.scale_factor is {:g}, but the redshift in the name of the file says {:g} (another snapshot); "
        "correct one of them",
        path, options.scale_factor, named);
  }
  return complete_simulation(path, said, options, remarks);
}

// Whether a host has -1 for its host: halos are then numbered from 0. The first rows, of the heaviest halos, tell.
bool hosts_have_minus_one(TextFile& file, std::size_t field) {
  constexpr int most_rows = 10'000;
  for (int row = 0; row < most_rows;) {
    const auto line = file.next_line();
    if (!line) break;
    if (line->empty() || line->starts_with('#')) continue;
    ++row;
    const auto words = names_in(std::string(*line));
    if (field >= words.size()) continue;
    if (words[field] == "0") return false;
    if (words[field] == "-1") return true;
  }
  return false;
}

}  // namespace

bool is_ahf(const std::vector<std::string>& names) {
  return std::ranges::all_of(std::vector<std::string>{"id", "hosthalo", "xc", "yc", "zc"},
                             [&](const auto& name) { return std::ranges::count(names, name) > 0; });
}

RockstarHeader parse_ahf_header(const std::string& path, const ReadOptions& options) {
  if (options.host_mass != "main")
    throw data_error("{}: input.host_mass: {} is for Rockstar lists, and this is one of AHF; set input.host_mass: main",
                     path, options.host_mass);
  TextFile file(path);
  const std::string first(file.next_line().value_or("#"));
  const AhfNames names(path, first.substr(1));
  RockstarHeader header;
  header.finder = "AHF";
  header.names = names.in_lower_case();
  header.fields = names.size();
  header.lines = 1;
  header.data_begin = file.offset();
  header.statements.add(path, {{"columns", fmt::format("{}", fmt::join(header.names, " ")), 1, "the names"}});
  add_columns(names, header);
  auto definition = header.simulation.mass_definition;
  header.simulation = simulation_by_options(path, options, header.remarks);
  header.simulation.mass_definition = std::move(definition);
  auto& host = *std::ranges::find(header.columns, "parent_id", &RockstarColumn::name);
  header.no_host = host.least = hosts_have_minus_one(file, host.field) ? -1 : 0;
  return header;
}

void resolve_ahf_hosts(const RockstarHeader& header, Table& halos) {
  if (header.finder == "AHF")
    std::ranges::replace(halos.get<std::int64_t>("parent_id"), header.no_host, std::int64_t{-1});
}

}  // namespace halobrush::catalog
