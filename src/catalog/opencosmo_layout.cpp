// OpenCosmo's layout of galaxies and of halos; galaxies also under the names that GCRCatalogs looks for.
#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <map>
#include <memory>
#include <numeric>
#include <span>

#include "h5.hpp"
#include "halobrush/catalog/units.hpp"
#include "halobrush/core/error.hpp"
#include "halobrush/core/text.hpp"
#include "layout.hpp"
#include "table_file.hpp"

namespace halobrush::catalog {
namespace {

constexpr double neutrino_species = 3.046;  // OpenCosmo wants a number; ours are all massless

// ---- what stands beside the rows ----

void write_simulation(hid_t provenance, const Simulation& s) {
  const auto group = h5::create_group(provenance, "simulation");
  h5::write_attribute(group, "box", std::span<const double>(s.box));
  for (const auto& [name, value] : {std::pair{"scale_factor", s.scale_factor},
                                    {"omega_m", s.omega_m},
                                    {"omega_l", s.omega_l},
                                    {"h", s.h},
                                    {"omega_b", s.omega_b},
                                    {"sigma_8", s.sigma_8},
                                    {"n_s", s.n_s},
                                    {"particle_mass", s.particle_mass}})
    h5::write_attribute(group, name, value);
  if (!s.mass_definition.empty()) h5::write_attribute(group, "mass_definition", s.mass_definition);
}

double redshift_of(const Simulation& s) {
  return 1 / s.scale_factor - 1;
}

// OpenCosmo asks files of origin HACC, and no others, for the side of the box, without which it does not read the index of a
// snapshot, and for more, which halobrush does not know: numbers within the bounds that it checks (docs/formats.md).
void write_hacc_parameters(hid_t simulation, const Simulation& s) {
  const auto parameters = h5::create_group(simulation, "parameters");
  h5::write_attribute(parameters, "box_size", s.box[0]);
  h5::write_attribute(parameters, "z_ini", std::max(redshift_of(s), 0.01));
  h5::write_attribute(parameters, "z_end", std::max(redshift_of(s), 0.));
  h5::write_attribute(parameters, "n_steps", std::int64_t{1});
  for (const char* name : {"pm_grid", "n_gravity"}) h5::write_attribute(parameters, name, std::int64_t{2});
  const auto cosmotools = h5::create_group(simulation, "cosmotools");
  h5::write_array(cosmotools, "cosmotools_steps", std::array<std::int64_t, 1>{0});
  for (const char* name : {"fof_linking_length", "sod_delta_crit"}) h5::write_attribute(cosmotools, name, 1.);
  for (const char* name : {"fof_pmin", "sod_pmin", "sod_concentration_pmin", "sodbighaloparticles_pmin", "profiles_nbins"})
    h5::write_attribute(cosmotools, name, std::int64_t{1});
}

// How cells of a level lie in those of the level above, and how many there are at the top.
struct Levels {
  std::size_t top, parts;
  int deepest(std::size_t cells) const {
    int level = 0;
    for (auto count = top; count < cells; count *= parts) ++level;
    return level;
  }
};
constexpr Levels octree{1, 8}, sky_pixels{12, 4};

// Of the cells of every level: the first row, and how many rows.
void write_index(hid_t file, const std::vector<std::uint64_t>& rows_of_cell, const Levels& levels) {
  const auto index = h5::create_group(file, "index");
  std::vector<std::int64_t> sizes(rows_of_cell.begin(), rows_of_cell.end());
  for (int level = levels.deepest(sizes.size()); level >= 0; --level) {
    std::vector<std::int64_t> starts(sizes.size());
    std::exclusive_scan(sizes.begin(), sizes.end(), starts.begin(), std::int64_t{0});
    const auto group = h5::create_group(index, fmt::format("level_{}", level));
    h5::write_compressed_array(group, "start", starts);
    h5::write_compressed_array(group, "size", sizes);
    for (std::size_t cell = 0; cell < sizes.size() / levels.parts; ++cell) {
      const auto parts = std::span(sizes).subspan(levels.parts * cell, levels.parts);
      sizes[cell] = std::accumulate(parts.begin(), parts.end(), std::int64_t{0});
    }
    sizes.resize(sizes.size() / levels.parts);
  }
}

void write_opencosmo_header(hid_t file, const std::string& data_type, const MockHeader& mock) {
  const auto& s = mock.simulation;
  const bool cone = mock.cone.has_value(), box_with_index = !cone && !mock.rows_of_cell.empty();
  const auto header = h5::create_group(file, "header");
  const auto about = h5::create_group(header, "file");
  h5::write_attribute(about, "origin", std::string(box_with_index ? "HACC" : "halobrush"));
  h5::write_attribute(about, "data_type", data_type);
  h5::write_attribute(about, "is_lightcone", cone);
  h5::write_attribute(about, "redshift", redshift_of(s));
  h5::write_attribute(about, "unit_convention", std::string("scalefree"));
  if (cone) {
    h5::write_attribute(about, "step", mock.cone->step);  // OpenCosmo writes no light cone without
    h5::write_attribute(h5::create_group(header, "lightcone"), "z_range", std::span<const double>(mock.cone->redshifts));
  } else {
    h5::write_attribute(about, "region_p1", std::array{0., 0., 0.});
    h5::write_attribute(about, "region_p2", std::span<const double>(s.box));
  }

  const auto simulation = h5::create_group(header, "simulation");
  if (box_with_index) write_hacc_parameters(simulation, s);
  const auto cosmology = h5::create_group(simulation, "cosmology");
  // A flat cosmology is recognised by an exact sum in floating point.
  const bool flat = std::abs(s.omega_m + s.omega_l - 1) < 1e-3;
  for (const auto& [name, value] : {std::pair{"h", s.h},
                                    {"omega_m", s.omega_m},
                                    {"omega_b", s.omega_b},
                                    {"omega_l", flat ? 1.0 - s.omega_m : s.omega_l},
                                    {"n_eff_massless", neutrino_species},
                                    {"sigma_8", s.sigma_8},
                                    {"w_0", -1.0},
                                    {"w_a", 0.0}})
    if (!std::isnan(value)) h5::write_attribute(cosmology, name, value);
}

// What GCRCatalogs compares with its YAML file.
void write_gcr_metadata(hid_t file, const MockHeader& mock) {
  const auto& s = mock.simulation;
  const auto group = h5::create_group(file, "metaData");
  for (const auto& [name, value] :
       {std::pair{"versionMajor", 1}, {"versionMinor", 0}, {"versionMinorMinor", 0}})
    h5::write_scalar(group, name, std::int64_t{value});
  h5::write_scalar(group, "H_0", 100 * s.h);
  h5::write_scalar(group, "Omega_matter", s.omega_m);
  if (!std::isnan(s.omega_b)) h5::write_scalar(group, "Omega_b", s.omega_b);
  if (mock.cone) return h5::write_scalar(group, "skyArea", mock.cone->area);
  if (s.box[0] == s.box[1] && s.box[0] == s.box[2]) h5::write_scalar(group, "box_size", s.box[0]);
  h5::write_scalar(group, "redshift", redshift_of(s));
}

// Where GCRCatalogs looks for columns: its readers of snapshots, and of light cones (DiffSkyGalaxyCatalog).
const char* gcr_group(bool cone) {
  return cone ? "0" : "galaxyProperties";
}

// Columns that only GCRCatalogs' readers ask for, under their own names; others need not see them twice.
bool is_for_gcr_only(const std::string& name) {
  static const std::array<std::string, 5> names = {"upid", "target_halo_id", "target_halo_mass", "obs_sm", "source_galaxy_upid"};
  return std::ranges::find(names, name) != names.end();
}

// What its reader of light cones calls our columns, and what TXPipe does. It lists each column once, so none has two names in its group.
std::string gcr_name(const std::string& name, bool cone) {
  static const std::map<std::string, std::string> names = {{"redshift_obs", "redshift"},       {"redshift_true", "redshiftHubble"},
                                                           {"halo_id", "target_halo_id"},      {"halo_mass", "target_halo_mass"},
                                                           {"log_stellar_mass", "logsm_obs"},  {"ellipticity_1", "ellipticity_1_true"},
                                                           {"ellipticity_2", "ellipticity_2_true"}};
  const auto theirs = names.find(name);
  return cone && theirs != names.end() ? theirs->second : name;
}

// Returns its place in the file.
std::uint64_t create_column(hid_t group, const Column& column, std::uint64_t rows) {
  const auto dataset = h5::create_column(group, column.spec.name, column.data, rows);
  h5::write_attribute(dataset, "unit", opencosmo_unit(column.spec.unit));
  h5::write_attribute(dataset, "units", column.spec.unit);
  h5::write_attribute(dataset, "description", column.spec.description);
  return h5::place_of(dataset);
}

// GCRCatalogs' group has a second name of every column, and some that are in no other.
std::vector<std::uint64_t> create_columns(hid_t file, bool for_gcr, bool cone, const Table& columns, std::uint64_t rows) {
  const auto data = h5::create_group(file, "data");
  const auto gcr = for_gcr ? h5::create_group(file, gcr_group(cone)) : h5::Handle();
  std::vector<std::uint64_t> places;
  for (const auto& column : columns.columns()) {
    const auto& name = column.spec.name;
    const bool hidden = for_gcr && is_for_gcr_only(name);
    places.push_back(create_column(hidden ? gcr : data, column, rows));
    if (for_gcr && !hidden) h5::link_hard(data, name, gcr, gcr_name(name, cone));
  }
  return places;
}

// Its queries in boxes look for positions under these names; no value is written twice.
void name_positions_for_opencosmo(hid_t data) {
  for (const char* axis : {"x", "y", "z"}) h5::link_hard(data, axis, data, std::string(opencosmo_position) + axis);
}

// ---- what the file can hold ----

void check_text(const ColumnSpec& spec, const char* what, const std::string& text) {
  if (text != printable(text))
    throw data_error("column '{}': its {} '{}' is no text that can be printed, and readers refuse it; mend it where the "
                     "column comes from",
                     printable(spec.name), what, printable(text));
}

// A slash leads into a group.
void check_name(const std::string& name) {
  if (name.empty() || name == "." || name.find('/') != name.npos)
    throw data_error("column '{}': HDF5 has no dataset of that name (it is empty, a dot or has a slash); rename it where "
                     "it comes from",
                     printable(name));
}

class OpenCosmoLayout : public Layout {
 public:
  explicit OpenCosmoLayout(std::string data_type) : data_type_(std::move(data_type)) {}

