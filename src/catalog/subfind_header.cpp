#include "subfind_header.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <limits>
#include <map>
#include <optional>
#include <regex>

#include "h5.hpp"
#include "halobrush/catalog/subfind.hpp"
#include "halobrush/core/error.hpp"

namespace halobrush::catalog {
namespace {

namespace fs = std::filesystem;

constexpr auto unknown = std::numeric_limits<double>::quiet_NaN();
constexpr double mpc_in_cm = 3.085678e24, msun_in_g = 1.989e33, km_s_in_cm_s = 1e5;

// An attribute of /Header, or of /Parameters (where Gadget-4 keeps units and cosmology); the first name that
// is there.
class Attributes {
 public:
  explicit Attributes(const h5::File& file) {
    for (const char* name : {"/Header", "/Parameters"})
      if (h5::exists(file.id(), name)) groups_.push_back(h5::open_group(file.id(), name));
  }
  std::optional<double> find(const std::vector<std::string>& names) const {
    for (const auto& group : groups_)
      for (const auto& name : names)
        if (const auto values = h5::numbers_attribute(group, name); values && values->size() == 1)
          return values->front();
    return std::nullopt;
  }
  double number(const std::vector<std::string>& names) const { return find(names).value_or(unknown); }

 private:
  std::vector<h5::Handle> groups_;
};

std::int64_t count_of(const std::string& file, const Attributes& attributes,
                      const std::vector<std::string>& names) {
  const auto value = attributes.find(names);
  if (!value)
    throw data_error("{}: /Header has no attribute {}; give a file of a SUBFIND group catalog", file,
                     fmt::join(names, " or "));
  if (!(*value >= 0 && *value <= 0x1p53) || *value != std::floor(*value))
    throw data_error("{}: /Header: {} is {} (a number of files or rows); fetch the file again", file,
                     fmt::join(names, " or "), *value);
  return static_cast<std::int64_t>(*value);
}

// Codes write their units with four to seven digits (1.989e43 g for 1e10 Msun): a power of ten is meant.
double rounded_unit(double ratio) {
  const double power = std::pow(10.0, std::round(std::log10(ratio)));
  return std::abs(ratio / power - 1) < 2e-3 ? power : ratio;
}

constexpr std::array unit_names = {"UnitLength_in_cm", "UnitMass_in_g", "UnitVelocity_in_cm_per_s"};
constexpr std::array our_units = {mpc_in_cm, msun_in_g, km_s_in_cm_s};

void read_units(const std::string& file, const Attributes& attributes, SubfindHeader& header) {
  for (std::size_t k = 0; k < unit_names.size(); ++k) {
    const double unit = header.stated_units[k] = attributes.number({unit_names[k]});
    if (unit <= 0 || std::isinf(unit))
      throw data_error("{}: {} is {} (a unit is positive); repair the header", file, unit_names[k], unit);
    header.units[k] = rounded_unit(unit / our_units[k]);
  }
}

SubfindHeader header_of_set(const std::string& path, const h5::File& file) {
  const Attributes attributes(file);
  SubfindHeader header;
  constexpr std::int64_t most_files = 1'000'000;
  header.files = count_of(path, attributes, {"NumFiles", "NumFilesPerSnapshot"});
  if (header.files < 1 || header.files > most_files)
    throw data_error("{}: /Header: NumFiles is {} (from 1 to {}); fetch the file again", path, header.files, most_files);
  header.groups = count_of(path, attributes, {"Ngroups_ThisFile"});
  header.groups_total = count_of(path, attributes, {"Ngroups_Total"});
  header.subhalos = count_of(path, attributes, {"Nsubhalos_ThisFile", "Nsubgroups_ThisFile"});
  header.subhalos_total = count_of(path, attributes, {"Nsubhalos_Total", "Nsubgroups_Total"});
  header.box = attributes.number({"BoxSize"});
  header.scale_factor = attributes.number({"Time"});
  header.redshift = attributes.number({"Redshift"});
  header.omega_m = attributes.number({"Omega0"});
  header.omega_l = attributes.number({"OmegaLambda"});
  header.h = attributes.number({"HubbleParam"});
  header.omega_b = attributes.number({"OmegaBaryon"});
  for (const char* name : {"OmegaLambda", "OmegaBaryon"})
    if (const auto said = attributes.find({name}); said && !std::isfinite(*said))
      throw data_error("{}: /Header: {} is {} (it is finite, or not there); repair the header", path, name, *said);
  read_units(path, attributes, header);
  // IllustrisTNG's last snapshot says 0.9999999999999998.
  if (std::abs(header.scale_factor - 1) < 1e-12) header.scale_factor = 1;
  if (std::abs(header.scale_factor * (1 + header.redshift) - 1) > 1e-3)
    throw data_error("{}: /Header: Time is {}, but Redshift is {} (the scale factor is 1/(1+z)); fetch the file again",
                     path, header.scale_factor, header.redshift);
  return header;
}

std::uint64_t rows_of_dataset(const h5::File& file, const std::string& dataset) {
  if (!h5::exists(file.id(), dataset)) return 0;
  return h5::Column(file.id(), dataset).rows();
}

double number_in(const std::string& text) {
  double value = unknown;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

// Excerpts carry a sentence instead of a header.
SubfindHeader header_of_excerpt(const h5::File& file) {
  SubfindHeader header;
  header.excerpt = true;
  header.groups = header.groups_total =
      static_cast<std::int64_t>(rows_of_dataset(file, "/Group/GroupID_global"));
  header.subhalos = header.subhalos_total =
      static_cast<std::int64_t>(rows_of_dataset(file, "/Subhalo/SubhaloID_global"));
  header.box = header.scale_factor = header.redshift = header.omega_m = header.omega_l = header.h = header.omega_b = unknown;
  header.units = header.stated_units = {unknown, unknown, unknown};
  const auto about = h5::text_attribute(file.id(), "about").value_or("");
  std::smatch match;
  if (std::regex_search(about, match, std::regex(R"(Box ([0-9.eE+]+) ckpc/h)")))
    header.box = number_in(match[1]);
  if (std::regex_search(about, match, std::regex(R"(h ?= ?([0-9.]*[0-9]))"))) header.h = number_in(match[1]);
  if (about.find("ckpc/h") != about.npos && about.find("1e10 Msun/h") != about.npos &&
      about.find("km/s") != about.npos)
    header.units = {1e-3, 1e10, 1};
  header.tng = about.find("TNG") != about.npos && about.find("snap 99") != about.npos;
  return header;
}

// name.N.hdf5
const std::regex& numbered() {
  static const std::regex pattern(R"((.*)\.([0-9]+)(\.hdf5|\.h5))");
  return pattern;
}

// A folder may have other HDF5 files, snapshots beside their catalogs, but not two catalogs.
std::string file_of_the_set_in(const std::string& folder) {
  std::map<std::string, std::vector<std::string>> sets;  // by the name without its number
  for (const auto& entry : fs::directory_iterator(folder)) {
    const auto path = entry.path().string();
    if (entry.path().extension() != ".hdf5" && entry.path().extension() != ".h5") continue;
    std::smatch part;
    sets[std::regex_match(path, part, numbered()) ? part[1].str() : path].push_back(path);
  }
  if (sets.empty())
    throw data_error("{}: is a folder without HDF5 files (only group catalogs are folders); check the path", folder);
  std::vector<std::string> found, listed;
  for (const auto& [name, files] : sets) {
    const auto first = *std::ranges::min_element(files);
    if (!is_subfind(first)) continue;
    const auto header = read_subfind_header(first);
    const auto said = static_cast<std::size_t>(header.files);
    if (said > 1 && files.size() > said)
      throw data_error("{}: there are {} files of this set, {} by its header; remove those of another run", first,
                       files.size(), said);
    found.push_back(first);
    listed.push_back(fmt::format("{} (scale factor {:g}, {} files)", first, header.scale_factor, files.size()));
    if (said == 1 && files.size() > 1) found.insert(found.end(), files.begin(), files.end());
  }
  if (found.empty())
    throw data_error("{}: none of the HDF5 files in this folder is a SUBFIND catalog; check the path", folder);
  if (found.size() > 1)
    throw data_error("{}: the folder has {} catalogs: {}; name a file of the one that is meant", folder, found.size(),
                     fmt::join(listed, ", "));
  return found.front();
}

bool same(double a, double b) {
  return (std::isnan(a) && std::isnan(b)) || std::abs(a - b) <= 1e-6 * std::abs(a);
}

}  // namespace

bool is_subfind(const std::string& path) {
  const auto file = h5::File::open(path);
  if (h5::exists(file.id(), "/Subhalo/SubhaloID_global")) return true;
  if (!h5::exists(file.id(), "/Header")) return false;
  const auto header = h5::open_group(file.id(), "/Header");
  return h5::numbers_attribute(header, "Nsubhalos_Total") ||
         h5::numbers_attribute(header, "Nsubgroups_Total");
}

SubfindHeader read_subfind_header(const std::string& path) {
  const auto file = h5::File::open(path);
  auto header = h5::exists(file.id(), "/Subhalo/SubhaloID_global") ? header_of_excerpt(file) : header_of_set(path, file);
  header.flags = h5::exists(file.id(), "/Subhalo/SubhaloFlag");
  return header;
}

std::vector<std::string> subfind_files(const std::string& path) {
  std::string any = path;
  if (fs::is_directory(path))
    any = file_of_the_set_in(path);
  else if (!fs::exists(path))
    throw io_error("{}: cannot be opened (no such file); check the path", path);
  const auto count = read_subfind_header(any).files;
  if (count == 1) return {any};
  std::smatch part;
  if (!std::regex_match(any, part, numbered()))
    throw data_error(
        "{}: is one of {} files by its header, but its name has no number as in 'name.0.hdf5'; keep the "
        "names of the set",
        any, count);
  std::vector<std::string> files, absent;
  for (std::int64_t i = 0; i < count; ++i) {
    files.push_back(fmt::format("{}.{}{}", part[1].str(), i, part[3].str()));
    if (!fs::exists(files.back())) absent.push_back(files.back());
  }
  if (!absent.empty())
    throw data_error("{}: is absent ({} of {} files of the set are); fetch the whole set", absent.front(),
                     absent.size(), count);
  return files;
}

void check_one_simulation(const std::vector<std::string>& files, const std::vector<SubfindHeader>& headers) {
  const auto& first = headers.front();
  const auto differs = [&](std::size_t i, const char* what, auto a, auto b) {
    throw data_error(
        "{}: {} is {}, but {} in {}: files of two simulations or snapshots; keep the files of one", files[i],
        what, b, a, files.front());
  };
  std::int64_t groups = 0, subhalos = 0;
  std::optional<std::size_t> filled;  // the first file with subhalos
  for (std::size_t i = 0; i < files.size(); ++i) {
    const auto& here = headers[i];
    if (here.subhalos > 0 && !filled) filled = i;
    if (here.subhalos > 0 && here.flags != headers[*filled].flags)
      throw data_error("{}: {} SubhaloFlag, unlike {}; fetch the files again", files[i], here.flags ? "has" : "has no",
                       files[*filled]);
    for (const auto& [what, a, b] :
         {std::tuple("NumFiles", first.files, here.files),
          std::tuple("Ngroups_Total", first.groups_total, here.groups_total),
          std::tuple("Nsubgroups_Total", first.subhalos_total, here.subhalos_total)})
      if (a != b) differs(i, what, a, b);
    for (const auto& [what, a, b] :
         {std::tuple("BoxSize", first.box, here.box),
          std::tuple("Time", first.scale_factor, here.scale_factor),
          std::tuple("Redshift", first.redshift, here.redshift),
          std::tuple("Omega0", first.omega_m, here.omega_m),
          std::tuple("OmegaLambda", first.omega_l, here.omega_l), std::tuple("HubbleParam", first.h, here.h),
          std::tuple("OmegaBaryon", first.omega_b, here.omega_b),
          std::tuple(unit_names[0], first.stated_units[0], here.stated_units[0]),
          std::tuple(unit_names[1], first.stated_units[1], here.stated_units[1]),
          std::tuple(unit_names[2], first.stated_units[2], here.stated_units[2])})
      if (!same(a, b)) differs(i, what, a, b);
    groups += here.groups;
    subhalos += here.subhalos;
  }
  if (groups != first.groups_total || subhalos != first.subhalos_total)
    throw data_error(
        "{}: the {} files of the set hold {} groups and {} subhalos, but their headers say {} and {} in all; "
        "fetch the set again",
        files.front(), files.size(), groups, subhalos, first.groups_total, first.subhalos_total);
}

SubfindHeader completed(const std::string& file, SubfindHeader header, const ReadOptions& options,
                        std::vector<std::string>& remarks) {
  if (header.tng) {  // Nelson et al. 2019, arXiv:1812.05609, table 1: the cosmology of Planck 2015
    header.scale_factor = 1;
    header.omega_m = 0.3089;
    header.omega_l = 0.6911;
    header.omega_b = 0.0486;
    remarks.emplace_back(
        "an excerpt of IllustrisTNG at z = 0: cosmology of Nelson et al. 2019 (arXiv:1812.05609)");
  }
  std::vector<std::string> missing;
  const auto complete = [&](double& value, double given, const char* key, const char* what) {
    if (!std::isnan(value)) return;
    value = given;
    if (std::isnan(given))
      missing.push_back(fmt::format("{} ({})", what, key));
    else
      remarks.push_back(fmt::format("{} {:g} by {}: the file does not say", what, given, key));
  };
  const bool given = options.units.size() == 3;
  complete(header.units[0], given ? options.units[0] : unknown, "input.units", "unit of length in Mpc/h");
  complete(header.units[1], given ? options.units[1] : unknown, "input.units", "unit of mass in Msun/h");
  complete(header.units[2], given ? options.units[2] : unknown, "input.units", "unit of velocity in km/s");
  complete(header.box, options.box_size / header.units[0], "input.box_size", "box");
  complete(header.scale_factor, options.scale_factor, "input.scale_factor", "scale factor");
  complete(header.omega_m, options.omega_m, "cosmology.omega_m", "omega_m");
  complete(header.h, options.h, "cosmology.h", "h");
  if (!missing.empty() && options.describe)
    remarks.push_back(
        fmt::format("the file does not say: {}; a run must set these keys", fmt::join(missing, ", ")));
  else if (!missing.empty())
    throw data_error("{}: neither the file nor the configuration says: {}; set these keys", file,
                     fmt::join(missing, ", "));
  if (std::isnan(header.omega_l)) header.omega_l = 1 - header.omega_m;
  return header;
}

Simulation simulation_of(const std::string& file, const SubfindHeader& header, const ReadOptions& options) {
  for (const auto& [name, value] : {std::pair("BoxSize", header.box), std::pair("Time", header.scale_factor),
                                    std::pair("Omega0", header.omega_m), std::pair("HubbleParam", header.h)})
    if (!(options.describe && std::isnan(value)) && (!(value > 0) || !std::isfinite(value)))
      throw data_error("{}: {} is {} (it is positive); repair the header", file, name, value);
  Simulation simulation;
  simulation.box.fill(header.box * header.units[0]);
  simulation.scale_factor = header.scale_factor;
  simulation.omega_m = header.omega_m;
  simulation.omega_l = header.omega_l;
  simulation.h = header.h;
  simulation.omega_b = header.omega_b;
  simulation.mass_definition = "200c";  // Group_M_Crit200
  return simulation;
}

}  // namespace halobrush::catalog
