#include "info.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <optional>
#include <sstream>

#include "halobrush/align/align.hpp"
#include "halobrush/catalog/galaxy_file.hpp"
#include "halobrush/catalog/mock.hpp"
#include "halobrush/catalog/reader.hpp"
#include "halobrush/config/config.hpp"
#include "halobrush/core/error.hpp"
#include "halobrush/core/log.hpp"
#include "halobrush/model/model_file.hpp"

namespace halobrush::app {
namespace {

std::string simulation_text(const catalog::Simulation& s) {
  // What a file does not say is NaN.
  const auto number = [](double value) { return std::isnan(value) ? "?" : fmt::format("{:g}", value); };
  return fmt::format(
      "  box {} x {} x {} Mpc/h, a = {} (redshift {}), Omega_m = {}, h = {}, particle mass {} Msun/h, host masses {}\n",
      number(s.box[0]), number(s.box[1]), number(s.box[2]), number(s.scale_factor), number(1 / s.scale_factor - 1), number(s.omega_m),
      number(s.h), number(s.particle_mass), s.mass_definition.empty() ? "?" : "M" + s.mass_definition);
}

// Long texts (the config) are left to those who ask for them with an HDF5 tool.
std::string one_line(const std::string& text) {
  if (text.find('\n') == text.npos || text.find('\n') + 1 == text.size())
    return text.substr(0, text.find('\n'));
  return fmt::format("({} lines)", std::ranges::count(text, '\n'));
}

std::string describe_mock(const std::string& path) {
  const auto mock = catalog::summarise_mock(path);
  const auto& cone = mock.header.cone;
  const auto kind = cone ? fmt::format("light cone of redshift {:g} to {:g}", cone->redshifts[0], cone->redshifts[1]) : "mock galaxy catalog";
  std::string text = fmt::format("{}: a {} of {} galaxies\n", path, kind, mock.rows) + simulation_text(mock.header.simulation);
  text += "  columns:\n";
  for (const auto& c : mock.columns)
    text += fmt::format("    {:<22} {:<16} {}\n", c.name, c.unit, c.description);
  text += "  provenance:\n";
  for (const auto& [key, value] : mock.header.provenance)
    text += fmt::format("    {:<22} {}\n", key, one_line(value));
  return text;
}

std::string number_text(double value, const char* unit = "") {
  return std::isnan(value) ? "?" : fmt::format("{:g}{}", value, unit);
}

std::string tidal_text(const model::TidalField& tidal) {
  if (tidal.smoothing.empty()) return "none";
  return fmt::format("of {} on {} cells a side of {:.3g} Mpc/h, smoothed over {:g} Mpc/h",
                     tidal.density_file.empty() ? "the halos" : tidal.density_file, tidal.mesh, tidal.cell,
                     fmt::join(tidal.smoothing, " and "));
}

std::string range_text(const model::TrainedRange& range) {
  return range.known() ? fmt::format("; {:.4g} to {:.4g} in training", range.least, range.greatest) : "";
}

std::string origin_text(const model::Origin& origin) {
  if (!origin.known()) return "  trained on: unknown (an older version wrote the file)\n";
  return fmt::format("  trained on: {} galaxies in halos of a {} catalog\n", origin.galaxies, origin.format) +
         simulation_text(origin.simulation) +
         fmt::format("  least halo: {} Msun/h, Vmax {}, {} particles; limits: min_particles {}, min_mass {}, min_vmax {}\n"
                     "  tidal field: {}\n",
                     number_text(origin.least_mass), number_text(origin.least_vmax, " km/s"),
                     number_text(origin.least_particles), number_text(origin.min_particles),
                     number_text(origin.min_mass, " Msun/h"), number_text(origin.min_vmax, " km/s"),
                     tidal_text(origin.tidal));
}

std::string inputs_text(const model::ModelSpec& spec) {
  if (!spec.density.known())
    return "  range of inputs: distance from their mean (an older version wrote the file)\n";
  return fmt::format(
      "  range of inputs: {} Gaussians, beyond which lie {:.2f} % of {} galaxies held out; {} galaxies are kept to compare "
      "catalogs with\n",
      spec.density.mixture.components(), 100 * spec.density.beyond, spec.density.held_out, spec.sample.region.size());
}

std::string describe_model(const std::string& path) {
  const auto file = model::read_model(path);
  const auto& s = file.spec;
  std::size_t weights = 0;
  for (const auto& t : file.tensors) weights += t.values.size();
  std::string text =
      fmt::format("{}: a {} model, {} weights, SHA-256 {}\n", path, s.painter, weights, file.sha256);
  text += s.own_group_only
              ? fmt::format("  environment: the own host halo, within {:g} Mpc/h (no ghosts)\n", s.radius)
              : fmt::format("  environment graph {:g} Mpc/h, {} layers (ghost width {:g} Mpc/h)\n", s.radius,
                            s.layers, s.radius * static_cast<double>(s.layers));
  text += fmt::format("  inputs: scalars {}; polar {}; axial {}; tensors {}\n",
                      fmt::join(s.inputs.scalars, ", "), fmt::join(s.inputs.polar, ", "),
                      fmt::join(s.inputs.axial, ", "), fmt::join(s.inputs.tensors, ", "));
  text += "  paints, beside the frame:\n";
  for (const auto& label : s.labels)
    text += fmt::format("    {:<22} {:<16} {}{}\n", label.column.name, label.column.unit,
                        label.column.description, range_text(label.trained));
  text += origin_text(s.origin) + inputs_text(s);
  text += "  provenance:\n";
  for (const auto& [key, value] : s.provenance) text += fmt::format("    {:<22} {}\n", key, one_line(value));
  return text;
}

std::string describe_halos(const catalog::InputPaths& paths) {
  catalog::ReadOptions options;
  options.describe = true;
  options.min_particles = config::Config{}.input.min_particles;  // what a run leaves out unless told otherwise
  const auto header = catalog::read_header(paths, options);
  std::string text = fmt::format("{}: a halo catalog ({}), {}{} halos", paths.brief(), header.source.format,
                                 header.rows_exact ? "" : "about ", header.rows);
  if (header.source.bytes > 0)
    text += fmt::format(", {}", human_bytes(static_cast<double>(header.source.bytes)));
  text += "\n";
  text += simulation_text(header.simulation);
  if (header.rows_seen > 0)
    text += fmt::format("  {} of {} halos are hosts, {} lie in another\n", header.hosts_seen, header.rows_seen,
                        header.rows_seen - header.hosts_seen);
  else if (header.rows > 0)
    text += "  hosts were not counted\n";
  for (const auto& remark : header.remarks) text += fmt::format("  {}\n", remark);
  if (!header.units.empty()) text += fmt::format("  units:\n    {}\n", fmt::join(header.units, "\n    "));
  return text + fmt::format("  columns: {}\n", fmt::join(header.columns, ", "));
}

// A finished catalog of galaxies on the sky, of another program; none where it is no such catalog.
std::optional<std::string> describe_galaxies(const std::string& path) {
  try {
    const auto file = catalog::GalaxyFile::to_read(path);
    if (std::ranges::none_of(file.groups(), [](const auto& group) { return group.has("ra") && group.has("dec"); })) return std::nullopt;
    std::string text = fmt::format("{}: galaxies on the sky, of another program; those of diffsky and OpenCosmo get orientations by halobrush align\n", path);
    for (const auto& group : file.groups())
      text += fmt::format("  {}: {} rows, {} columns: {}\n", group.name(), group.rows(), group.columns().size(), fmt::join(group.columns(), ", "));
    return text;
  } catch (const Error&) {
    return std::nullopt;
  }
}

}  // namespace

std::string info(const std::vector<std::string>& paths) {
  const auto& path = paths.front();
  std::error_code error;
  if (paths.size() > 1 || !std::filesystem::is_regular_file(path, error)) return describe_halos(paths);
  align::refuse_half_changed(path);
  const auto kind = catalog::kind_of(path);
  if (kind == catalog::FileKind::mock) return describe_mock(path);
  if (kind == catalog::FileKind::model) return describe_model(path);
  if (catalog::is_halo_catalog(kind)) return describe_halos(path);
  if (const auto text = describe_galaxies(path)) return *text;
  throw data_error("{}: is neither a mock, a model nor a halo catalog that this program knows; halos in HDF5 of any layout: input.columns in a configuration, then halobrush paint --dry-run", path);
}

}  // namespace halobrush::app
