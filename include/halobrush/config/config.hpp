// Every setting of a run, as plain structs with their defaults. Keys are declared, with type, unit and
// meaning, in src/config/keys.cpp; `halobrush describe-config` prints them. Paths are relative to the working
// directory.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <vector>

namespace halobrush::config {

inline constexpr double unset = std::numeric_limits<double>::quiet_NaN();

/// A file, a folder or a pattern such as `lists/*.list`; or several of them.
struct Paths {
  std::vector<std::string> each;

  bool empty() const { return each.empty(); }
  /// For messages: the first one, and how many more there are.
  std::string brief() const;
  bool operator==(const Paths&) const = default;
};

struct Input {
  Paths path;
  std::string format = "auto";  ///< columns where `columns` names some
  std::map<std::string, std::string> columns;  ///< our name: dataset of an HDF5 file of another layout, and its unit
  std::string mass_definition;
  std::string orphans = "error";
  double box_size = unset;
  std::vector<double> units;
  double scale_factor = unset;
  std::int64_t min_particles = 20;
  double min_mass = 0;
  double min_vmax = 0;
  std::string host_mass = "main";
};

struct Output {
  std::string path = "mock.hdf5";
  std::string staging;
  std::vector<std::string> accept;
  std::map<std::string, std::string> hints;
  std::int64_t alignment = 0;
  std::string index = "none";
};

struct Cosmology {
  double omega_m = unset;
  double h = unset;
  double omega_b = unset;
  double sigma_8 = unset;
  double n_s = unset;
};

struct Density {
  std::string file;
  std::string dataset = "delta";
};

struct Field {
  std::int64_t mesh = 128;
  std::vector<double> smoothing = {1, 4};
};

struct Domain {
  std::array<std::int64_t, 3> tiles = {8, 1, 1};
  bool balance = true;
  std::int64_t max_halos = 100'000;
  double ghost_width = 0;
};

struct Painter {
  std::string kind = "auto";
  std::string model;
  std::string axes;
  std::string sampler = "auto";
  std::int64_t steps = 0;
  std::vector<double> frame = {1, 0, 0, 0, 1, 0, 0, 0, 1};
  bool host_factor = true;
  std::vector<std::string> accept;
};

/// The stated law of the analytic painter (model/analytic.hpp); red and blue galaxies apart where two numbers stand.
struct AnalyticLaw {
  double log_m1 = 11.590, norm = 0.0351, beta = 1.376, gamma = 0.608;  ///< Moster et al. 2013, Table 1, z = 0
  double stellar_mass_scatter = 0.18;
  double red_centre = 10.4, red_width = 0.35, red_satellite_boost = 0.25;
  std::array<double, 2> color_red = {0.75, 0.05}, color_blue = {0.45, 0.09};
  std::array<double, 2> size_red = {0.45, 0.56}, size_blue = {0.62, 0.22};
  double size_scatter = 0.15;
  std::array<double, 2> b_to_a_red = {1.4, 0.6}, b_to_a_blue = {1.7, 0.7};
  std::array<double, 2> c_to_b_red = {0.9, 0.5}, c_to_b_blue = {-0.4, 0.6};
  std::array<double, 2> kappa_a_red = {3.0, 1.5}, kappa_a_blue = {1.0, 0.8};
  std::array<double, 2> kappa_c_red = {1.5, 0.8}, kappa_c_blue = {2.5, 1.0};
  double satellite_kappa_a = 1.5, satellite_kappa_c = 0.0;
  double hidden_kappa = 0;
};

/// The stated law of axes and ratios, given mass, colour and spin (docs/lensing.md). Strengths: at log M* = 10.5, slope.
struct Shapes {
  double early_centre = 0.65, early_width = 0.083, early_disc = 4;
  std::array<double, 2> b_to_a_early = {3.13, 0.86}, b_to_a_late = {1.04, 0.91};
  std::array<double, 2> c_to_b_early = {1.37, 0.74}, c_to_b_late = {-0.02, 0.33};
  std::array<double, 2> halo = {0, 1.2}, tide = {0, 2.4}, radius = {0, 1.75}, spin = {8, 0};
  double late_share = 0;
  double smoothing = 3;
  double nla = 0, density_exponent = 0, torque = 0;
};

/// Orientations of the galaxies of finished catalogs (docs/align.md).
struct Align {
  std::string early = "bulge_to_total > 0.5";
  std::array<double, 2> halo = {2, 2}, radius = {0.3, 0.7};
  double late_share = 0;
  double bulge_scatter = 20;
};

/// A light cone out of painted snapshots (docs/lightcone.md).
struct LightCone {
  std::vector<std::string> snapshots;
  std::vector<double> observer = {0, 0, 0};
  std::array<double, 2> redshift = {0, 0};
  std::string sky = "full";
  std::array<double, 2> centre = {0, 0};
  double radius = 0;
  bool beyond = false;
  bool turn = false;
  std::string files = "one";
};

struct Train {
  std::string painter = "graph_diffusion";
  std::string catalog;
  std::vector<std::string> more_catalogs;
  std::string model = "model.safetensors";
  std::string checkpoint;
  std::vector<std::string> inputs;
  std::vector<std::string> outputs = {"log_stellar_mass", "color_gr", "log_size", "b_to_a", "c_to_a"};
  std::string teacher;
  std::int64_t evaluations = 8;
  std::string orientation = "auto";
  std::string environment = "radius";
  double radius = 3.0;
  std::int64_t environment_neighbours = 64;
  std::int64_t layers = 2, encoder_width = 64, channels = 8, denoiser_width = 48, denoiser_depth = 4;
  std::int64_t group_neighbours = 16;
  std::array<double, 2> rotation_noise = {0.03, 3}, label_noise = {0.02, 15};
  std::string noise_levels = "uniform";
  std::int64_t steps = 4000, batch = 1024, noise_draws = 1, interval = 100, checkpoint_interval = 500;
  std::int64_t patience = 0;
  std::string schedule = "cosine";
  double learning_rate = 3e-3, weight_decay = 0.05, ema = 0.998, gradient_clip = 1.0;
  double dropout = 0;
  bool normal_scores = false, labels_first = false;
  std::string unknown_labels = "flag", keep = "best";
  double validation_fraction = 0.15, test_fraction = 0, split_shift = 0;
};

/// Generator and critic of train.painter: graph_gan.
struct Gan {
  std::int64_t width = 64, depth = 3, directions = 4, critic_steps = 4;
  double gradient_penalty = 10;
};

/// What is measured of a catalog, and how (docs/validation.md). Separations in Mpc/h, bins of equal width in
/// log r.
struct Stats {
  struct Bins {
    double min = 0.1, max = 31.6;
    std::int64_t bins = 14;
  };
  Bins r, rp;
  double pi_max = 20;
  std::int64_t jackknife = 4;
  std::map<std::string, std::string> selections;  ///< name: cut
};

struct Validate {
  std::map<std::string, std::string> columns;  ///< our name: dataset of a file of another layout
  std::vector<double> box;
  std::string requirements;
  bool figures = true;
  bool two_sample = false;
  bool nla = true;
  std::array<double, 2> nla_r = {6, 32};
  std::map<std::string, std::string> targets;  ///< statistic, or statistic:selection: file
  std::array<double, 2> target_r = {0.1, 32};
  std::map<std::string, std::string> ellipticities;  ///< selection: file
  std::string ellipticity_definition = "epsilon";
  std::string python;
};

/// To what the strengths of the law of shapes are fitted, beside validate.targets (docs/lensing.md).
struct Calibrate {
  std::vector<std::string> strengths;
  std::map<std::string, std::string> a_1;  ///< selection: wanted A_1
  bool same_halos = false;
  std::int64_t seeds = 8;
  std::string path = "calibration";
};

struct Convert {
  std::string path = "catalog.hdf5";
  std::string kind = "galaxies";
  std::string citation;
  double ssfr_floor = -12.5, ssfr_spread = 1;
  std::string morphology, morphology_id = "gal_id", morphology_mass = "mass", disc_fraction = "f_disk_2d";
  std::string shapes, shapes_id = "gal_id";
};

struct Limits {
  std::string memory;
  double wall_time = 0;
  double margin = 60;
  std::string stop_file = "stop";
};

struct Compute {
  std::int64_t threads = 1;
  std::string device = "cpu";
};

struct Log {
  double interval = 10;
};

struct Config {
  std::int64_t seed = 1;
  Input input;
  Output output;
  Cosmology cosmology;
  Density density;
  Field field;
  Domain domain;
  Painter painter;
  AnalyticLaw analytic;
  Shapes shapes;
  Align align;
  LightCone lightcone;
  Train train;
  Gan gan;
  Stats stats;
  Validate validate;
  Calibrate calibrate;
  Convert convert;
  Limits limits;
  Compute compute;
  Log log;

