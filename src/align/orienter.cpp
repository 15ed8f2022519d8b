#include "orienter.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <ctime>
#include <filesystem>

#include "halobrush/core/error.hpp"
#include "halobrush/core/version.hpp"
#include "projection.hpp"

namespace halobrush::align {
namespace {

using catalog::GalaxyFile;
using catalog::GalaxyGroup;

constexpr std::uint64_t rows_at_once = std::uint64_t{1} << 18;
constexpr auto notes_group = "halobrush";

std::vector<std::string> replaced_in(const GalaxyFile& file) {
  std::vector<std::string> columns;
  for (const auto& group : file.groups())
    for (const auto& column : replaced_columns(group)) columns.push_back(group.name() + "/" + column);
  return columns;
}

}  // namespace

double processor_seconds() {
  return static_cast<double>(std::clock()) / CLOCKS_PER_SEC;
}

void Counts::add(const Galaxies& some, const Axes& axes) {
  galaxies += some.size(), odd_shapes += some.odd_shapes;
  about_halo += static_cast<std::uint64_t>(std::ranges::count(axes.reference, Reference::halo));
  about_host += static_cast<std::uint64_t>(std::ranges::count(axes.reference, Reference::host));
}

Unchanged unchanged_columns(const GalaxyFile& file) {
  Unchanged all;
  for (const auto& group : file.groups()) {
    auto changed = replaced_columns(group);
    for (const auto& column : new_columns()) changed.push_back(column.name);
    for (const auto& column : group.columns())
      if (std::ranges::count(changed, column) == 0) {
        ++all.columns;
        all.checksum += group.checksum(column);
      }
  }
  return all;
}

std::string verified(const std::string& path, const Oriented& oriented, const Unchanged& were, const Unchanged& are) {
  if (were.columns != are.columns || were.checksum != are.checksum) throw internal_error("{}: columns that were to stay as they are have changed", path);
  return fmt::format("{}: {} galaxies; {} columns are as they were (checksum {:016x}), {} replaced, {} new", path, oriented.galaxies, are.columns, are.checksum, oriented.replaced,
                     oriented.added);
}

Made made_of(const GalaxyFile& file) {
  Made made;
  for (const auto& [name, text] : file.notes(notes_group)) {
    if (name == "settings") made.settings = text;
    if (name == "original_sha256") made.original_sha256 = text;
  }
  return made;
}

Orienter::Orienter(const config::Config& config) : config_(config), early_(config.align.early), law_(config) {}

std::string Orienter::settings() const {
  const auto& align = config_.align;
  return fmt::format("halobrush {}, seed {}, align.early {}, align.halo [{}], align.radius [{}], align.late_share {}, align.bulge_scatter {}", version(), config_.seed,
                     align.early, fmt::join(align.halo, ", "), fmt::join(align.radius, ", "), align.late_share, align.bulge_scatter);
}

void Orienter::check(const std::string& path, const GalaxyFile& file) const {
  for (const auto& group : file.groups()) {
    for (const auto& column : new_columns())
      if (group.has(column.name))
        throw data_error("{}: was aligned already ({} has a column '{}'); give the catalog as it was before", path, group.name(), column.name);
    check_columns(path, group, early_);
  }
}

double Orienter::new_bytes(const GalaxyFile& file) const {
  double bytes = 0;
  for (const auto& group : file.groups()) bytes += static_cast<double>(group.rows() * new_columns().size() * sizeof(double));
  return bytes;
}

Oriented Orienter::orient(const std::string& path, const std::string& sha256, const GalaxyFile& original, GalaxyFile& changed, Counts& counts) const {
  const auto before = counts.galaxies;
  for (std::size_t k = 0; k < original.groups().size(); ++k) orient(path, original.groups()[k], changed.groups()[k], counts);
  changed.write_notes(notes_group, notes(path, sha256, original));
  return {counts.galaxies - before, replaced_in(original).size(), new_columns().size() * original.groups().size()};
}

void Orienter::orient(const std::string& path, const GalaxyGroup& original, GalaxyGroup& changed, Counts& counts) const {
  add_columns(changed);
  for (std::uint64_t first = 0; first < original.rows(); first += rows_at_once) {
    auto& spent = counts.spent;
    const auto galaxies = timed(spent.reading, [&] { return read_galaxies(path, original, early_, first, std::min(rows_at_once, original.rows() - first)); });
    const auto columns = timed(spent.drawing, [&] {
      const auto axes = law_.draw(galaxies);
      counts.add(galaxies, axes);
      return orientations(galaxies, axes, static_cast<std::uint64_t>(config_.seed), config_.align.bulge_scatter);
    });
    const double start = processor_seconds();
    write(columns, changed, first);
    spent.writing += processor_seconds() - start;
  }
}

std::vector<std::pair<std::string, std::string>> Orienter::notes(const std::string& path, const std::string& sha256, const GalaxyFile& original) const {
  return {{"halobrush", version()},
          {"settings", settings()},
          {"original", std::filesystem::path(path).filename().string()},
          {"original_sha256", sha256},
          {"config", config::to_yaml(config_)},
          {"replaced", fmt::format("{}", fmt::join(replaced_in(original), ", "))},
          {"position_angle", "psi: radians from west towards north; position angle from north to east = psi - pi/2"},
          {"ellipticity", "e1, e2: (1 - q) / (1 + q) (cos, sin) 2 psi; axes west, north"}};
}

}  // namespace halobrush::align
