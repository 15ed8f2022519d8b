#include "halobrush/pipeline/origin.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "halobrush/catalog/mesh_file.hpp"
#include "halobrush/catalog/numbers.hpp"
#include "halobrush/core/error.hpp"
#include "halobrush/mpi/agree.hpp"

namespace halobrush::pipeline {
namespace {

using model::Origin;

// Tolerances; docs/models.md states them.
constexpr double near_scale_factor = 0.02;  // relative
constexpr double near_parameter = 0.02;     // of omega_m, h and sigma_8, absolute
constexpr double near_particle_mass = 1.5;  // a factor
constexpr double near_cell = 1.1;           // a factor
constexpr double much_smaller_box = 2, much_larger_box = 4;
constexpr double few_unresolved = 0.01;     // of the halos
constexpr double resolved_cells = 2;         // of a smoothing radius: the tensor is right to 3 %
constexpr double least_cells = 0.2;          // exp(-(pi/5)^2 / 2) = 0.82 at the mesh's finest wave

double redshift(const Origin& origin) {
  return 1 / origin.simulation.scale_factor - 1;
}

double factor(double a, double b) {
  return std::max(a / b, b / a);
}

std::string text_of(double value, const char* unit) {
  return std::isnan(value) ? "unknown" : fmt::format("{:g}{}", value, unit);
}

class Comparison {
 public:
  Comparison(const model::ModelSpec& spec, const std::string& key, const Origin& here, const config::Painter& painter)
      : spec_(spec), key_(key), model_(spec.origin), here_(here), painter_(painter) {}

  Differences run() {
    if (!model_.known()) {
      remark(
          "the model file does not say what it was trained on (an older version wrote it): redshift, cosmology, mass "
          "definition, resolution, box and tidal field were not compared");
      return std::move(out_);
    }
    compare_mass_definition();
    const auto &a = model_.simulation, &b = here_.simulation;
    compare("redshift", redshift(model_), redshift(here_), "",
            std::abs(a.scale_factor / b.scale_factor - 1) > near_scale_factor,
            "halos of one mass have another Vmax, concentration and galaxy at another time");
    compare_parameter("Omega_m", a.omega_m, b.omega_m);
    compare_parameter("h", a.h, b.h);
    if (!std::isnan(a.sigma_8) && !std::isnan(b.sigma_8)) compare_parameter("sigma_8", a.sigma_8, b.sigma_8);
    compare("particle mass", a.particle_mass, b.particle_mass, " Msun/h",
            factor(a.particle_mass, b.particle_mass) > near_particle_mass,
            "shapes, spins and concentrations of halos depend on resolution");
    compare_boxes();
    compare_selection();
    if (uses_tides()) compare_tides();
    if (model_.format != here_.format)
      remark(fmt::format("format of the halos: {} in training, {} here", model_.format, here_.format));
    return std::move(out_);
  }

 private:
  void remark(std::string text) { out_.remarks.push_back("model: " + std::move(text)); }
  void warn(std::string text) { out_.warnings.push_back("model: " + std::move(text)); }

  void compare(const char* name, double trained, double here, const char* unit, bool differs,
               const std::string& consequence) {
    const auto both =
        fmt::format("{}: {} in training, {} here", name, text_of(trained, unit), text_of(here, unit));
    if (std::isnan(trained) || std::isnan(here))
      remark(both + " (not compared)");
    else if (differs)
      warn(both + " (" + consequence + ")");
  }

  void compare_parameter(const char* name, double trained, double here) {
    compare(name, trained, here, "", std::abs(trained - here) > near_parameter, "another cosmology");
  }

  void compare_mass_definition() {
    const auto &trained = model_.simulation.mass_definition, &here = here_.simulation.mass_definition;
    const auto name = [](const std::string& definition) {
      return definition.empty() ? "unknown" : "M" + definition;
    };
    const auto both =
        fmt::format("masses of host halos: {} in training, {} here", name(trained), name(here));
    if (trained.empty() || here.empty()) return remark(both + " (not compared)");
    if (trained == here) return;
    if (std::ranges::count(painter_.accept, "mass_definition") > 0)
      return warn(both + " (accepted by painter.accept)");
    throw config_error(
        "{}: {} (the galaxies would be those of other halos); give halos of the model's definition, e.g. "
        "by input.host_mass: 200c, or set painter.accept: [mass_definition]",
        key_, both);
  }

  void compare_boxes() {
    const double trained = std::ranges::min(model_.simulation.box),
                 here = std::ranges::min(here_.simulation.box);
    if (!(trained > 0 && here > 0)) return remark("box: unknown (not compared)");
    const auto both = fmt::format("box: {:g} Mpc/h in training, {:g} Mpc/h here", trained, here);
    if (here < trained / much_smaller_box)
      warn(both + " (waves longer than the box are missing)");
    else if (here > trained * much_larger_box)
      remark(both + " (environments that no smaller box has are extrapolated to)");
  }

