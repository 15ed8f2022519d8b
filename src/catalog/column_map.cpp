#include "column_map.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <limits>
#include <optional>
#include <regex>
#include <utility>

#include "checks.hpp"
#include "complete_simulation.hpp"
#include "h5.hpp"
#include "halobrush/catalog/units.hpp"
#include "halobrush/core/error.hpp"
#include "halobrush/core/text.hpp"
#include "table_file.hpp"

namespace halobrush::catalog {

// Types of an internal class: not in the unnamed namespace, where g++ warns of them when sources are compiled together.
namespace column_map {

// One entry of input.columns.
struct Entry {
  const HaloColumn* ours = nullptr;
  std::string dataset, unit;  ///< the unit as it was given; empty: the file may say
  std::optional<std::uint64_t> component;
};

// An open file: its dataset of each entry.
struct OpenedFile {
  OpenedFile(std::size_t number, const std::string& at, const std::vector<Entry>& entries, const Simulation& simulation);
  void add(const Entry& entry, const Simulation& simulation);

  std::size_t index;
  std::string path;
  h5::File file;
  std::vector<h5::Column> columns;
  std::vector<std::string> units, contradictions;
  std::vector<double> factors;
  std::string first_dataset;
  std::uint64_t rows = 0;
};

}  // namespace column_map

namespace {

using column_map::Entry, column_map::OpenedFile;

const HaloColumn& declared_column(const std::string& name) {
  const auto& schema = halo_schema();
  const auto found = std::ranges::find(schema, name, [](const auto& column) { return column.spec.name; });
  if (found != schema.end()) return *found;
  std::vector<std::string> names;
  for (const auto& column : schema) names.push_back(column.spec.name);
  throw config_error("input.columns.{}: halos have no such column{}; docs/formats.md lists them", printable(name), nearest_hint(name, names));
}

Entry parse_entry(const std::string& name, const std::string& text) {
  static const std::regex pattern(R"re(\s*(?:"([^"]+)"|([^\[\]\s"]+))\s*(?:\[(\d{1,4})\])?(?:\s+in\s+(\S.*?))?\s*)re");
  std::smatch found;
  if (!std::regex_match(text, found, pattern))
    throw config_error("input.columns.{}: '{}' is not understood; write DATASET, DATASET[k], or one of them followed by: in UNIT; "
                       "a name with blanks or brackets goes between double quotes", name, printable(text));
  Entry entry{&declared_column(name), found[1].str() + found[2].str(), found[4].str(), std::nullopt};
  if (found[3].matched) entry.component = std::stoull(found[3].str());
  if (!entry.unit.empty() && unit_of_numbers(entry.ours->spec).empty())
    throw config_error("input.columns.{}: '{}': this column has no unit; leave 'in {}' out", name, printable(text), printable(entry.unit));
  if (entry.component && (entry.ours->integer || entry.ours->boolean))
    throw config_error("input.columns.{}: '{}': numbers that count or name are read as they are; name a dataset without [k]", name, printable(text));
  return entry;
}

bool names_all_or_none(const std::map<std::string, std::string>& map, const std::array<const char*, 3>& names) {
  const auto count = std::ranges::count_if(names, [&](const char* name) { return map.contains(name); });
  return count == 0 || count == 3;
}

std::vector<Entry> entries_of(const std::map<std::string, std::string>& map) {
  std::vector<std::string> absent;
  for (const auto& column : halo_schema())
    if (column.required && column.spec.name != "parent_id" && !map.contains(column.spec.name)) absent.push_back(column.spec.name);
  if (!absent.empty()) throw config_error("input.columns: does not name {}, which every catalog needs; add them", fmt::join(absent, ", "));
  for (const auto& names : {std::array{"jx", "jy", "jz"}, {"axis_x", "axis_y", "axis_z"}})
    if (!names_all_or_none(map, names)) throw config_error("input.columns: names some of {}; name all three, or none", fmt::join(names, ", "));
  std::vector<Entry> entries;
  for (const auto& [name, text] : map) entries.push_back(parse_entry(name, text));
  return entries;
}

// What nobody says but the configuration.
Simulation simulation_by_keys(const std::string& path, const ReadOptions& options, std::vector<std::string>& remarks) {
  Simulation said;
  said.box.fill(std::nan(""));
  said.scale_factor = said.omega_m = said.omega_l = said.h = std::nan("");
  said.mass_definition = options.mass_definition;
  return complete_simulation(path, said, options, remarks);
}

ColumnData values_of(const OpenedFile& from, std::size_t k, const Entry& entry, std::uint64_t first, std::uint64_t rows) {
  const auto& column = from.columns[k];
  if (entry.ours->integer) return column.integers(first, rows);
  if (entry.ours->boolean) return column.booleans(first, rows);
  const bool position = entry.ours->spec.name.size() == 1;  // x, y, z are double everywhere
  if (!entry.component && from.factors[k] == 1 && !position)
    if (auto stored = column.read(first, rows); std::holds_alternative<std::vector<float>>(stored)) return stored;
  auto values = entry.component ? column.component(*entry.component, first, rows) : column.reals(first, rows);
  for (auto& value : values) value *= from.factors[k];
  return values;
}

class MappedHalos : public HaloFiles {
 public:
  MappedHalos(const std::vector<std::string>& paths, const ReadOptions& options) : paths_(paths), entries_(entries_of(options.columns)) {
    simulation_ = simulation_by_keys(paths_.front(), options, remarks_);
    const auto& first = open(0);
    for (std::size_t k = 0; k < entries_.size(); ++k) describe(entries_[k], first.units[k], first.factors[k]);
    remarks_.push_back(fmt::format("input.columns: {}", fmt::join(units_, "; ")));
    contradicted_ = first.contradictions.size();
    for (const auto& contradiction : first.contradictions) remarks_.push_back(warning + contradiction);
    if (!assumed_.empty()) remarks_.push_back(fmt::format("input.columns: units that neither the map nor the file says, assumed: {}", fmt::join(assumed_, ", ")));
    if (!options.columns.contains("parent_id")) remarks_.emplace_back("input.columns does not name parent_id: every halo is taken for a host");
    none_ = read(0, 0, 0);
  }

  FileFacts look_at(std::size_t file) override {
    const auto& here = open(file);
    if (here.factors != first_factors_)
      throw data_error("{}: columns have other units than in {}; give files of one catalog", here.path, paths_.front());
    if (here.contradictions.size() != contradicted_)
      throw data_error("{}: says other units than {}, where input.columns gives them; give files of one catalog", here.path, paths_.front());
    const auto columns = read(file, 0, 0);
    for (std::size_t k = 0; k < columns.columns().size(); ++k)
      if (columns.columns()[k].data.index() != none_.columns()[k].data.index())
        throw data_error("{}: '{}' is in single precision in one of this file and {}, and not in the other; give files of one catalog", here.path,
                         columns.columns()[k].spec.name, paths_.front());
    return {here.rows};
  }

  Table read(std::size_t file, std::uint64_t first, std::uint64_t rows) override {
    const auto& from = open(file);
    Table halos;
    halos.resize(rows);
    for (std::size_t k = 0; k < entries_.size(); ++k)
      std::visit([&](auto&& values) { halos.add(entries_[k].ours->spec, std::move(values)); }, values_of(from, k, entries_[k], first, rows));
    add_parents(halos);
    if (halos.has("axis_x")) add_shapes(halos);
    check_halos(halos, simulation_, [&](std::size_t i) { return fmt::format("{}: row {}", from.path, first + i); });
    return halos;
  }

  std::vector<std::string> remarks_on_rows(const Sum& sum) const override {
    const auto shapeless = sum(shapeless_);
    if (shapeless == 0) return {};
    return {fmt::format("{} halos have no shape (an axis that is null or not finite, or c_to_a of 0)", shapeless)};
  }

 private:
  void describe(const Entry& entry, const std::string& unit, double factor) {
    const auto& spec = entry.ours->spec;
    const auto wanted = unit_of_numbers(spec);
    const auto from = entry.component ? fmt::format("{}[{}]", entry.dataset, *entry.component) : entry.dataset;
    units_.push_back(fmt::format("{}: {}{}{}", spec.name, printable(from), unit.empty() ? "" : fmt::format(" in '{}'", printable(unit)),
                                 factor == 1 ? "" : fmt::format(" (times {:g})", factor)));
    if (!wanted.empty() && unit.empty()) assumed_.push_back(fmt::format("{} in {}", spec.name, wanted));
  }

  // A host has no parent: below zero, or itself.
  static void add_parents(Table& halos) {
    if (!halos.has("parent_id")) {
      std::ranges::fill(halos.add<std::int64_t>(spec_of_halo_column("parent_id")), -1);
      return;
    }
    const auto id = std::as_const(halos).get<std::int64_t>("id");
    const auto parent = halos.get<std::int64_t>("parent_id");
    for (std::size_t i = 0; i < halos.rows(); ++i)
      if (parent[i] < 0 || parent[i] == id[i]) parent[i] = -1;
  }

  // Axes of any length become unit ones; those of halos without a shape null.
  void add_shapes(Table& halos) {
    std::array<std::vector<double>, 3> axes;
    std::vector<std::uint8_t> resolved;
    const auto vectors = halos.vectors("axis_");
    const auto stated = halos.has("shape_resolved") ? std::as_const(halos).get<std::uint8_t>("shape_resolved") : std::span<const std::uint8_t>();
    const auto minor = halos.has("c_to_a") ? std::optional(halos.reals("c_to_a")) : std::nullopt;
    for (std::size_t i = 0; i < halos.rows(); ++i) {
      const Vec3 axis = vectors[i];
      const double length = axis.stableNorm();
      const bool measured = (stated.empty() || stated[i] != 0) && (!minor || (*minor)[i] > 0);
      resolved.push_back(measured && length > 0 && std::isfinite(length));
      for (std::size_t k = 0; k < 3; ++k) axes[k].push_back(resolved.back() ? axis[static_cast<Eigen::Index>(k)] / length : 0);
      shapeless_ += !resolved.back();
    }
    if (halos.has("shape_resolved")) halos.remove("shape_resolved");
    for (std::size_t k = 0; k < 3; ++k) {
      const auto name = std::string("axis_") + "xyz"[k];
      halos.remove(name);
      halos.add(spec_of_halo_column(name), std::move(axes[k]));
    }
    halos.add(spec_of_halo_column("shape_resolved"), std::move(resolved));
  }

  const OpenedFile& open(std::size_t file) {
    if (!opened_ || opened_->index != file) {
      opened_.reset();
      opened_.emplace(file, paths_[file], entries_, simulation_);
      if (first_factors_.empty()) first_factors_ = opened_->factors;
    }
    return *opened_;
  }

  std::vector<std::string> paths_;
  std::vector<Entry> entries_;
  std::vector<double> first_factors_;
  std::optional<OpenedFile> opened_;
  std::size_t contradicted_ = 0;      // columns of which the first file says another unit than the map
  std::vector<std::string> assumed_;  // columns whose unit nobody says
  Table none_;  // the columns
  std::uint64_t shapeless_ = 0;
};

// A dataset, or DATASET/FIELD of one of compounds.
h5::Column open_column(hid_t file, const std::string& path, const std::string& where) {
  if (h5::exists(file, path)) return {file, path};
  const auto slash = path.rfind('/');
  if (slash != std::string::npos && slash > 0) {
    const auto dataset = path.substr(0, slash), field = path.substr(slash + 1);
    if (h5::exists(file, dataset) && std::ranges::count(h5::fields_of(file, dataset), field) > 0) return {file, dataset, field};
  }
  constexpr std::size_t most = 10'000;
  throw data_error("{}: the file has no dataset '{}'{}; correct the map, or give the files that have it", where, printable(path), nearest_hint(path, h5::columns_below(file, most)));
}

// Of the unit that the file says against the one taken; one that is not known contradicts nothing.
bool contradicts(const std::string& said, double factor, const std::function<double(const std::string&)>& factor_of) {
  if (!is_unit(said)) return false;
  try {
    return std::abs(factor_of(said) / factor - 1) > 1e-6;
  } catch (const Error&) {
    return true;  // of another dimension
  }
}

}  // namespace

column_map::OpenedFile::OpenedFile(std::size_t number, const std::string& at, const std::vector<Entry>& entries, const Simulation& simulation)
    : index(number), path(at), file(h5::File::open(at)) {
  for (const auto& entry : entries) add(entry, simulation);
}

void column_map::OpenedFile::add(const Entry& entry, const Simulation& simulation) {
  const auto where = fmt::format("{}: input.columns.{}", path, entry.ours->spec.name);
  auto column = open_column(file.id(), entry.dataset, where);
  const auto& shape = column.shape();
  if (entry.component ? shape.size() != 2 || *entry.component >= shape[1] : shape.size() != 1)
    throw data_error("{}: '{}' has the shape ({}); {}", where, printable(entry.dataset), fmt::join(shape, ", "),
                     shape.size() == 2 ? fmt::format("name one of its {} numbers a row as '{}[k]', k from 0", shape[1], printable(entry.dataset))
                     : shape.size() == 1 ? fmt::format("it has one number a row: name it without [{}]", *entry.component) : "name a column of one or several numbers a row");
  if (columns.empty()) rows = shape.front();
  if (shape.front() != rows)
    throw data_error("{}: '{}' has {} rows, '{}' has {}; name columns of the same objects", where, printable(entry.dataset), shape.front(),
                     first_dataset, rows);
  if (columns.empty()) first_dataset = printable(entry.dataset);
  const auto wanted = unit_of_numbers(entry.ours->spec);
  const auto factor_of = [&](const std::string& unit) {
    return wanted.empty() || unit.empty() ? 1 : unit_factor(where, unit, wanted, {simulation.h, simulation.scale_factor});
  };
  const bool may_have_unit = !entry.ours->integer && !entry.ours->boolean;
  auto said = column.is_field() || !may_have_unit ? "" : unit_of_column(column.id(), entry.dataset);
  if (said.empty() && may_have_unit) said = h5::text_attribute(column.id(), "Unit").value_or("");  // as some write it
  check_pure_number(where, *entry.ours, said);
  if (wanted.empty()) said.clear();
  auto unit = entry.unit.empty() ? said : entry.unit;
  factors.push_back(factor_of(unit));
  if (!entry.unit.empty() && !said.empty() && contradicts(said, factors.back(), factor_of))
    contradictions.push_back(fmt::format("{}: '{}' is taken, though the file says '{}'", where, printable(unit), printable(said)));
  units.push_back(std::move(unit));
  columns.push_back(std::move(column));
}

std::unique_ptr<HaloFiles> open_column_map(const std::vector<std::string>& files, const ReadOptions& options) {
  return std::make_unique<MappedHalos>(files, options);
}

}  // namespace halobrush::catalog
