#include "table_file.hpp"

#include <algorithm>
#include <cmath>

#include "halobrush/catalog/units.hpp"
#include "halobrush/core/error.hpp"
#include "halobrush/core/text.hpp"
#include "halobrush/mpi/agree.hpp"

namespace halobrush::catalog {
namespace {

std::string kind_of_type(const std::string& data_type) {
  return data_type == galaxy_data_type ? "galaxy catalog" : "halo catalog";
}

// ---- units ----

std::string our_unit(std::string unit) {
  constexpr std::string_view comoving = "comoving ";
  return unit.starts_with(comoving) ? unit.substr(comoving.size()) : unit;
}

// ---- reading ----

double number(hid_t group, const std::string& name) {
  const auto values = h5::numbers_attribute(group, name);
  return values && values->size() == 1 ? values->front() : std::numeric_limits<double>::quiet_NaN();
}

// What a header says must be a number; what it does not say is unknown.
double stated(hid_t group, const std::string& name, const std::string& path, const char* where = "/header") {
  const double value = number(group, name);
  if (std::isnan(value) && h5::has_attribute(group, name))
    throw data_error("{}: {} in {} is no number; write the file again", path, name, where);
  return value;
}

// The same where NaN says that it is unknown.
double stated_or_unknown(hid_t group, const std::string& name, const std::string& path) {
  const auto values = h5::numbers_attribute(group, name);
  if (h5::has_attribute(group, name) && !(values && values->size() == 1))
    throw data_error("{}: {} in /provenance/simulation is no number; write the file again", path, name);
  return number(group, name);
}

Simulation our_simulation(hid_t group, const std::string& path) {
  constexpr auto where = "/provenance/simulation";
  Simulation s;
  const auto box = h5::numbers_attribute(group, "box");
  if (box && box->size() == 3) std::ranges::copy(*box, s.box.begin());
  s.scale_factor = stated(group, "scale_factor", path, where);
  s.omega_m = stated(group, "omega_m", path, where);
  s.omega_l = stated_or_unknown(group, "omega_l", path);
  s.h = stated(group, "h", path, where);
  s.omega_b = stated_or_unknown(group, "omega_b", path);
  s.sigma_8 = stated_or_unknown(group, "sigma_8", path);
  s.n_s = stated_or_unknown(group, "n_s", path);
  s.particle_mass = stated_or_unknown(group, "particle_mass", path);
  s.mass_definition = h5::text_attribute(group, "mass_definition").value_or("");
  return s;
}

// Files of other writers say it in the OpenCosmo header only.
Simulation opencosmo_simulation(hid_t file, const std::string& path) {
  Simulation s;
  const auto about = h5::open_group(file, "/header/file");
  const auto from = h5::numbers_attribute(about, "region_p1"), to = h5::numbers_attribute(about, "region_p2");
  for (const auto& ends : {from, to})
    if (ends && !std::ranges::all_of(*ends, [](double x) { return std::isfinite(x); }))
      throw data_error("{}: region_p1 and region_p2 in /header/file hold numbers that are not finite; write the corners of the box", path);
  if (from && to && from->size() == 3 && to->size() == 3)
    for (std::size_t axis = 0; axis < 3; ++axis) s.box[axis] = (*to)[axis] - (*from)[axis];
  s.scale_factor = 1 / (1 + stated(about, "redshift", path));
  if (!h5::exists(file, "/header/simulation/cosmology")) return s;
  const auto cosmology = h5::open_group(file, "/header/simulation/cosmology");
  s.omega_m = stated(cosmology, "omega_m", path);
  s.omega_l = stated(cosmology, "omega_l", path);
  s.h = stated(cosmology, "h", path);
  s.omega_b = stated(cosmology, "omega_b", path);
  s.sigma_8 = stated(cosmology, "sigma_8", path);
  return s;
}

// OpenCosmo's readers and ours must see the same simulation; what only its header says is taken from there.
void join_headers(const std::string& path, Simulation& ours, const Simulation& theirs) {
  const auto join = [&](const char* name, double& a, double b, double allowed) {
    if (std::abs(a - b) > allowed)  // false where one is unknown
      throw data_error("{}: {} is {:g} in /provenance/simulation, {:g} in /header; write the file again", path, name, a, b);
    if (std::isnan(a)) a = b;
  };
  constexpr double rounding = 1e-6, flatness = 2e-3;  // a flat omega_l is written as exactly 1 - omega_m
  join("the scale factor", ours.scale_factor, theirs.scale_factor, rounding);
  join("omega_m", ours.omega_m, theirs.omega_m, rounding);
  join("omega_l", ours.omega_l, theirs.omega_l, flatness);
  join("h", ours.h, theirs.h, rounding);
  join("omega_b", ours.omega_b, theirs.omega_b, rounding);
  join("sigma_8", ours.sigma_8, theirs.sigma_8, rounding);
  for (std::size_t k = 0; k < 3; ++k)
    if (theirs.box[k] > 0) join("a side of the box", ours.box[k], theirs.box[k], rounding * ours.box[k]);  // a light cone has none
}

bool is_light_cone(hid_t file) {
  const auto cone = h5::numbers_attribute(h5::open_group(file, "/header/file"), "is_lightcone");
  return cone && std::ranges::any_of(*cone, [](double x) { return x != 0; });
}

void check_snapshot(hid_t file, const std::string& path) {
  if (is_light_cone(file)) throw data_error("{}: is a light cone (/header/file: is_lightcone); give a snapshot of a periodic box", path);
}

void check_convention(hid_t file, const std::string& path) {
  const auto about = h5::open_group(file, "/header/file");
  const auto convention = h5::text_attribute(about, "unit_convention").value_or("scalefree");
  if (convention != "scalefree" && convention != "comoving")
    throw data_error("{}: its units are '{}' (/header/file: unit_convention); write it in scalefree or comoving ones", path,
                     printable(convention));
}

MockHeader read_header_of(hid_t file, const std::string& path) {
  MockHeader header;
  check_convention(file, path);
  const bool ours = h5::exists(file, "/provenance/simulation");
  if (!ours) check_snapshot(file, path);
  if (const auto range = ours && is_light_cone(file) ? h5::numbers_attribute(h5::open_group(file, "/header/lightcone"), "z_range") : std::nullopt;
      range && range->size() == 2)
    header.cone = LightCone{{(*range)[0], (*range)[1]}};
  header.simulation =
      ours ? our_simulation(h5::open_group(file, "/provenance/simulation"), path) : opencosmo_simulation(file, path);
  auto& s = header.simulation;
  if (ours) join_headers(path, s, opencosmo_simulation(file, path));
  const auto positive = [](double x) { return x > 0 && std::isfinite(x); };
  if (!std::ranges::all_of(s.box, positive))
    throw data_error(
        "{}: no box (/header/file has no attributes region_p1 and region_p2 of three numbers); add them",
        path);
  if (!(positive(s.scale_factor) && positive(s.omega_m) && positive(s.h)))
    throw data_error(
        "{}: no cosmology (/header/file: redshift; /header/simulation/cosmology: omega_m, omega_l, h); add "
        "it",
        path);
  if (!h5::exists(file, "/provenance")) return header;
  const auto provenance = h5::open_group(file, "/provenance");
  if (ours && number(provenance, "complete") != 1)
    throw data_error("{}: is damaged: it was not written to its end (no mark /provenance complete = 1); make it again",
                     path);
  for (const auto& name : h5::attributes(provenance))
    if (const auto text = h5::text_attribute(provenance, name)) header.provenance.emplace_back(name, *text);
  return header;
}

// OpenCosmo says it in `unit`, GCRCatalogs in `units`; ours have both.
std::string unit_of(hid_t dataset, const std::string& name) {
  const auto units = h5::text_attribute(dataset, "units"), unit = h5::text_attribute(dataset, "unit");
  for (const auto& [key, text] : {std::pair("units", units), std::pair("unit", unit)})
    if (text ? *text != printable(*text) : h5::has_attribute(dataset, key))
      throw data_error("{}: column '{}': its attribute {} is no text that can be printed; write a unit, or '' for none", h5::file_of(dataset),
                       name, key);
  if (!units || !unit) return our_unit(units ? *units : unit.value_or(""));
  const auto a = our_unit(*units), b = our_unit(*unit);
  if (a != b && *unit != opencosmo_unit(*units) && *unit != opencosmo_unit(a) && opencosmo_unit(b) != opencosmo_unit(a))
    throw data_error("{}: column '{}': its unit is '{}' by the attribute units, '{}' by unit; mend one", h5::file_of(dataset),
                     name, *units, *unit);
  return a;
}

ColumnSpec spec_of(hid_t dataset, const std::string& name) {
  return {name, unit_of(dataset, name), h5::text_attribute(dataset, "description").value_or("")};
}

void check_kind(const std::string& path, const std::string& data_type) {
  const auto found = data_type_of(path);
  if (found.empty())
    throw data_error("{}: no {} (no /data with a /header/file that says data_type = '{}'); give another file",
                     path, kind_of_type(data_type), data_type);
  if (found != data_type)
    throw data_error("{}: holds '{}', a {} ('{}') is needed; give another file", path, printable(found),
                     kind_of_type(data_type), data_type);
}

void require_column(const std::string& path, hid_t data, const std::string& name) {
  if (!h5::exists(data, name))
    throw data_error("{}: no column '{}'{}; add it", path, name, nearest_hint(name, h5::members(data)));
}

ColumnData values_of(const h5::Column& column, ReadAs as, std::uint64_t first, std::uint64_t rows) {
  if (as == ReadAs::integers) return column.integers(first, rows);
  if (as == ReadAs::booleans) return column.booleans(first, rows);
  if (as == ReadAs::numbers) return column.reals(first, rows);
  return column.read(first, rows);
}

// Without the second names that are for OpenCosmo: of positions, and of a light cone's redshifts.
std::vector<std::string> columns_in(hid_t data) {
  const auto all = h5::members(data);
  auto names = all;
  std::erase_if(names, [&](const std::string& name) {
    if (!name.starts_with(opencosmo_position) && name != "redshift") return false;
    const auto first = name == "redshift" ? "redshift_true" : name.substr(opencosmo_position.size());
    return std::ranges::count(all, first) > 0 && h5::same_object(data, name, first);
  });
  return names;
}

void add_column(Table& table, hid_t data, const std::string& name, ReadAs as, std::uint64_t first, std::uint64_t rows) {
  const h5::Column column(data, name);
  std::visit([&](auto&& values) { table.add(spec_of(column.id(), name), std::move(values)); },
             values_of(column, as, first, rows));
}

std::uint64_t common_rows(const std::string& path, hid_t data, const std::vector<std::string>& names) {
  std::uint64_t rows = 0;
  for (const auto& name : names) {
    const auto here = h5::Column(data, name).rows();
    if (&name == &names.front()) rows = here;
    if (here != rows)
      throw data_error("{}: column '{}' has {} rows, column '{}' has {}; make them equal", path, name, here,
                       names.front(), rows);
  }
  return rows;
}

}  // namespace

bool is_integer_column(const std::string& name) {
  static const std::vector<std::string> of_galaxies = {"galaxy_id", "halo_id", "host_halo_id"};
  return std::ranges::count(of_galaxies, name) > 0 || std::ranges::any_of(halo_schema(), [&](const auto& column) {
           return column.integer && column.spec.name == name;
         });
}

void convert_unit(const std::string& where, Column& column, const std::string& wanted, const Simulation& simulation) {
  const double factor = unit_factor(where, column.spec.unit, wanted, {simulation.h, simulation.scale_factor});
  column.spec.unit = wanted;
  if (factor == 1) return;
  column.data = std::visit(
      [&](const auto& values) {
        std::vector<double> converted(values.begin(), values.end());
        for (auto& value : converted) value *= factor;
        return ColumnData(std::move(converted));
      },
      column.data);
}

std::string unit_of_numbers(const ColumnSpec& ours) {
  return ours.name == "specific_spin" ? "(Mpc/h) (km/s)" : ours.unit;
}

void check_pure_number(const std::string& where, const HaloColumn& ours, const std::string& unit) {
  const bool in_any_unit = ours.spec.name.size() == 2 && ours.spec.name[0] == 'j';
  if (ours.integer || ours.boolean || in_any_unit || !unit_of_numbers(ours.spec).empty() || !is_unit(unit)) return;
  if (unit_factor(where, unit, "", {}) != 1)
    throw data_error("{}: unit '{}': a pure number is needed; convert the numbers", where, printable(unit));
}

TableFile::TableFile(const std::string& path, const std::string& data_type, const std::vector<std::string>& columns,
                     const std::vector<std::string>& required, ReadAsOf read_as, const mpi::Communicator& comm)
    : read_as_(read_as) {
  mpi::agree(comm, [&] {
    if (comm.root()) check_kind(path, data_type);
  });
  mpi::agree(comm, [&] { open(path, columns, required); });
}

TableFile::TableFile(const std::string& path, const std::string& data_type, const std::vector<std::string>& columns,
                     const std::vector<std::string>& required, ReadAsOf read_as)
    : read_as_(read_as) {
  check_kind(path, data_type);
  open(path, columns, required);
}

void TableFile::open(const std::string& path, const std::vector<std::string>& columns,
                     const std::vector<std::string>& required) {
  file_ = h5::File::open(path);
  check_snapshot(file_->id(), path);
  header_ = read_header_of(file_->id(), path);
  data_ = h5::open_group(file_->id(), "/data");
  for (const auto& name : required) require_column(path, data_, name);
  for (const auto& name : columns) require_column(path, data_, name);
  names_ = columns.empty() ? columns_in(data_) : columns;
  rows_ = common_rows(path, data_, names_);
}

Table TableFile::read(std::uint64_t first, std::uint64_t count) const {
  Table rows;
  for (const auto& name : names_) add_column(rows, data_, name, read_as_(name), first, count);
  return rows;
}

Table TableFile::read(std::uint64_t first, std::uint64_t count, const mpi::Communicator& comm) const {
  Table rows;
  for (const auto& name : names_)
    mpi::agree(comm, [&] { add_column(rows, data_, name, read_as_(name), first, count); });
  return rows;
}

Table read_columns(const std::string& path, const std::vector<std::string>& names, ReadAsOf read_as) {
  const auto file = h5::File::open(path);
  const auto data = h5::open_group(file.id(), "/data");
  const auto rows = common_rows(path, data, names);
  Table table;
  for (const auto& name : names) add_column(table, data, name, read_as(name), 0, rows);
  return table;
}

MockSummary summarise_table_file(const std::string& path, const std::string& data_type) {
  check_kind(path, data_type);
  const auto file = h5::File::open(path);
  MockSummary summary;
  summary.header = read_header_of(file.id(), path);
  const auto data = h5::open_group(file.id(), "/data");
  const auto names = columns_in(data);
  for (const auto& name : names) summary.columns.push_back(spec_of(h5::Column(data, name).id(), name));
  summary.rows = common_rows(path, data, names);
  return summary;
}

std::string data_type_of(const std::string& path) {
  const auto file = h5::File::open(path);
  if (!h5::exists(file.id(), "/header/file") || !h5::exists(file.id(), "/data")) return "";
  return h5::text_attribute(h5::open_group(file.id(), "/header/file"), "data_type").value_or("");
}

Simulation simulation_of_header(hid_t file, const std::string& path) {
  check_snapshot(file, path);
  check_convention(file, path);
  return opencosmo_simulation(file, path);
}

std::string unit_of_column(hid_t dataset, const std::string& name) {
  return unit_of(dataset, name);
}

}  // namespace halobrush::catalog