  // What was selected by key: catalogs may have been cut before.
  void compare_selection() {
    const auto compare_key = [&](const char* key, double trained, double here, const char* unit) {
      if (trained > here)
        remark(fmt::format("input.{}: {:g}{} in training, {:g}{} here", key, trained, unit, here, unit));
    };
    compare_key("min_vmax", model_.min_vmax, here_.min_vmax, " km/s");
    compare_key("min_particles", model_.min_particles, here_.min_particles, "");
    compare_key("min_mass", model_.min_mass, here_.min_mass, " Msun/h");
  }

  bool uses_tides() const {
    const auto tidal = [](const std::string& name) { return name.starts_with("tidal_"); };
    return std::ranges::any_of(spec_.inputs.scalars, tidal) ||
           std::ranges::any_of(spec_.inputs.tensors, tidal);
  }

  void compare_tides() {
    const auto &a = model_.tidal, &b = here_.tidal;
    if (a.density_file.empty() != b.density_file.empty()) {
      const auto name = [](const model::TidalField& tidal) {
        return tidal.density_file.empty() ? "of the halos, weighted by mass" : "of " + tidal.density_file;
      };
      warn(fmt::format("tidal field: {} in training, {} here (halos cluster more than matter)", name(a), name(b)));
    }
    const double coarser = std::max(a.cell, b.cell);
    if (!(factor(a.cell, b.cell) > near_cell)) return;
    std::vector<double> shaped;  // radii of which a mesh shapes the tensor
    for (const double radius : b.smoothing)
      if (std::ranges::count(a.smoothing, radius) > 0 && radius < resolved_cells * coarser)
        shaped.push_back(radius);
    if (!shaped.empty())
      warn(fmt::format(
          "tidal field: cells of {:.3g} Mpc/h in training, {:.3g} Mpc/h here; smoothed over {:g} Mpc/h the tensor is "
          "another one (field.mesh: {} gives the training's cells)",
          a.cell, b.cell, fmt::join(shaped, " and "),
          std::llround(std::ranges::max(here_.simulation.box) / a.cell)));
  }