  std::vector<std::string> check(const Table& columns) const override {
    std::vector<std::string> remarks;
    for (const auto& [spec, unused] : columns.columns()) {
      check_text(spec, "name", spec.name);
      check_text(spec, "unit", spec.unit);
      check_name(spec.name);
      if (!spec.unit.empty() && opencosmo_unit(spec.unit).empty())
        remarks.push_back(fmt::format("column '{}': its unit '{}' is not known here: readers are told it in the attribute "
                                      "units, and OpenCosmo takes it for a number without a unit",
                                      spec.name, spec.unit));
    }
    return remarks;
  }

  // The rows and, generously, what describes them.
  std::uint64_t bytes(const MockHeader& header, const Table& columns, std::uint64_t rows,
                      std::uint64_t alignment) const override {
    constexpr std::uint64_t fixed = 64 << 10, each_column = 4 << 10, each_text = 1 << 10;
    auto bytes = fixed + columns.columns().size() * (each_column + alignment);
    bytes += rows * static_cast<std::uint64_t>(bytes_per_row(columns));
    bytes += 3 * sizeof(std::int64_t) * header.rows_of_cell.size();  // two numbers a cell; all levels have 8/7 of the deepest one's
    for (const auto& [name, text] : header.provenance) bytes += each_text + name.size() + text.size();
    return bytes;
  }

