#include "keys.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "halobrush/core/error.hpp"
#include "halobrush/core/memory.hpp"

namespace halobrush::config {
namespace {

Rule positive() {
  return {"must be > 0", [](const Value& v) {
            if (auto* i = std::get_if<std::int64_t*>(&v)) return **i > 0;
            if (auto* d = std::get_if<double*>(&v)) return **d > 0;
            if (auto* a = std::get_if<std::array<std::int64_t, 3>*>(&v))
              return std::ranges::all_of(**a, [](auto n) { return n > 0; });
            if (auto* l = std::get_if<std::vector<double>*>(&v))
              return std::ranges::all_of(**l, [](double x) { return x > 0; });
            return true;
          }};
}

// Bounds that keep counts and their products inside of what integers hold, far above any use.
Rule between(std::int64_t least, std::int64_t most) {
  return {fmt::format("must be {} to {}", least, most), [least, most](const Value& v) {
            const auto n = **std::get_if<std::int64_t*>(&v);
            return n >= least && n <= most;
          }};
}

Rule tiles() {
  return {"must be > 0, at most 1e9 tiles in all", [](const Value& v) {
            double all = 1;
            for (const auto n : **std::get_if<std::array<std::int64_t, 3>*>(&v))
              all = n > 0 ? all * static_cast<double>(n) : std::numeric_limits<double>::infinity();
            return all <= 1e9;
          }};
}

// The columns of the tidal tensor are named after their radius, and a tensor twice tells nothing new.
Rule distinct_radii() {
  return {"must be > 0, each a thousandth or more from every other", [](const Value& v) {
            auto radii = **std::get_if<std::vector<double>*>(&v);
            std::ranges::sort(radii);
            for (std::size_t i = 0; i < radii.size(); ++i)
              if (!(radii[i] > 0) || (i > 0 && radii[i] < radii[i - 1] * 1.001)) return false;
            return true;
          }};
}

Rule not_negative() {
  return {"must be >= 0", [](const Value& v) {
            if (auto* i = std::get_if<std::int64_t*>(&v)) return **i >= 0;
            if (auto* d = std::get_if<double*>(&v)) return **d >= 0;
            return true;
          }};
}

Rule memory() {
  return {"must be a number with a unit of bytes, such as 3 GiB or 800 MB", [](const Value& v) {
            const auto& text = **std::get_if<std::string*>(&v);
            return text.empty() || bytes_in(text);
          }};
}

// Of a user's file in the staging folder, which a run removes: nothing elsewhere, and no file of the run's own.
Rule name_of_own_file() {
  return {"must be the name of a file without folder, and none of tile_*, ledger.*, *.json, *.txt, *.tmp", [](const Value& v) {
            const auto& name = **std::get_if<std::string*>(&v);
            return !name.empty() && name != "." && name != ".." && name.find('/') == std::string::npos &&
                   !name.starts_with("tile_") && !name.starts_with("ledger.") && !name.ends_with(".json") &&
                   !name.ends_with(".txt") && !name.ends_with(".tmp");
          }};
}

Rule positive_or_unset() {
  return {"must be > 0", [](const Value& v) {
            return std::isnan(**std::get_if<double*>(&v)) || **std::get_if<double*>(&v) > 0;
          }};
}

Rule fraction() {
  return {"must be in [0, 1)",
          [](const Value& v) { return **std::get_if<double*>(&v) >= 0 && **std::get_if<double*>(&v) < 1; }};
}

Rule one_of(std::vector<std::string> choices) {
  std::string text = "must be one of";
  for (const auto& c : choices) text += (&c == &choices[0] ? " " : ", ") + c;
  return {text, [choices](const Value& v) {
            return std::ranges::count(choices, **std::get_if<std::string*>(&v)) > 0;
          }};
}

Rule finite() {
  return {"must be finite numbers", [](const Value& v) {
            if (auto* d = std::get_if<double*>(&v)) return std::isfinite(**d);
            return std::ranges::all_of(**std::get_if<std::array<double, 2>*>(&v),
                                       [](double x) { return std::isfinite(x); });
          }};
}

Rule least_and_most() {
  return {"must be two numbers > 0, the smaller one first", [](const Value& v) {
            const auto& pair = **std::get_if<std::array<double, 2>*>(&v);
            return pair[0] > 0 && pair[1] > pair[0] && std::isfinite(pair[1]);
          }};
}

Rule mean_and_scatter() {
  return {"must be a finite mean and a scatter > 0", [](const Value& v) {
            const auto& pair = **std::get_if<std::array<double, 2>*>(&v);
            return std::isfinite(pair[0]) && std::isfinite(pair[1]) && pair[1] > 0;
          }};
}

Rule three_units_or_none() {
  return {"must be three numbers > 0, or none", [](const Value& v) {
            const auto& units = **std::get_if<std::vector<double>*>(&v);
            return units.empty() ||
                   (units.size() == 3 && std::ranges::all_of(units, [](double x) { return x > 0; }));
          }};
}

Rule nine_numbers() {
  return {"must be nine numbers, a rotation matrix by rows",
          [](const Value& v) { return (*std::get_if<std::vector<double>*>(&v))->size() == 9; }};
}

Rule none_or_three_positive() {
  return {"must be three numbers > 0", [](const Value& v) {
            const auto& list = **std::get_if<std::vector<double>*>(&v);
            return list.empty() ||
                   (list.size() == 3 && std::ranges::all_of(list, [](double x) { return x > 0; }));
          }};
}

Rule among(std::vector<std::string> choices) {
  std::string text = "must be a list of";
  for (const auto& c : choices) text += (&c == &choices[0] ? " " : ", ") + c;
  return {text, [choices](const Value& v) {
            return std::ranges::all_of(**std::get_if<std::vector<std::string>*>(&v), [&](const auto& item) {
              return std::ranges::count(choices, item) > 0;
            });
          }};
}

Rule only(std::string choice) {
  return {"must be a list of: " + choice, [choice](const Value& v) {
            return std::ranges::all_of(**std::get_if<std::vector<std::string>*>(&v),
                                       [&](const auto& text) { return text == choice; });
          }};
}

Rule position() {
  return {"must be three finite numbers", [](const Value& v) {
            const auto& list = **std::get_if<std::vector<double>*>(&v);
            return list.size() == 3 && std::ranges::all_of(list, [](double x) { return std::isfinite(x); });
          }};
}

Rule rising_redshifts() {
  return {"must be two numbers from 0 to 20, the smaller one first", [](const Value& v) {
            const auto& range = **std::get_if<std::array<double, 2>*>(&v);
            return range[0] >= 0 && range[1] <= 20 && (range[0] < range[1] || (range[0] == 0 && range[1] == 0));
          }};
}

Rule mass_definition_or_none() {
  return {"must be vir, or a number with b or c (200c, 200b, 500c)", [](const Value& v) {
            const auto& text = **std::get_if<std::string*>(&v);
            if (text.empty() || text == "vir") return true;
            return text.size() > 1 && (text.back() == 'b' || text.back() == 'c') &&
                   std::all_of(text.begin(), text.end() - 1, [](unsigned char c) { return std::isdigit(c) != 0; });
          }};
}

}  // namespace

std::vector<Key> keys_of(Config& c) {
  constexpr bool steering = false, science = true;
  return {
      {"seed", &c.seed, "", "seed of every random number; the same seed gives the same mock", science,
       not_negative()},

      {"input.path", &c.input.path, "",
       "halo catalog: a list of Rockstar or AHF (plain or gzip), a halobrush HDF5 catalog, halos of HACC in GenericIO or OpenCosmo's HDF5, or a file "
       "(or the folder) of a SUBFIND group catalog, of MPI-Rockstar's HDF5 or of CompaSO halos; a catalog in several lists or HDF5 files: their "
       "folder, a pattern such as 'lists/*.list', or a list of all of them",
       steering},
      {"input.format", &c.input.format, "", "format of the halo catalog; auto looks at its content, rockstar is for lists of Rockstar, consistent-trees and AHF", steering,
       one_of({"auto", "rockstar", "halobrush", "subfind", "opencosmo", "mpi_rockstar", "genericio", "compaso", "columns"})},
      {"input.columns", &c.input.columns, "",
       "for halos in HDF5 of any layout: our column name: its dataset, or dataset[k] of one with several numbers a row, and the unit where the file "
       "does not say it, e.g. mass: Halos/M200c in 1e10 Msun/h",
       science},
      {"input.mass_definition", &c.input.mass_definition, "",
       "of the masses that input.columns names: vir, 200c, 200b, 500c, ...; empty: unknown", science, mass_definition_or_none()},
      {"input.orphans", &c.input.orphans, "",
       "a satellite whose host is absent: stop with an error, or promote it to a central", science,
       one_of({"error", "promote"})},
      {"input.box_size", &c.input.box_size, "Mpc/h",
       "side of the periodic box where the catalog does not say", science, positive_or_unset()},
      {"input.units", &c.input.units, "Mpc/h, Msun/h, km/s",
       "units of length, mass and velocity of a SUBFIND catalog that does not say them", science,
       three_units_or_none()},
      {"input.scale_factor", &c.input.scale_factor, "",
       "scale factor of a catalog (SUBFIND, GenericIO, AHF) that does not say it", science,
       positive_or_unset()},
      {"input.min_particles", &c.input.min_particles, "",
       "halos of fewer particles are left out (by n_particles, and by bound mass over particle mass, where the "
       "catalog tells them): their masses, shapes and spins are noise; 0: none is",
       science, not_negative()},
      {"input.min_mass", &c.input.min_mass, "Msun/h", "halos with a smaller mass are left out", science,
       not_negative()},
      {"input.min_vmax", &c.input.min_vmax, "km/s", "halos with a smaller vmax are left out", science,
       not_negative()},
      {"input.host_mass", &c.input.host_mass, "",
       "mass and radius of host halos in Rockstar lists; main: of the list's own definition; 200c: from its "
       "column M200c, as in group catalogs of hydrodynamical simulations (subhalos keep their bound mass)",
       science, one_of({"main", "200c"})},

      {"output.path", &c.output.path, "", "the mock; its summary is written beside it as <path>.json",
       steering},
      {"output.staging", &c.output.staging, "",
       "folder of finished tiles, kept until the mock is complete (default: <output.path>.staging)",
       steering},
      {"output.accept", &c.output.accept, "",
       "what may differ between a run and the tiles that an earlier one staged, although it changes last digits and is "
       "refused otherwise: libtorch, threads, device, processor",
       steering, among({"libtorch", "threads", "device", "processor"})},
      {"output.hints", &c.output.hints, "",
       "hints to MPI-IO for writing the mock, by name, such as romio_cb_write: enable or striping_factor: 16", steering},
      {"output.alignment", &c.output.alignment, "bytes",
       "columns of the mock begin at multiples of this many bytes (the stripe size of the file system); 0: anywhere",
       steering, between(0, std::int64_t{1} << 30)},
      {"output.index", &c.output.index, "",
       "order of the mock's rows; none: tile by tile; octree: by cells of the (cubic) box, with the index that OpenCosmo needs "
       "for boxes, for writing and for reading under MPI, and its header of HACC (docs/formats.md)",
       science, one_of({"none", "octree"})},

      {"cosmology.omega_m", &c.cosmology.omega_m, "",
       "matter density of a flat universe, where the catalog (SUBFIND, GenericIO, AHF) does not say", science,
       positive_or_unset()},
      {"cosmology.h", &c.cosmology.h, "", "Hubble constant / (100 km/s/Mpc), the same", science,
       positive_or_unset()},
      {"cosmology.omega_b", &c.cosmology.omega_b, "",
       "baryon density where the catalog does not say, for the mock's header (default: 0.0486) and for A_1", science,
       positive_or_unset()},
      {"cosmology.sigma_8", &c.cosmology.sigma_8, "",
       "power spectrum amplitude, the same (default: 0.8159)", science, positive_or_unset()},
      {"cosmology.n_s", &c.cosmology.n_s, "", "spectral index, the same (default: 0.9667)",
       science, positive_or_unset()},

      {"density.file", &c.density.file, "",
       "HDF5 file with the overdensity on a mesh; empty: the halos, weighted by mass", science},
      {"density.dataset", &c.density.dataset, "", "its dataset [n,n,n], index order x, y, z", science},

      {"field.mesh", &c.field.mesh, "", "cells per side of the mesh that halos are assigned to", science,
       between(1, 1'000'000)},
      {"field.smoothing", &c.field.smoothing, "Mpc/h",
       "Gaussian smoothing radii of the tidal tensor; none: no tidal inputs", science, distinct_radii()},

      {"domain.tiles", &c.domain.tiles, "",
       "tiles along x, y and z; the unit of work, of restart and of memory", science, tiles()},
      {"domain.balance", &c.domain.balance, "", "place tile edges so that tiles hold equal numbers of halos",
       science},
      {"domain.max_halos", &c.domain.max_halos, "",
       "tiles with more halos are cut in two, and again, until none has more (a group is never cut)", science,
       between(1, 1'000'000'000)},
      {"domain.ghost_width", &c.domain.ghost_width, "Mpc/h",
       "widens the ghost zone beyond what the model needs (layers x radius)", science, not_negative()},

      {"painter.kind", &c.painter.kind, "",
       "which painter; auto: the one that painter.model is; another than the file's is an error", science,
       one_of({"auto", "graph_diffusion", "diffusion", "graph_gan", "analytic"})},
      {"painter.model", &c.painter.model, "", "model file (safetensors) of a learned painter", steering},
      {"painter.axes", &c.painter.axes, "",
       "what draws axes and axis ratios after that painter: nothing (what it paints itself), law (section shapes), or a "
       "model file that learned them",
       science},
      {"painter.sampler", &c.painter.sampler, "",
       "integrator of the reverse diffusion; auto: multistep, or the single steps of a distilled model",
       science, one_of({"auto", "multistep", "midpoint", "authors"})},
      {"painter.steps", &c.painter.steps, "", "network evaluations per galaxy; 0: what the model says",
       science, between(0, 1'000'000)},
      {"painter.frame", &c.painter.frame, "",
       "rotation applied to the initial random orientations (checks of equivariance)", science,
       nine_numbers()},
      {"painter.host_factor", &c.painter.host_factor, "",
       "galaxies of one host halo share part of their starting noise, as the model says (conformity); false: "
       "none of it",
       science},
      {"painter.accept", &c.painter.accept, "",
       "what may differ between these halos and those that the model was trained on although it is refused "
       "otherwise: mass_definition",
       science, only("mass_definition")},

      {"analytic.log_m1", &c.analytic.log_m1, "log10 Msun",
       "stellar-to-halo mass: characteristic halo mass (Moster et al. 2013)", science, finite()},
      {"analytic.norm", &c.analytic.norm, "", "stellar-to-halo mass: normalisation N", science, finite()},
      {"analytic.beta", &c.analytic.beta, "", "stellar-to-halo mass: low-mass slope", science, finite()},
      {"analytic.gamma", &c.analytic.gamma, "", "stellar-to-halo mass: high-mass slope", science, finite()},
      {"analytic.stellar_mass_scatter", &c.analytic.stellar_mass_scatter, "dex",
       "scatter of log M* at fixed halo mass", science, positive()},
      {"analytic.red_centre", &c.analytic.red_centre, "log10 Msun",
       "log M* at which half of the centrals are red", science, finite()},
      {"analytic.red_width", &c.analytic.red_width, "dex", "width of the logistic red fraction", science,
       positive()},
      {"analytic.red_satellite_boost", &c.analytic.red_satellite_boost, "dex",
       "satellites are red as centrals this much heavier", science, finite()},
      {"analytic.color_red", &c.analytic.color_red, "mag", "g-r of red galaxies: mean, scatter", science,
       mean_and_scatter()},
      {"analytic.color_blue", &c.analytic.color_blue, "mag", "g-r of blue galaxies: mean, scatter", science,
       mean_and_scatter()},
      {"analytic.size_red", &c.analytic.size_red, "log10 kpc",
       "log size of red galaxies at log M* = 10.5, slope with log M*", science, finite()},
      {"analytic.size_blue", &c.analytic.size_blue, "log10 kpc",
       "log size of blue galaxies at log M* = 10.5, slope with log M*", science, finite()},
      {"analytic.size_scatter", &c.analytic.size_scatter, "dex", "scatter of log size", science, positive()},
      {"analytic.b_to_a_red", &c.analytic.b_to_a_red, "", "logit of b/a of red galaxies: mean, scatter",
       science, mean_and_scatter()},
      {"analytic.b_to_a_blue", &c.analytic.b_to_a_blue, "", "logit of b/a of blue galaxies: mean, scatter",
       science, mean_and_scatter()},
      {"analytic.c_to_b_red", &c.analytic.c_to_b_red, "",
       "logit of c/b of red galaxies: mean, scatter (so that c/a < b/a)", science, mean_and_scatter()},
      {"analytic.c_to_b_blue", &c.analytic.c_to_b_blue, "", "logit of c/b of blue galaxies: mean, scatter",
       science, mean_and_scatter()},
      {"analytic.kappa_a_red", &c.analytic.kappa_a_red, "",
       "major-axis concentration of red galaxies at log M* = 10.5, slope with log M*", science, finite()},
      {"analytic.kappa_a_blue", &c.analytic.kappa_a_blue, "", "the same for blue galaxies", science,
       finite()},
      {"analytic.kappa_c_red", &c.analytic.kappa_c_red, "",
       "minor-axis concentration of red galaxies at log M* = 10.5, slope with log M*", science, finite()},
      {"analytic.kappa_c_blue", &c.analytic.kappa_c_blue, "", "the same for blue galaxies", science,
       finite()},
      {"analytic.satellite_kappa_a", &c.analytic.satellite_kappa_a, "",
       "factor on the major-axis concentration of satellites", science, finite()},
      {"analytic.satellite_kappa_c", &c.analytic.satellite_kappa_c, "",
       "factor on the minor-axis concentration of satellites", science, finite()},
      {"analytic.hidden_kappa", &c.analytic.hidden_kappa, "",
       "> 0: satellites of one host pull their minor axes to one random direction of the host that no input "
       "tells, with this concentration (a truth that only joint sampling can learn)",
       science, not_negative()},

      {"shapes.early_centre", &c.shapes.early_centre, "mag", "g-r at which half of the galaxies are early types", science, finite()},
      {"shapes.early_width", &c.shapes.early_width, "mag", "width of the logistic fraction of early types", science, positive()},
      {"shapes.early_disc", &c.shapes.early_disc, "",
       "how much the logit of that fraction falls with the disc fraction, about 0.5, where the painter before paints it", science, finite()},
      {"shapes.b_to_a_early", &c.shapes.b_to_a_early, "", "logit of b/a of early types: mean, scatter", science, mean_and_scatter()},
      {"shapes.b_to_a_late", &c.shapes.b_to_a_late, "", "logit of b/a of late types: mean, scatter", science, mean_and_scatter()},
      {"shapes.c_to_b_early", &c.shapes.c_to_b_early, "", "logit of c/b of early types: mean, scatter (so that c/a < b/a)", science, mean_and_scatter()},
      {"shapes.c_to_b_late", &c.shapes.c_to_b_late, "", "logit of c/b of late types: mean, scatter", science, mean_and_scatter()},
      {"shapes.halo", &c.shapes.halo, "",
       "concentration of centrals' major axes about the halo's at log M* = 10.5, slope with log M*", science, finite()},
      {"shapes.tide", &c.shapes.tide, "",
       "the same about the axis along which the tidal field stretches", science, finite()},
      {"shapes.radius", &c.shapes.radius, "", "the same of satellites about the direction to the host's centre", science, finite()},
      {"shapes.spin", &c.shapes.spin, "", "concentration of late types' minor axes about the spin", science, finite()},
      {"shapes.late_share", &c.shapes.late_share, "", "factor on the concentrations of late types' major axes", science, not_negative()},
      {"shapes.smoothing", &c.shapes.smoothing, "Mpc/h", "radius of the tidal field of this law, one of field.smoothing", science, positive()},
      {"shapes.nla", &c.shapes.nla, "",
       "amplitude A_1 of nonlinear alignment (NLA) by the tidal field, on top of the axes drawn; 0: none", science, finite()},
      {"shapes.density_exponent", &c.shapes.density_exponent, "",
       "that alignment times (1 + overdensity) to this power (delta-NLA)", science, finite()},
      {"shapes.torque", &c.shapes.torque, "", "amplitude A_2 of tidal torquing, quadratic in the tidal field; 0: none", science, finite()},

      {"align.early", &c.align.early, "", "which galaxies of a finished catalog are early types: a column, < or >, a number", steering},
      {"align.halo", &c.align.halo, "",
       "concentration of early centrals' major axes about their halo's at log M* = 10.5, slope with log M*", steering, finite()},
      {"align.radius", &c.align.radius, "", "the same of satellites about the direction to the host's centre", steering, finite()},
      {"align.late_share", &c.align.late_share, "", "factor on the concentrations of late types", steering, not_negative()},
      {"align.bulge_scatter", &c.align.bulge_scatter, "deg", "scatter of a bulge's position angle about that of its axes, as diffsky draws it", steering, not_negative()},

      {"lightcone.snapshots", &c.lightcone.snapshots, "", "painted mocks of one simulation at several times, or one of them", steering},
      {"lightcone.observer", &c.lightcone.observer, "Mpc/h", "where the observer is in the box", steering, position()},
      {"lightcone.redshift", &c.lightcone.redshift, "", "of the galaxies of the light cone: from, to", steering, rising_redshifts()},
      {"lightcone.sky", &c.lightcone.sky, "",
       "what it covers; octant: right ascension and declination 0 to 90 degrees; cone: all within lightcone.radius of lightcone.centre", steering,
       one_of({"full", "octant", "cone"})},
      {"lightcone.centre", &c.lightcone.centre, "deg", "right ascension and declination of the middle of a cone", steering, finite()},
      {"lightcone.radius", &c.lightcone.radius, "deg", "of a cone, up to 180", steering, not_negative()},
      {"lightcone.beyond", &c.lightcone.beyond, "",
       "whether redshifts below the least and above the greatest of the snapshots may be filled from that snapshot", steering},
      {"lightcone.turn", &c.lightcone.turn, "",
       "whether each image of a cubic box but the observer's own is turned, by one of the 24 rotations that keep a cube: structure then ends at the faces of images", steering},
      {"lightcone.files", &c.lightcone.files, "",
       "one: output.path is a file; else it is a folder, with a file for each snapshot, or for each HEALPix pixel (nside 32) with a configuration for GCRCatalogs", steering,
       one_of({"one", "snapshot", "pixel"})},

      {"train.painter", &c.train.painter, "",
       "what to train; diffusion: no messages between galaxies, their own inputs alone", steering,
       one_of({"graph_diffusion", "diffusion", "graph_gan"})},
      {"train.catalog", &c.train.catalog, "",
       "galaxy catalog (a mock) with the labels, joined to input.path by halo_id", steering},
      {"train.more_catalogs", &c.train.more_catalogs, "",
       "further catalogs of the same galaxies, each with another draw of their labels, to train on as well; hosts held "
       "out are judged by train.catalog alone",
       steering},
      {"train.model", &c.train.model, "", "model file to write", steering},
      {"train.teacher", &c.train.teacher, "",
       "model to distil: the trained model gives in train.evaluations evaluations what this one gives in "
       "many",
       steering},
      {"train.evaluations", &c.train.evaluations, "", "evaluations that a distilled model is made for",
       steering, between(1, 1'000'000)},
      {"train.checkpoint", &c.train.checkpoint, "",
       "checkpoint to resume from and write to (default: <train.model>.checkpoint)", steering},
      {"train.inputs", &c.train.inputs, "", "node inputs by name; empty: all that the catalog offers",
       steering},
      {"train.outputs", &c.train.outputs, "", "scalar labels to learn", steering},
      {"train.orientation", &c.train.orientation, "",
       "what galaxies' axes are: ellipsoid (axisA, B, C without signs), major_axis (axisA alone), spin "
       "(signed "
       "galaxy_spin); auto: what the catalog has",
       steering, one_of({"auto", "ellipsoid", "major_axis", "spin"})},
      {"train.environment", &c.train.environment, "",
       "which neighbours the encoder sees: all within the radius, or those of the own host halo (incomplete "
       "boxes)",
       steering, one_of({"radius", "group"})},
      {"train.environment_neighbours", &c.train.environment_neighbours, "",
       "at most so many neighbours of a node, the nearest", steering, between(1, 100'000)},
      {"train.radius", &c.train.radius, "Mpc/h", "linking radius of the environment graph", steering,
       positive()},
      {"train.layers", &c.train.layers, "", "message-passing layers of the encoder", steering,
       between(0, 64)},
      {"train.encoder_width", &c.train.encoder_width, "", "scalar channels of the encoder", steering,
       between(1, 8192)},
      {"train.channels", &c.train.channels, "", "vector and tensor channels of the encoder", steering,
       between(1, 8192)},
      {"train.denoiser_width", &c.train.denoiser_width, "",
       "width of the denoiser, for each of the four symmetry copies", steering, between(1, 8192)},
      {"train.denoiser_depth", &c.train.denoiser_depth, "", "hidden layers of the denoiser", steering,
       between(1, 256)},
      {"train.group_neighbours", &c.train.group_neighbours, "",
       "edges per galaxy inside a host halo: all pairs up to this, nearest above", steering, between(0, 100'000)},
      {"train.steps", &c.train.steps, "", "optimiser steps", steering, positive()},
      {"train.batch", &c.train.batch, "", "galaxies a step, over all ranks", steering, positive()},
      {"train.rotation_noise", &c.train.rotation_noise, "rad",
       "noise levels of orientations, least and most: well below what the data resolve, and 3 (uniform)",
       steering, least_and_most()},
      {"train.label_noise", &c.train.label_noise, "standard deviations",
       "noise levels of the labels, least and most", steering, least_and_most()},
      {"train.noise_levels", &c.train.noise_levels, "",
       "levels shown, between the least and the most noise; uniform: all alike, in the logarithm; middle: "
       "normal about the middle with a fifth of the range (small training sets, cf. Karras et al. 2022)",
       steering, one_of({"uniform", "middle"})},
      {"train.noise_draws", &c.train.noise_draws, "", "noise levels a galaxy is shown at in each step",
       steering, between(1, 10'000)},
      {"train.interval", &c.train.interval, "steps", "distance of two log lines and rows of the loss table",
       steering, positive()},
      {"train.checkpoint_interval", &c.train.checkpoint_interval, "steps", "distance of two checkpoints",
       steering, positive()},
      {"train.patience", &c.train.patience, "intervals",
       "stop when the held-out loss has not fallen for so long; 0: never", steering, not_negative()},
      {"train.learning_rate", &c.train.learning_rate, "", "peak learning rate, after a warm-up", steering,
       positive()},
      {"train.schedule", &c.train.schedule, "",
       "the learning rate after the warm-up; cosine: to zero; step: a tenth from 20 % of the steps on, a "
       "hundredth from 70 % on",
       steering, one_of({"cosine", "step"})},
      {"train.weight_decay", &c.train.weight_decay, "", "decoupled weight decay (AdamW)", steering,
       not_negative()},
      {"train.ema", &c.train.ema, "", "decay of the averaged weights, which become the model", steering,
       fraction()},
      {"train.keep", &c.train.keep, "",
       "which averaged weights; best: those with the lowest held-out loss; last: those of the last step (the "
       "loss of stellar masses still falls where that of noisier labels rises)",
       steering, one_of({"best", "last"})},
      {"train.gradient_clip", &c.train.gradient_clip, "", "largest gradient norm", steering, positive()},
      {"train.validation_fraction", &c.train.validation_fraction, "",
       "share of host halos that decide when to stop", steering, fraction()},
      {"train.test_fraction", &c.train.test_fraction, "",
       "share of host halos that training never sees: for halobrush evaluate", steering, fraction()},
      {"train.split_shift", &c.train.split_shift, "",
       "turns the hash that splits the host halos: shifts of 0, f, 2 f, ... with test_fraction f test every "
       "host once",
       steering, fraction()},
      {"train.dropout", &c.train.dropout, "",
       "share of the denoiser's hidden features that a step leaves out (small training sets)", steering,
       fraction()},
      {"train.unknown_labels", &c.train.unknown_labels, "",
       "what a network is shown where a label is unknown; flag: that it is (right where that does not depend "
       "on "
       "the labels); noise: a normal number, unawares (e.g. disc fractions that are measured in massive "
       "galaxies "
       "only)",
       steering, one_of({"flag", "noise"})},
      {"train.labels_first", &c.train.labels_first, "",
       "labels form first, from each galaxy's own inputs; then the orientation, which knows them and the "
       "group "
       "(small training sets: what neighbours say would over-fit the labels)",
       steering},
      {"train.normal_scores", &c.train.normal_scores, "",
       "labels diffuse as normal numbers of the same rank (skewed or two-peaked labels); axis ratios as they "
       "are",
       steering},

      {"gan.width", &c.gan.width, "", "channels of the generator and of the critic", steering, between(1, 8192)},
      {"gan.depth", &c.gan.depth, "", "directional graph layers of each", steering, between(1, 256)},
      {"gan.directions", &c.gan.directions, "", "directions of a layer", steering, between(1, 1024)},
      {"gan.critic_steps", &c.gan.critic_steps, "", "steps of the critic to one of the generator", steering,
       between(1, 10'000)},
      {"gan.gradient_penalty", &c.gan.gradient_penalty, "", "weight of the gradient penalty", steering,
       positive()},

      {"stats.r.min", &c.stats.r.min, "Mpc/h", "smallest separation", steering, positive()},
      {"stats.r.max", &c.stats.r.max, "Mpc/h", "largest separation, at most half the box", steering,
       positive()},
      {"stats.r.bins", &c.stats.r.bins, "", "bins of r, of equal width in log r", steering, between(1, 10'000)},
      {"stats.rp.min", &c.stats.rp.min, "Mpc/h", "smallest separation across the line of sight (z)", steering,
       positive()},
      {"stats.rp.max", &c.stats.rp.max, "Mpc/h", "largest separation across the line of sight", steering,
       positive()},
      {"stats.rp.bins", &c.stats.rp.bins, "", "bins of r_p, of equal width in log r_p", steering, between(1, 10'000)},
      {"stats.pi_max", &c.stats.pi_max, "Mpc/h", "projected statistics are integrated over +-pi_max along z",
       steering, positive()},
      {"stats.jackknife", &c.stats.jackknife, "", "jackknife sub-boxes per side of the box; 0: no errors",
       steering, between(0, 64)},
      {"stats.selections", &c.stats.selections, "",
       "sub-samples, name: cut, e.g. massive: log_stellar_mass > 10 and is_central; none given: red, blue, "
       "central, satellite and bins of stellar mass, where the columns exist",
       steering},

      {"validate.columns", &c.validate.columns, "",
       "for a file that is no mock: our column name: its dataset, or dataset[k], or dataset[k] * number",
       steering},
      {"validate.box", &c.validate.box, "Mpc/h", "sides of the periodic box of a file that is no mock",
       steering, none_or_three_positive()},
      {"validate.requirements", &c.validate.requirements, "",
       "YAML file of requirements, or lensing: the built-in set for lensing mocks (default: the built-in set for "
       "all mocks; what was applied is written beside the results)",
       steering},
      {"validate.figures", &c.validate.figures, "", "draw figures where Python with matplotlib is there",
       steering},
      {"validate.two_sample", &c.validate.two_sample, "",
       "train classifiers to tell mock from reference (minutes; Python with scikit-learn)", steering},
      {"validate.nla", &c.validate.nla, "",
       "fit the alignment amplitude A_1 and the galaxy bias (a few seconds; Python with CAMB)", steering},
      {"validate.nla_r", &c.validate.nla_r, "Mpc/h", "they are fitted to the bins of r_p inside", steering,
       least_and_most()},
      {"validate.targets", &c.validate.targets, "",
       "published vectors, statistic: text file (docs/validation.md), e.g. ed_A:massive: sample_1_ed.dat",
       steering},
      {"validate.target_r", &c.validate.target_r, "Mpc/h", "they are compared in the bins inside", steering,
       least_and_most()},
      {"validate.ellipticities", &c.validate.ellipticities, "",
       "observed ellipticities of a sub-sample, selection: text file of one |e| a line, e.g. red: early.dat",
       steering},
      {"validate.ellipticity_definition", &c.validate.ellipticity_definition, "",
       "|e| of those files: epsilon = (1-q)/(1+q) or chi = (1-q^2)/(1+q^2), q the axis ratio of the image",
       steering, one_of({"epsilon", "chi"})},
      {"validate.python", &c.validate.python, "",
       "Python of figures, A_1 and the two-sample test (default: .venv beside python/, then python3)", steering},

      {"calibrate.strengths", &c.calibrate.strengths, "",
       "strengths of section shapes to fit: halo, tide, radius, spin (at log M* = 10.5), halo_slope ... spin_slope, late_share, "
       "nla, torque; to validate.targets inside validate.target_r and calibrate.a_1, from where section shapes has them",
       steering},
      {"calibrate.a_1", &c.calibrate.a_1, "", "the alignment amplitude A_1 that a sub-sample shall have, selection: number, e.g. red: 4",
       steering},
      {"calibrate.same_halos", &c.calibrate.same_halos, "",
       "the targets were measured of galaxies in these very halos: what such a volume has by chance is then no error of the "
       "strengths",
       steering},
      {"calibrate.seeds", &c.calibrate.seeds, "", "mocks that are averaged, of seed, seed + 1, ...", steering, between(2, 1000)},
      {"calibrate.path", &c.calibrate.path, "", "folder of the results", steering},

      {"convert.path", &c.convert.path, "", "catalog to write", steering},
      {"convert.kind", &c.convert.kind, "",
       "galaxies: with labels, to train on and to evaluate with; halos: to paint on", steering,
       one_of({"galaxies", "halos"})},
      {"convert.citation", &c.convert.citation, "", "whom to cite for the input; goes into the catalog",
       steering},
      {"convert.ssfr_floor", &c.convert.ssfr_floor, "log10 1/yr",
       "specific star formation rates below are not resolved", steering, finite()},
      {"convert.ssfr_spread", &c.convert.ssfr_spread, "dex",
       "width below the floor over which quenched galaxies are spread evenly; 0: all at the floor", steering,
       not_negative()},
      {"convert.morphology", &c.convert.morphology, "",
       "table (FITS, HDF5, CSV) with disc fractions; empty: none", steering},
      {"convert.morphology_id", &c.convert.morphology_id, "", "its column of subhalo ids", steering},
      {"convert.morphology_mass", &c.convert.morphology_mass, "",
       "its column of stellar masses (Msun), compared with the catalog's; empty: not compared", steering},
      {"convert.disc_fraction", &c.convert.disc_fraction, "", "its column of disc fractions", steering},
      {"convert.shapes", &c.convert.shapes, "",
       "table with the stellar axes: a, b, c and {a,b,c}v_{x,y,z}; empty: none", steering},
      {"convert.shapes_id", &c.convert.shapes_id, "", "its column of subhalo ids", steering},

      {"limits.memory", &c.limits.memory, "",
       "what each rank may take, such as 3 GiB: a run that needs more is refused before it begins; empty: what the node has, "
       "over its ranks",
       steering, memory()},
      {"limits.wall_time", &c.limits.wall_time, "s",
       "stop cleanly (exit code 75) before this much time has passed; 0: no limit", steering, not_negative()},
      {"limits.margin", &c.limits.margin, "s", "time kept back for stopping", steering, not_negative()},
      {"limits.stop_file", &c.limits.stop_file, "",
       "a file of this name in the staging folder stops the run cleanly", steering, name_of_own_file()},

      {"compute.threads", &c.compute.threads, "", "threads of the networks on each rank", steering,
       between(1, 4096)},
      {"compute.device", &c.compute.device, "", "where networks run; cuda takes one GPU a rank", steering,
       one_of({"cpu", "cuda"})},

      {"log.interval", &c.log.interval, "s", "distance of two progress lines", steering, not_negative()},
  };
}

std::string type_name(const Value& value) {
  static constexpr std::array names = {"true or false",  "integer",         "number",
                                       "text",           "path or list of paths", "list of numbers",
                                       "list of texts",  "three integers",  "two numbers",
                                       "texts by name"};
  return names[value.index()];
}

}  // namespace halobrush::config
