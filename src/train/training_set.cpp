#include "training_set.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <unordered_set>

#include "halobrush/catalog/numbers.hpp"
#include "halobrush/core/error.hpp"
#include "halobrush/core/random.hpp"
#include "halobrush/core/version.hpp"
#include "halobrush/model/input_range.hpp"
#include "halobrush/model/labels.hpp"
#include "halobrush/networks/network.hpp"
#include "halobrush/mpi/environment.hpp"
#include "halobrush/pipeline/join.hpp"
#include "halobrush/pipeline/origin.hpp"
#include "halobrush/pipeline/pipeline.hpp"

namespace halobrush::train {
namespace {

constexpr double galaxies_per_patch = 0.5;  // of a batch: several patches a step, so that ranks share it

// Inputs that say what is to be learned.
std::vector<std::string> forbidden_inputs(const config::Train& train, model::Orientation orientation) {
  auto labels = train.outputs;
  if (orientation == model::Orientation::spin) labels.emplace_back("galaxy_spin");
  std::vector<std::string> forbidden;
  for (const auto& label : labels)
    for (const auto& name : features::leaks(label)) {
      if (std::ranges::count(train.inputs, name) > 0)
        throw config_error(
            "train.inputs: '{}' is the label '{}' itself (a model would copy it); leave one of them out",
            name, label);
      forbidden.push_back(name);
    }
  return forbidden;
}

features::FeatureNames input_names(const config::Train& train, model::Orientation orientation,
                                   const catalog::Table& halos) {
  const auto known = features::available(halos);
  const auto forbidden = forbidden_inputs(train, orientation);
  features::FeatureNames names;
  for (const auto& feature : known) {
    if (std::ranges::count(forbidden, feature.name) > 0) continue;
    if (!train.inputs.empty() && !std::ranges::count(train.inputs, feature.name)) continue;
    auto& list = feature.kind == features::Kind::scalar  ? names.scalars
                 : feature.kind == features::Kind::polar ? names.polar
                 : feature.kind == features::Kind::axial ? names.axial
                                                         : names.tensors;
    list.push_back(feature.name);
  }
  for (const auto& name : train.inputs)
    if (std::ranges::none_of(known, [&](const auto& f) { return f.name == name; }))
      throw config_error(
          "train.inputs: '{}' is not an input that this catalog offers; see 'halobrush info' on the catalog",
          name);
  return names;
}

std::array<std::int64_t, 3> tiles_for(std::size_t halos, std::int64_t batch) {
  const double patches = static_cast<double>(halos) / (galaxies_per_patch * static_cast<double>(batch));
  const auto side = std::max<std::int64_t>(1, std::llround(std::cbrt(patches)));
  return {side, side, side};
}

// Of the greatest value: what varies less is lost in the single precision of mocks and networks.
constexpr double least_variation = 1e-6;

// Mean and deviation by Welford's recurrence, which loses nothing to a large mean.
class Moments {
 public:
  void add(double v) {
    count_ += 1;
    const double delta = v - mean_;
    mean_ += delta / count_;
    squares_ += delta * (v - mean_);
    greatest_ = std::max(greatest_, std::abs(v));
  }
  double count() const { return count_; }
  double mean() const { return mean_; }
  double greatest() const { return greatest_; }  // absolute value
  double deviation() const { return count_ > 0 ? std::sqrt(squares_ / count_) : 0; }
  bool varies() const { return deviation() > least_variation * greatest_; }