  std::vector<std::uint64_t> create(const std::string& path, const MockHeader& header, const Table& columns,
                                    std::uint64_t rows, std::uint64_t alignment) const override {
    auto file = h5::File::create(path, alignment);
    const bool indexed = !header.rows_of_cell.empty(), cone = header.cone.has_value();
    write_opencosmo_header(file.id(), data_type_, header);
    write_gcr_metadata(file.id(), header);
    {
      const auto provenance = h5::create_group(file.id(), "provenance");
      for (const auto& [name, text] : header.provenance) h5::write_attribute(provenance, name, text);
      write_simulation(provenance, header.simulation);
    }
    auto places = create_columns(file.id(), data_type_ == galaxy_data_type, cone, columns, rows);
    const auto data = h5::open_group(file.id(), "/data");
    if (indexed) write_index(file.id(), header.rows_of_cell, cone ? sky_pixels : octree);
    if (cone)
      h5::link_hard(data, "redshift_true", data, "redshift");  // its queries look for that name
    else if (indexed)
      name_positions_for_opencosmo(data);
    file.close();
    return places;
  }

  void finish(const std::string& path) const override {
    auto file = h5::File::open_to_change(path);
    h5::write_attribute(h5::open_group(file.id(), "/provenance"), "complete", std::int64_t{1});
    file.close();
  }

 private:
  std::string data_type_;
};

}  // namespace

std::unique_ptr<Layout> opencosmo_galaxies() {
  return std::make_unique<OpenCosmoLayout>(galaxy_data_type);
}

std::unique_ptr<Layout> opencosmo_halos() {
  return std::make_unique<OpenCosmoLayout>(halo_data_type);
}

}  // namespace halobrush::catalog