  std::string staging() const { return output.staging.empty() ? output.path + ".staging" : output.staging; }
};

/// Reads a YAML file (none when `path` is empty), then applies `--set section.key=value` texts in order.
/// Throws config_error listing every problem (unknown keys with the nearest known one, wrong types, values
/// out of range), one a line: `file:line: key: problem; what to do`. Not collective: call it inside
/// mpi::agree.
Config load(const std::string& path, const std::vector<std::string>& overrides);

/// The same for a text that stands elsewhere, e.g. in a mock's provenance; `name` is what errors call it.
Config parse(const std::string& yaml, const std::string& name, const std::vector<std::string>& overrides);

/// The resolved configuration as YAML; reading it back gives the same Config.
std::string to_yaml(const Config& config);

/// What decides the rows of a mock: the keys (with values) that a staging directory must have been made with.
/// Lines `key: value`, sorted as declared; keys that only steer a run (threads, limits, log, output) are left
/// out.
std::vector<std::pair<std::string, std::string>> science_keys(const Config& config);

/// Names of all sections, and `seed`.
std::vector<std::string> sections();
/// Those that a YAML file gives, in its order. Throws config_error as load.
std::vector<std::string> sections_given(const std::string& path);

/// The table of every key of a section (all: empty): name, type, unit, default, meaning.
std::string describe(const std::string& section = {});
/// The same as a configuration with the default values; keys without one are comments.
std::string template_yaml(const std::string& section = {});

}  // namespace halobrush::config
