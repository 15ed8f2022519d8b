#include "opencosmo_halos.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

#include "checks.hpp"
#include "h5.hpp"
#include "hacc_columns.hpp"
#include "halobrush/catalog/units.hpp"
#include "halobrush/core/error.hpp"
#include "halobrush/core/text.hpp"
#include "table_file.hpp"

namespace halobrush::catalog {
namespace {

constexpr auto simulation_group = "/header/simulation/parameters", finder_group = "/header/simulation/cosmotools",
               cosmology_group = "/header/simulation/cosmology";

constexpr double not_measured = -101;  // in any unit

bool contains(const std::string& text, const char* part) {
  return text.find(part) != std::string::npos;
}

bool counts_or_names(const std::string& hacc_column) {
  return hacc_column.ends_with("_tag") || hacc_column.ends_with("_count");
}

// The unit in which HaccColumns takes a column; of velocities and angular momenta comoving ones.
const char* unit_of_hacc(const std::string& column) {
  if (contains(column, "angmom")) return "(Msun/h) (Mpc/h) (km/s)";
  if (contains(column, "_v")) return "km/s";
  return column.ends_with("_mass") ? "Msun/h" : "Mpc/h";
}

double factor_of(const std::string& path, const std::string& column, const std::string& unit, const Simulation& simulation) {
  const auto where = fmt::format("{}: column '{}'", path, column);
  const bool moving = contains(unit_of_hacc(column), "km/s");
  for (const char* word : {"physical", "proper", "peculiar"})
    if (moving && contains(unit, word))
      throw data_error("{}: unit '{}': HACC has comoving velocities; write it as '{}', or convert the numbers", where, printable(unit),
                       unit_of_hacc(column));
  return unit_factor(where, unit, unit_of_hacc(column), {simulation.h, simulation.scale_factor});
}

std::optional<double> number_in_group(const h5::File& file, const char* group, const char* name) {
  if (!h5::exists(file.id(), group)) return std::nullopt;
  const auto values = h5::numbers_attribute(h5::open_group(file.id(), group), name);
  return values && values->size() == 1 ? std::optional(values->front()) : std::nullopt;
}

Simulation simulation_of_file(const h5::File& file, const std::string& path) {
  auto simulation = simulation_of_header(file.id(), path);
  if (const auto side = number_in_group(file, simulation_group, "box_size")) simulation.box.fill(*side);
  if (const auto n_s = number_in_group(file, cosmology_group, "n_s")) simulation.n_s = *n_s;
  const auto positive = [](double x) { return x > 0 && std::isfinite(x); };
  if (!std::ranges::all_of(simulation.box, positive))
    throw data_error("{}: no box ({}: box_size is no positive number); add it", path, simulation_group);
  if (!positive(simulation.scale_factor))
    throw data_error("{}: no redshift (/header/file: redshift); add it", path);
  if (!positive(simulation.omega_m) || !positive(simulation.h) || !std::isfinite(simulation.omega_l))
    throw data_error("{}: no cosmology ({}: omega_m, omega_l, h); add it", path, cosmology_group);
  return simulation;
}

void check_overdensity(const h5::File& file, const std::string& path) {
  if (const auto density = number_in_group(file, finder_group, "sod_delta_crit"); density && *density != 200)
    throw data_error("{}: its spherical overdensities are of {:g} times the critical density ({}: sod_delta_crit), 200 are needed; "
                     "without the columns sod_halo_mass and sod_halo_radius the masses of the groups are taken",
                     path, *density, finder_group);
}

// An open file: what is read of it, and by which numbers that is multiplied.
struct OpenedFile {
  OpenedFile(std::size_t number, const std::string& at)
      : index(number), path(at), file(h5::File::open(at)), data(h5::open_group(file.id(), "/data")),
        simulation(simulation_of_file(file, at)), columns(at, h5::members(data)) {
    simulation.mass_definition = columns.mass_definition();
    if (simulation.mass_definition == "200c") check_overdensity(file, at);
    for (const auto& name : columns.needed()) add(name);
  }