  const model::ModelSpec& spec_;
  std::string key_;
  const Origin &model_, &here_;
  const config::Painter& painter_;
  Differences out_;
};

constexpr double single_precision = 1e-6;  // to which values of halos are known here

// Halos below the least of the training; NaN: unknown, then none is.
void compare_rows(const catalog::Table& halos, const char* column, double least, const char* what,
                  const char* key, const mpi::Communicator& comm, Differences& out) {
  const int here = halos.has(column) && !std::isnan(least);
  if (comm.min(here) == 0) return;
  double below = 0;
  for (const double value : catalog::numbers(halos, column)) below += value < least * (1 - single_precision);
  below = comm.sum(below);
  const double all = static_cast<double>(comm.sum(static_cast<std::uint64_t>(halos.rows())));
  if (below == 0) return;
  auto text = fmt::format("model: {:.0f} halos ({:.1f} %) have {} than any halo of the training ({:g})", below,
                          100 * below / all, what, least);
  if (below > few_unresolved * all)
    out.warnings.push_back(text + ": the model guesses there; leave them out by " + key);
  else
    out.remarks.push_back(text);
}

// Two samples of galaxies tell what no header says.
void compare_galaxies(const model::ModelSpec& spec, const catalog::HaloCatalog& halos, const mpi::Communicator& comm,
                      Differences& out) {
  if (!spec.density.known())
    out.remarks.emplace_back(
        "model: the file has no density of its training's inputs (an older version wrote it): out_of_distribution is a "
        "distance from their mean (Mahalanobis), which sees outliers only");
  if (spec.sample.empty()) {
    out.remarks.emplace_back(
        "model: the file has no sample of its training's inputs (an older version wrote it): those of this catalog were "
        "not compared");
    return;
  }
  out.inputs = compare_inputs(spec, halos, comm);
  const auto& c = out.inputs;
  const auto warnings = warnings_of(c);
  out.warnings.insert(out.warnings.end(), warnings.begin(), warnings.end());
  const auto given = c.given.empty() ? "" : " at given " + c.given;
  if (c.inputs.empty())
    out.remarks.push_back(fmt::format(
        "model: inputs: {} galaxies here and {} of the training are too few to compare", c.here, c.trained));
  else if (warnings.empty())
    out.remarks.push_back(fmt::format(
        "model: inputs: {}{} agree with those in training ({} galaxies against {}; one catalog in a hundred would be "
        "warned of by chance)",
        c.inputs.size(), given, c.here, c.trained));
}

// Of the painters of a chain: `of_one(model, key)` for each.
template <class OfOne>
Differences of_all(const std::vector<const model::ModelSpec*>& models, OfOne&& of_one) {
  Differences all;
  for (std::size_t k = 0; k < models.size(); ++k) {
    auto one = of_one(*models[k], k == 0 ? "painter.model" : "painter.axes");
    for (auto* texts : {&one.warnings, &one.remarks})
      for (auto& text : *texts)
        if (k > 0) text = "axes " + text;
    std::ranges::move(one.warnings, std::back_inserter(all.warnings));
    std::ranges::move(one.remarks, std::back_inserter(all.remarks));
    if (k == 0) all.inputs = std::move(one.inputs);
  }
  return all;
}

}  // namespace

Origin origin_of(const config::Config& config, const catalog::Simulation& simulation,
                 const std::string& format) {
  Origin origin;
  origin.simulation = simulation;
  origin.format = format;
  origin.min_vmax = config.input.min_vmax;
  origin.min_particles = static_cast<double>(config.input.min_particles);
  origin.min_mass = config.input.min_mass;
  if (config.field.smoothing.empty()) return origin;
  auto& tidal = origin.tidal;
  tidal.smoothing = config.field.smoothing;
  tidal.density_file = config.density.file;
  tidal.mesh = tidal.density_file.empty()
                   ? config.field.mesh
                   : static_cast<std::int64_t>(
                         catalog::mesh_shape(config.density.file, config.density.dataset)[0]);
  tidal.cell = std::ranges::max(simulation.box) / static_cast<double>(tidal.mesh);
  return origin;
}

std::vector<std::string> coarse_mesh(const model::TidalField& tidal) {
  std::vector<std::string> remarks;
  const double box = tidal.cell * static_cast<double>(tidal.mesh);
  for (const double radius : tidal.smoothing) {
    const double cells = radius / tidal.cell;
    if (radius > box / 2)
      throw config_error("field.smoothing: {:g} Mpc/h is more than half of the box of {:g} Mpc/h, where nothing is left of the field; set a smaller radius",
                         radius, box);
    if (cells < least_cells)
      throw config_error(
          "field.smoothing: {:g} Mpc/h is {:.2g} of a cell of {:.3g} Mpc/h (a mesh of {} cells a side knows nothing "
          "of it); set field.mesh to at least {:.6g}, better {:.6g}, or a larger radius",
          radius, cells, tidal.cell, tidal.mesh, std::ceil(least_cells * box / radius),
          std::ceil(resolved_cells * box / radius));
    if (cells < resolved_cells)
      remarks.push_back(fmt::format(
          "tidal field: the smoothing of {:g} Mpc/h is {:.2g} cells of {:.3g} Mpc/h; under two cells the mesh shapes "
          "the tensor as well (field.mesh: {:.0f} has two)",
          radius, cells, tidal.cell, std::ceil(resolved_cells * box / radius)));
  }
  return remarks;
}

Differences compare_origins(const std::vector<const model::ModelSpec*>& models, const Origin& here,
                            const config::Painter& painter) {
  return of_all(models, [&](const model::ModelSpec& model, const char* key) {
    return Comparison(model, key, here, painter).run();
  });
}

Differences compare_with_training(const std::vector<const model::ModelSpec*>& models,
                                  const catalog::HaloCatalog& halos, const config::Config& config,
                                  const mpi::Communicator& comm, Logger& log) {
  if (models.empty()) return {};
  const auto here = mpi::agree(comm, [&] { return origin_of(config, halos.simulation, halos.source.format); });
  auto all = of_all(models, [&](const model::ModelSpec& model, const char* key) {
    auto differences =
        mpi::agree(comm, [&] { return Comparison(model, key, here, config.painter).run(); });
    const auto& origin = model.origin;
    compare_rows(halos.halos, "mass", origin.least_mass, "less mass", "input.min_mass", comm, differences);
    compare_rows(halos.halos, "vmax", origin.least_vmax, "a smaller Vmax", "input.min_vmax", comm, differences);
    compare_rows(halos.halos, "n_particles", origin.least_particles, "fewer particles", "input.min_particles", comm,
                 differences);
    compare_galaxies(model, halos, comm, differences);
    return differences;
  });
  say(all, log);
  return all;
}

std::vector<std::string> warnings_on_shapes(const config::Config& config, const catalog::Simulation& simulation) {
  const auto shapes_of = [](const config::Config& c) {
    auto keys = config::science_keys(c);
    std::erase_if(keys, [](const auto& key) { return !key.first.starts_with("shapes."); });
    return keys;
  };
  const bool changed = shapes_of(config) != shapes_of({});
  if (config.painter.axes != "law") {
    if (!changed) return {};
    return {fmt::format("shapes: the section has no effect, painter.axes is '{}'; set painter.axes: law, or leave the section out",
                        config.painter.axes)};
  }
  std::vector<std::string> warnings;
  if (!changed && std::abs(simulation.scale_factor - 1) > near_scale_factor)
    warnings.push_back(fmt::format("shapes: ratios and strengths were fitted at redshift 0, here it is {:.3g}",
                                   1 / simulation.scale_factor - 1));
  if ((config.shapes.nla != 0 || config.shapes.torque != 0) && config.density.file.empty())
    warnings.emplace_back(
        "shapes: nla and torque go by the tidal field of the halos, which cluster more than matter: the alignment is stronger "
        "than its amplitude says; give density.file");
  return warnings;
}

void say(const Differences& differences, Logger& log) {
  for (const auto& warning : differences.warnings) log.warn("{}", warning);
  for (const auto& remark : differences.remarks) log.info("{}", remark);
}

}  // namespace halobrush::pipeline