 private:
  double count_ = 0, mean_ = 0, squares_ = 0, greatest_ = 0;
};

// Values of each label in the training galaxies that it is known of, in its own unit.
std::vector<std::vector<double>> known_values(const TrainingSet& set) {
  std::vector<std::vector<double>> values(set.spec.labels.size());
  for (const auto& patch : set.patches)
    for (std::size_t l = 0; l < values.size(); ++l)
      for (std::size_t i = 0; i < patch.split.size(); ++i)
        if (patch.split[i] == Split::training && patch.known[l + 1][i])
          values[l].push_back(patch.labels[l][i]);
  return values;
}

// Enough of the split hosts that a catalog cut from this one shares some.
constexpr std::size_t known_hosts = 64;

// The hosts with labels that come first by a hash, so that they depend on nothing else.
std::vector<model::KnownHost> hosts_of(const TrainingSet& set) {
  std::vector<std::pair<double, model::KnownHost>> hosts;
  std::unordered_set<std::int64_t> seen;
  for (const auto& patch : set.patches) {
    const auto id = patch.patch.halos.get<std::int64_t>("id");
    const auto position = patch.patch.halos.vectors("");
    for (std::size_t i = 0; i < patch.split.size(); ++i)
      if (patch.split[i] != Split::none && patch.host[i] == id[i] && seen.insert(id[i]).second)
        hosts.emplace_back(RandomStream(0, id[i], Purpose::train_split).uniform(),
                           model::KnownHost{id[i], position[i]});
  }
  std::ranges::sort(hosts, {}, [](const auto& host) { return host.first; });
  hosts.resize(std::min(hosts.size(), known_hosts));
  std::vector<model::KnownHost> known;
  for (const auto& [hash, host] : hosts) known.push_back(host);
  return known;
}

// What a label cannot be by its definition: a share lies in [0, 1], and quenched galaxies are spread over a
// range below the floor of star formation that ends where theirs does.
void bound(model::Label& label, const std::vector<double>& values) {
  if (label.column.name == "disc_fraction") label.lowest = 0, label.highest = 1;
  if (label.column.name == "log_ssfr") label.lowest = std::ranges::min(values);
}

// Mocks hold single precision: a label must vary in it, and neither vanish nor overflow.
void check_precision(const std::string& name, const Moments& moments) {
  constexpr double least_deviation = 1e-35, greatest_value = 1e37;
  if (!moments.varies())
    throw data_error(
        "train.outputs: '{}' is constant, or as good as constant in single precision (mean {:g}, deviation {:g} "
        "over {} training galaxies): there is nothing to learn; leave it out, or subtract its mean",
        name, moments.mean(), moments.deviation(), moments.count());
  if (moments.deviation() < least_deviation || moments.greatest() > greatest_value)
    throw data_error(
        "train.outputs: '{}' has values up to {:g} and a deviation of {:g}, which the single precision of a mock "
        "cannot hold; give it in another unit, or its logarithm",
        name, moments.greatest(), moments.deviation());
}

// One value that outweighs the rest sets the scale that all are trained in.
void warn_of_outlier(const std::string& name, const std::vector<double>& values, const Moments& moments, Logger& log) {
  constexpr double enough = 100;  // of fewer, a normal distribution has such a value, too
  constexpr double share_of_variance = 0.25;
  const auto deviations = [&](double v) { return std::abs(v - moments.mean()) / moments.deviation(); };
  const double farthest = *std::ranges::max_element(values, {}, deviations);
  if (moments.count() < enough || std::pow(deviations(farthest), 2) < share_of_variance * moments.count()) return;
  log.warn("train.outputs: '{}': one galaxy has {:g}, where the mean of {} galaxies is {:g} and their deviation {:g}: it makes more than a "
           "quarter of their variance; if it is no measurement, leave that galaxy out",
           name, farthest, moments.count(), moments.mean(), moments.deviation());
}

void choose_transforms(TrainingSet& set, bool normal_scores, Logger& log) {
  const auto values = known_values(set);
  for (std::size_t l = 0; l < values.size(); ++l) {
    auto& label = set.spec.labels[l];
    if (values[l].empty())
      throw data_error("train.outputs: '{}' is known of no galaxy to train on; leave it out",
                       label.column.name);
    Moments moments;
    for (const double v : values[l]) moments.add(v);
    check_precision(label.column.name, moments);
    warn_of_outlier(label.column.name, values[l], moments, log);
    bound(label, values[l]);
    label.trained = model::TrainedRange::of(values[l]);
    if (!normal_scores || label.transform != model::Transform::identity) continue;
    label.transform = model::Transform::normal_score;
    label.scores = model::NormalScores::of(values[l]);
  }
}

void normalise_labels(TrainingSet& set) {
  auto& labels = set.spec.labels;
  std::vector<Moments> moments(labels.size());
  for (const auto& patch : set.patches) {
    const auto plain = model::encode_labels(labels, patch.labels);
    for (std::size_t i = 0; i < patch.split.size(); ++i)
      for (std::size_t l = 0; l < labels.size(); ++l)
        if (patch.split[i] == Split::training && patch.known[l + 1][i])
          moments[l].add(plain[i * labels.size() + l]);
  }
  for (std::size_t l = 0; l < labels.size(); ++l) {
    if (!moments[l].varies())
      throw data_error(
          "train.outputs: '{}' follows from the labels before it (c_to_a in proportion to b_to_a), or cannot be "
          "transformed: there is nothing to learn; leave it out",
          labels[l].column.name);
    labels[l].mean = moments[l].mean();
    labels[l].deviation = moments[l].deviation();
  }
}

// Inputs of the galaxies of one part of the catalog, each once.
model::LabelledInputs inputs_of(const TrainingSet& set, Split split) {
  model::LabelledInputs all;
  std::unordered_set<std::int64_t> seen;
  for (const auto& patch : set.patches) {
    const auto id = patch.patch.halos.get<std::int64_t>("id");
    const auto position = patch.patch.halos.vectors("");
    std::vector<std::size_t> rows;
    for (std::size_t i = 0; i < patch.split.size(); ++i) {
      if (patch.split[i] != split || !seen.insert(id[i]).second) continue;
      rows.push_back(i);
      all.id.push_back(id[i]);
      all.region.push_back(model::region_of(position[i], set.spec.origin.simulation.box));
    }
    const auto part = features::assemble(patch.patch.halos.select(rows), set.spec.inputs);
    const auto append = [](auto& to, const auto& from) { to.insert(to.end(), from.begin(), from.end()); };
    all.nodes.nodes += part.nodes;
    append(all.nodes.scalars, part.scalars);
    append(all.nodes.polar, part.polar);
    append(all.nodes.axial, part.axial);
    append(all.nodes.tensors, part.tensors);
  }
  return all;
}

void normalise_inputs(TrainingSet& set, Logger& log) {
  const auto training = inputs_of(set, Split::training);
  const auto& inputs = training.nodes;
  const auto s = set.spec.inputs.scalars.size();
  std::vector<Moments> moments(s);
  for (std::size_t i = 0; i < inputs.nodes; ++i)
    for (std::size_t k = 0; k < s; ++k) moments[k].add(inputs.scalars[i * s + k]);
  for (const auto& m : moments) {
    set.spec.scalar_mean.push_back(m.mean());
    set.spec.scalar_deviation.push_back(m.varies() ? m.deviation() : 1);  // 1: an input that never varies
  }
  auto& spec = set.spec;
  spec.range = model::fit_input_range(inputs, spec);
  spec.density = model::fit_input_density(training, inputs_of(set, Split::validation), spec);
  spec.sample = model::sample_inputs(training, spec);
  log.info("train: {:.2f} % of {} galaxies held out lie beyond the range of inputs ({} Gaussians); so many false alarms has out_of_distribution",
           100 * spec.density.beyond, spec.density.held_out, spec.density.mixture.components());
}

double least(const TrainingSet& set, const std::string& column) {
  double least = std::numeric_limits<double>::quiet_NaN();
  for (const auto& patch : set.patches) {
    if (!patch.patch.halos.has(column)) continue;
    const auto values = catalog::numbers(patch.patch.halos, column);
    for (std::size_t i = 0; i < patch.split.size(); ++i)
      if (patch.split[i] == Split::training) least = std::fmin(least, values[i]);
  }
  return least;
}

model::Origin origin_of(const config::Config& config, const catalog::HaloCatalog& halos,
                        const TrainingSet& set) {
  auto origin = pipeline::origin_of(config, halos.simulation, halos.source.format);
  origin.galaxies = set.training;
  origin.least_mass = least(set, "mass");
  origin.least_vmax = least(set, "vmax");
  origin.least_particles = least(set, "n_particles");
  return origin;
}

std::map<std::string, std::string> units_of(const features::FeatureNames& names,
                                            const catalog::Table& halos) {
  std::map<std::string, std::string> units;
  for (const auto& feature : features::available(halos))
    for (const auto* list : {&names.scalars, &names.polar, &names.axial, &names.tensors})
      if (std::ranges::count(*list, feature.name) > 0) units[feature.name] = feature.unit;
  return units;
}

model::ModelSpec spec_for(const config::Config& config) {
  const auto& train = config.train;
  model::ModelSpec spec;
  spec.noise = {train.rotation_noise[0], train.rotation_noise[1], train.label_noise[0], train.label_noise[1],
                train.labels_first && train.painter != "graph_gan"};
  spec.split = {config.seed, train.validation_fraction, train.test_fraction, train.split_shift};
  if (spec.noise.labels_first) spec.evaluations = 2 * spec.evaluations + 1;  // the same steps for each part
  spec.unknown_as_noise = train.unknown_labels == "noise";
  spec.own_group_only = train.environment == "group";
  spec.environment_neighbours = train.environment_neighbours;
  spec.radius = train.radius;
  spec.layers = train.layers;
  spec.encoder_width = train.encoder_width;
  spec.channels = train.channels;
  spec.denoiser_width = train.denoiser_width;
  spec.denoiser_depth = train.denoiser_depth;
  spec.group_neighbours = train.group_neighbours;
  spec.painter = train.painter;
  if (spec.painter == "graph_gan") spec.gan = {config.gan.width, config.gan.depth, config.gan.directions};
  if (spec.painter != "graph_diffusion") spec.radius = 0, spec.layers = 0;  // no environment graph
  if (spec.painter == "diffusion") spec.group_neighbours = 0;               // nor one of the group
  return spec;
}

// The galaxies of train.more_catalogs to train on, patch by patch; those held out are judged once, by train.catalog.
// Returns how each catalog joins the halos.
std::string add_draws(const config::Train& train, const pipeline::GalaxyLabels& first,
                      const catalog::HaloCatalog& halos, TrainingSet& set, Logger& log) {
  const auto self = mpi::alone();
  const auto columns = [](const pipeline::GalaxyLabels& galaxies) {
    std::vector<std::pair<std::string, std::string>> all;
    for (const auto& label : galaxies.labels()) all.emplace_back(label.column.name, label.column.unit);
    return all;
  };
  const auto patches = set.patches.size();
  std::string joined;
  for (const auto& path : train.more_catalogs) {
    const pipeline::GalaxyLabels galaxies(path, train.outputs, train.orientation);
    if (galaxies.orientation() != first.orientation() || columns(galaxies) != columns(first))
      throw data_error("train.more_catalogs: {} has another kind of orientation, or other units of labels, than {}; "
                       "give draws of the same labels", path, first.path());
    joined += '\n';
    joined += pipeline::check_join(galaxies, halos, self, log);
    for (std::size_t p = 0; p < patches; ++p) {
      auto patch = galaxies.join(set.patches[p].patch, set.spec.split);
      for (auto& split : patch.split)
        if (split != Split::training) split = Split::none;
      set.patches.push_back(std::move(patch));
    }
  }
  return joined;
}

// Keys that shape a diffusion may stay in a config that trains a GAN for comparison.
void say_what_a_gan_ignores(const config::Train& train, Logger& log) {
  if (train.painter != "graph_gan") return;
  std::vector<std::string> ignored;
  if (train.labels_first) ignored.emplace_back("train.labels_first");
  if (train.noise_levels != "uniform") ignored.emplace_back("train.noise_levels");
  if (train.dropout > 0) ignored.emplace_back("train.dropout");
  if (!ignored.empty()) log.info("train: graph_gan has no use for {}", fmt::join(ignored, ", "));
}

}  // namespace

TrainingSet load_training_set(const config::Config& config, Logger& log) {
  const auto self = mpi::alone();
  StageTimes times;
  const auto halos = pipeline::load_halos(config, self, times, log);
  const pipeline::GalaxyLabels galaxies(config.train.catalog, config.train.outputs, config.train.orientation);
  auto joined = pipeline::check_join(galaxies, halos, self, log);

  say_what_a_gan_ignores(config.train, log);
  TrainingSet set;
  set.spec = spec_for(config);
  set.spec.orientation = galaxies.orientation();
  set.spec.labels = galaxies.labels();
  set.spec.inputs = input_names(config.train, set.spec.orientation, halos.halos);
  set.spec.units = units_of(set.spec.inputs, halos.halos);
  const auto box = pipeline::box_of(halos.simulation);
  auto owned = domain::Ownership::of(box, tiles_for(halos.halos.rows(), config.train.batch), true, halos.halos, self);
  auto tiles = owned.all_tiles();
  const domain::Distribution distribution(box, std::move(owned), halos.halos,
                                          pipeline::ghost_width(config, networks::needs_of(set.spec)), std::move(tiles), self);
  pipeline::for_each_patch(config, distribution, self, [&](domain::Patch patch) {
    if (patch.owned > 0) set.patches.push_back(galaxies.join(std::move(patch), set.spec.split));
  });
  joined += add_draws(config.train, galaxies, halos, set, log);
  auto catalogs = config.train.more_catalogs;
  catalogs.insert(catalogs.begin(), config.train.catalog);
  set.spec.provenance = {{"halobrush", version()},
                         {"training_galaxies", fmt::format("{}", fmt::join(catalogs, ", "))},
                         {"training_halos", halos.source.path},
                         {"training_halos_sha256", halos.source.sha256},
                         {"join", joined},
                         {"config", config::to_yaml(config)}};

  for (const auto& patch : set.patches) {
    set.training += static_cast<std::size_t>(std::ranges::count(patch.split, Split::training));
    set.validation += static_cast<std::size_t>(std::ranges::count(patch.split, Split::validation));
  }
  if (set.training == 0 || set.validation == 0)
    throw data_error(
        "{}: {} galaxies to train on and {} to validate with match halos of {} by halo_id; give the halos "
        "that the "
        "galaxies live in, and a train.validation_fraction that leaves both",
        config.train.catalog, set.training, set.validation, config.input.path.brief());
  set.spec.origin = origin_of(config, halos, set);
  set.spec.hosts = hosts_of(set);
  choose_transforms(set, config.train.normal_scores, log);
  normalise_labels(set);
  normalise_inputs(set, log);
  log.info("train: {} galaxies, {} held out by host halo, {} patches", set.training, set.validation,
           set.patches.size());
  return set;
}

}  // namespace halobrush::train