  void add(const std::string& name) {
    const h5::Column column(data, name);
    const auto here = column.rows();
    if (units.empty()) rows = here;
    if (here != rows)
      throw data_error("{}: column '{}' has {} rows, column '{}' has {}; make them equal", path, name, here, columns.needed().front(), rows);
    units.push_back(counts_or_names(name) ? "" : unit_of_column(column.id(), name));
    factors.push_back(counts_or_names(name) ? 1 : factor_of(path, name, units.back(), simulation));
  }

  std::size_t index;
  std::string path;
  h5::File file;
  h5::Handle data;
  Simulation simulation;
  HaccColumns columns;
  std::vector<std::string> units;  // as they are written, and the factors, of each needed column
  std::vector<double> factors;
  std::uint64_t rows = 0;
};

ColumnData scaled_numbers(const h5::Column& column, double factor, std::uint64_t first, std::uint64_t rows) {
  auto values = column.read(first, rows);
  const bool single = std::holds_alternative<std::vector<float>>(values);
  if (single && factor == 1) return values;
  auto wide = single ? std::vector<double>(std::get<std::vector<float>>(values).begin(), std::get<std::vector<float>>(values).end())
                     : column.reals(first, rows);
  for (auto& value : wide)
    if (value != not_measured) value *= factor;
  return wide;
}

class OpenCosmoHalos : public HaloFiles {
 public:
  explicit OpenCosmoHalos(const std::vector<std::string>& paths) : paths_(paths) {
    const auto& first = open(0);
    simulation_ = first.simulation;
    remarks_ = first.columns.remarks(simulation_);
    units_ = first.columns.sources();
    const auto& names = first.columns.needed();
    for (std::size_t i = 0; i < names.size(); ++i)
      if (first.factors[i] != 1) units_.push_back(fmt::format("{}: '{}' in the file, times {:g}", names[i], first.units[i], first.factors[i]));
    none_ = read(0, 0, 0);
  }

  FileFacts look_at(std::size_t file) override {
    const auto& here = open(file);
    require_same(here.path, here.simulation, paths_.front(), simulation_);
    const auto columns = read(file, 0, 0);
    const auto same = [](const Column& a, const Column& b) { return a.spec == b.spec && a.data.index() == b.data.index(); };
    if (!std::ranges::equal(columns.columns(), none_.columns(), same))
      throw data_error("{}: has other columns, or others of single precision, than {} (files of two catalogs); give the files of one", here.path,
                       paths_.front());
    return {here.rows};
  }

  Table read(std::size_t file, std::uint64_t first, std::uint64_t rows) override {
    const auto& from = open(file);
    const auto& names = from.columns.needed();
    std::vector<ColumnData> numbers_read;
    for (std::size_t i = 0; i < names.size(); ++i) {
      const h5::Column column(from.data, names[i]);
      if (counts_or_names(names[i]))
        numbers_read.emplace_back(column.integers(first, rows));
      else
        numbers_read.push_back(scaled_numbers(column, from.factors[i], first, rows));
    }
    return from.columns.halos(numbers_read, first, from.simulation, counts_);
  }

  std::vector<std::string> remarks_on_rows(const Sum& sum_over_ranks) const override {
    return HaccColumns::remarks(HaccCounts{sum_over_ranks(counts_.rows), sum_over_ranks(counts_.without_sod), sum_over_ranks(counts_.fragments),
                                           sum_over_ranks(counts_.shapeless)});
  }

 private:
  const OpenedFile& open(std::size_t file) {
    if (!opened_ || opened_->index != file) {
      opened_.reset();
      opened_.emplace(file, paths_[file]);
    }
    return *opened_;
  }

  std::vector<std::string> paths_;
  std::optional<OpenedFile> opened_;
  Table none_;
  HaccCounts counts_;
};

}  // namespace

bool has_hacc_columns(const std::string& path) {
  const auto file = h5::File::open(path);
  if (!h5::exists(file.id(), "/data")) return false;
  const auto names = h5::members(h5::open_group(file.id(), "/data"));
  if (std::ranges::count(names, "fof_halo_tag") > 0) return true;
  const auto origin = h5::text_attribute(h5::open_group(file.id(), "/header/file"), "origin").value_or("");
  return origin == "HACC" && std::ranges::count(names, "id") == 0;
}

std::unique_ptr<HaloFiles> open_opencosmo(const std::vector<std::string>& files) {
  return std::make_unique<OpenCosmoHalos>(files);
}

}  // namespace halobrush::catalog
