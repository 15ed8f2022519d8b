#include "training_set.hpp"

#include <mpi.h>

#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "halobrush/catalog/mock.hpp"
#include "halobrush/core/error.hpp"
#include "halobrush/core/random.hpp"
#include "halobrush/core/version.hpp"
#include "halobrush/model/diffusion.hpp"
#include "halobrush/model/input_range.hpp"
#include "halobrush/pipeline/pipeline.hpp"
#include "halobrush/so3/rotation.hpp"

namespace halobrush::train {
namespace {

constexpr double galaxies_per_patch = 0.5;  // of a batch: several patches a step, so that ranks share it

model::Label label_named(const std::string& name, const std::vector<catalog::Column>& columns) {
  const auto found = std::ranges::find_if(columns, [&](const auto& c) { return c.spec.name == name; });
  if (found == columns.end()) throw internal_error("label '{}' was not read", name);
  model::Label label;
  label.column = found->spec;
  if (name == "b_to_a") label.transform = model::Transform::logit;
  if (name == "c_to_a") label.transform = model::Transform::logit_of_b_to_a;
  return label;
}

features::FeatureNames input_names(const config::Train& train, const catalog::Table& halos) {
  const auto known = features::available(halos);
  features::FeatureNames names;
  for (const auto& feature : known) {
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

std::vector<double> as_double(const catalog::Table& table, const std::string& name) {
  for (const auto& column : table.columns())
    if (column.spec.name == name)
      return std::visit([](const auto& values) { return std::vector<double>(values.begin(), values.end()); },
                        column.data);
  throw internal_error("column '{}' was not read", name);
}

// [rows] columns: the axes as the catalog has them.
std::vector<Mat3> frames_of(const catalog::Table& galaxies) {
  std::vector<Mat3> frames(galaxies.rows());
  for (int axis = 0; axis < 3; ++axis)
    for (int k = 0; k < 3; ++k) {
      const auto values = as_double(galaxies, fmt::format("galaxy_axis{}_{}", "ABC"[axis], "xyz"[k]));
      for (std::size_t i = 0; i < frames.size(); ++i) frames[i](k, axis) = values[i];
    }
  return frames;
}

// Held out by host halo, so that a group is never in both parts.
Split split_of(std::int64_t host, const config::Config& config) {
  RandomStream random(static_cast<std::uint64_t>(config.seed), host, Purpose::train_split);
  return random.uniform() < config.train.validation_fraction ? Split::validation : Split::training;
}

class Joiner {
 public:
  Joiner(const config::Config& config, const catalog::Table& galaxies,
         const std::vector<model::Label>& labels)
      : config_(config), frames_(frames_of(galaxies)), names_(labels) {
    const auto halo_id = galaxies.get<std::int64_t>("halo_id");
    for (std::size_t i = 0; i < halo_id.size(); ++i)
      if (!row_.emplace(halo_id[i], i).second)
        throw data_error("{}: halo_id {}: two galaxies in one halo (one is painted per halo); keep one",
                         config.train.catalog, halo_id[i]);
    for (const auto& label : labels) columns_.push_back(as_double(galaxies, label.column.name));
  }

  LabelledPatch join(domain::Patch patch) const {
    LabelledPatch out;
    const auto id = patch.halos.get<std::int64_t>("id");
    const auto host = patch.halos.get<std::int64_t>("host_id");
    out.labels.resize(columns_.size());
    for (std::size_t i = 0; i < patch.owned; ++i) {
      const auto found = row_.find(id[i]);
      out.host.push_back(host[i]);
      out.split.push_back(found == row_.end() ? Split::none : split_of(host[i], config_));
      out.frame.push_back(found == row_.end() ? Mat3::Identity() : checked_frame(found->second, id[i]));
      for (std::size_t l = 0; l < columns_.size(); ++l)
        out.labels[l].push_back(found == row_.end() ? neutral(l) : checked_label(l, found->second, id[i]));
    }
    out.patch = std::move(patch);
    return out;
  }

 private:
  Mat3 checked_frame(std::size_t row, std::int64_t id) const {
    const Mat3& frame = frames_[row];
    if (!so3::is_rotation(frame, 1e-4))
      throw data_error(
          "{}: halo_id {}: its axes are not a right-handed orthonormal frame; mend "
          "galaxy_axis{{A,B,C}}_{{x,y,z}}",
          config_.train.catalog, id);
    return so3::orthonormalised(frame);
  }
  double checked_label(std::size_t l, std::size_t row, std::int64_t id) const {
    const double value = columns_[l][row];
    if (!std::isfinite(value))
      throw data_error("{}: halo_id {}: {} is {}; remove the galaxy, or the column from train.outputs",
                       config_.train.catalog, id, names_[l].column.name, value);
    return value;
  }
  double neutral(std::size_t l) const {
    return names_[l].transform == model::Transform::identity ? 0.0 : 0.5;
  }

  const config::Config& config_;
  std::vector<Mat3> frames_;
  std::unordered_map<std::int64_t, std::size_t> row_;
  std::vector<std::vector<double>> columns_;
  std::vector<model::Label> names_;
};

struct Moments {
  double count = 0, sum = 0, squares = 0;
  void add(double v) { count += 1, sum += v, squares += v * v; }
  double mean() const { return count > 0 ? sum / count : 0; }
  double deviation() const {
    const double variance = count > 0 ? squares / count - mean() * mean() : 0;
    return variance > 1e-10 ? std::sqrt(variance) : 1;
  }
};

void normalise_labels(TrainingSet& set) {
  auto& labels = set.spec.labels;
  std::vector<Moments> moments(labels.size());
  for (const auto& patch : set.patches) {
    const auto plain = model::encode_labels(labels, patch.labels);
    for (std::size_t i = 0; i < patch.split.size(); ++i)
      if (patch.split[i] == Split::training)
        for (std::size_t l = 0; l < labels.size(); ++l) moments[l].add(plain[i * labels.size() + l]);
  }
  for (std::size_t l = 0; l < labels.size(); ++l) {
    labels[l].mean = moments[l].mean();
    labels[l].deviation = moments[l].deviation();
  }
}

// Inputs of every labelled galaxy, for normalisation and for the range within which the model knows its way.
features::NodeFeatures training_inputs(const TrainingSet& set) {
  features::NodeFeatures all;
  for (const auto& patch : set.patches) {
    std::vector<std::size_t> rows;
    for (std::size_t i = 0; i < patch.split.size(); ++i)
      if (patch.split[i] == Split::training) rows.push_back(i);
    const auto part = features::assemble(patch.patch.halos.select(rows), set.spec.inputs);
    all.nodes += part.nodes;
    all.scalars.insert(all.scalars.end(), part.scalars.begin(), part.scalars.end());
    all.polar.insert(all.polar.end(), part.polar.begin(), part.polar.end());
    all.axial.insert(all.axial.end(), part.axial.begin(), part.axial.end());
    all.tensors.insert(all.tensors.end(), part.tensors.begin(), part.tensors.end());
  }
  return all;
}

void normalise_inputs(TrainingSet& set) {
  const auto inputs = training_inputs(set);
  const auto s = set.spec.inputs.scalars.size();
  std::vector<Moments> moments(s);
  for (std::size_t i = 0; i < inputs.nodes; ++i)
    for (std::size_t k = 0; k < s; ++k) moments[k].add(inputs.scalars[i * s + k]);
  for (const auto& m : moments) {
    set.spec.scalar_mean.push_back(m.mean());
    set.spec.scalar_deviation.push_back(m.deviation());
  }
  set.spec.range = model::fit_input_range(inputs, set.spec);
}

std::vector<std::string> columns_to_read(const config::Train& train) {
  std::vector<std::string> names = {"halo_id"};
  for (const char* axis : {"A", "B", "C"})
    for (const char* c : {"x", "y", "z"}) names.push_back(fmt::format("galaxy_axis{}_{}", axis, c));
  names.insert(names.end(), train.outputs.begin(), train.outputs.end());
  return names;
}

model::ModelSpec spec_for(const config::Train& train) {
  model::ModelSpec spec;
  spec.radius = train.radius;
  spec.layers = train.layers;
  spec.encoder_width = train.encoder_width;
  spec.channels = train.channels;
  spec.denoiser_width = train.denoiser_width;
  spec.denoiser_depth = train.denoiser_depth;
  spec.group_neighbours = train.group_neighbours;
  return spec;
}

}  // namespace

TrainingSet load_training_set(const config::Config& config, Logger& log) {
  const mpi::Communicator self(MPI_COMM_SELF);
  StageTimes times;
  const auto halos = pipeline::load_halos(config, self, times, log);
  const auto mock = catalog::read_mock(config.train.catalog, columns_to_read(config.train), self);

  TrainingSet set;
  set.spec = spec_for(config.train);
  set.spec.inputs = input_names(config.train, halos.halos);
  for (const auto& name : config.train.outputs)
    set.spec.labels.push_back(label_named(name, mock.galaxies.columns()));
  set.spec.provenance = {{"halobrush", version()},
                         {"training_galaxies", config.train.catalog},
                         {"training_halos", halos.source.path},
                         {"training_halos_sha256", halos.source.sha256},
                         {"config", config::to_yaml(config)}};

  const auto box = pipeline::box_of(halos.simulation);
  const auto tiling =
      domain::Tiling::balanced(box, tiles_for(halos.halos.rows(), config.train.batch), halos.halos, self);
  std::vector<std::int64_t> tiles;
  for (std::int64_t t = 0; t < tiling.count(); ++t) tiles.push_back(t);
  const Joiner joiner(config, mock.galaxies, set.spec.labels);
  const double ghosts = config.train.radius * static_cast<double>(config.train.layers);
  for (auto& patch :
       domain::distribute(box, tiling, halos.halos, ghosts, tiles, std::vector<int>(tiles.size(), 0), self))
    if (patch.owned > 0) set.patches.push_back(joiner.join(std::move(patch)));

  for (const auto& patch : set.patches) {
    set.training += static_cast<std::size_t>(std::ranges::count(patch.split, Split::training));
    set.validation += static_cast<std::size_t>(std::ranges::count(patch.split, Split::validation));
  }
  if (set.training == 0 || set.validation == 0)
    throw data_error(
        "{}: {} galaxies to train on and {} to validate with match halos of {} by halo_id; give the halos "
        "that the "
        "galaxies live in, and a train.validation_fraction that leaves both",
        config.train.catalog, set.training, set.validation, config.input.path);
  normalise_labels(set);
  normalise_inputs(set);
  log.info("train: {} galaxies, {} held out by host halo, {} patches", set.training, set.validation,
           set.patches.size());
  return set;
}

}  // namespace halobrush::train
