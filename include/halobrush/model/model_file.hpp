// A model on disk: a safetensors file (raw tensors and a JSON header) that holds all that is needed to run
// it. It cannot run code; Python opens it with the `safetensors` package.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "halobrush/catalog/table.hpp"
#include "halobrush/core/geometry.hpp"
#include "halobrush/diffusion/noise.hpp"
#include "halobrush/features/features.hpp"
#include "halobrush/model/mixture.hpp"
#include "halobrush/model/origin.hpp"
#include "halobrush/model/painter.hpp"

namespace halobrush::model {

/// How a label's number becomes the one that diffuses; both are then standardised.
enum class Transform {
  identity,
  logit,            ///< log(y / (1 - y))
  logit_of_b_to_a,  ///< logit of y / (b/a), for c/a: keeps c <= b
  normal_score,     ///< the standard normal number of the same rank (see NormalScores)
};

/// A monotone map from a label to normal numbers, as its training galaxies rank: linear between knots at
/// equal steps of the score from -reach to reach, and beyond them with the mean slope of the outermost unit.
struct NormalScores {
  static constexpr double reach = 3;
  std::vector<double> knots;  ///< values of the label, increasing

  double score(double value) const;
  double value(double score) const;
  double slope(double value) const;  ///< d score / d value
  /// Of at least one value.
  static NormalScores of(std::vector<double> values);
};

/// Where a label lay among the training galaxies, in its own unit. NaN: unknown, in files of older versions.
struct TrainedRange {
  double least = std::numeric_limits<double>::quiet_NaN(), low = least,
         high = least, greatest = least;  ///< low and high: one galaxy in a thousand lies beyond each

  bool known() const { return greatest >= least; }
  /// Of at least one value.
  static TrainedRange of(std::vector<double> values);
};

struct Label {
  catalog::ColumnSpec column;
  Transform transform = Transform::identity;
  double mean = 0, deviation = 1;  ///< after the transform
  NormalScores scores;             ///< of Transform::normal_score
  double lowest = -std::numeric_limits<double>::infinity(),
         highest =
             std::numeric_limits<double>::infinity();  ///< what the label can be: none is painted outside
  TrainedRange trained = {};
};

/// Where the training inputs lie, as one Gaussian: Mahalanobis distance of the standardised invariants (scalars,
/// then norms of polar, axial and tensor inputs). Of models of older versions, whose files have no InputDensity, a
/// galaxy farther than `radius` is out of distribution.
struct InputRange {
  std::vector<double> mean;       ///< [d]
  std::vector<double> precision;  ///< [d, d]
  double radius = 0;              ///< 99.9 % of the training galaxies lie within
};

/// Where the training inputs lie, more closely: a galaxy farther than `distance` from every component of a mixture
/// of Gaussians of the same invariants is out of distribution.
struct InputDensity {
  GaussianMixture mixture;
  double distance = 0;         ///< set by galaxies of the training catalog in hosts that were held out
  std::uint64_t held_out = 0;  ///< how many they were
  double beyond = 0;           ///< their share that lies farther: the rate of false alarms
  bool known() const { return !mixture.empty(); }
};

/// Inputs of some training galaxies, to compare those of a whole catalog with.
struct InputSample {
  std::vector<float> values;  ///< [n, d] invariants of InputRange
  std::vector<float> region;  ///< [n] region_of each: neighbours are not independent
  bool empty() const { return region.empty(); }
};

/// Which host halos trained the model, and which were kept to judge it: by a hash of seed and host id.
struct HostSplit {
  std::int64_t seed = 0;
  double validation_fraction = 0, test_fraction = 0;
  double shift = 0;  ///< turns the hash: other hosts are validated and tested
  bool operator==(const HostSplit&) const = default;
};

/// Conformity that no input tells: how one normal number of each host halo enters the starting noise of the
/// labels of its galaxies (host_factor.hpp). Empty: not at all.
struct HostFactor {
  std::vector<double> satellite, central;  ///< [labels] loadings, of length below 1
  bool empty() const { return satellite.empty(); }
};

/// A host halo of the training catalog, by which that catalog is known again.
struct KnownHost {
  std::int64_t id = 0;
  Vec3 pos;  ///< Mpc/h
};

/// Of generator and critic; depth 0: the model is no GAN.
struct GanShape {
  std::int64_t width = 0, depth = 0, directions = 0;
};

/// Everything about a network but its weights.
struct ModelSpec {
  std::string painter = "graph_diffusion";
  Orientation orientation = Orientation::ellipsoid;
  HostSplit split;
  std::vector<KnownHost> hosts;  ///< some of the halos that were split
  HostFactor host_factor;
  features::FeatureNames inputs;
  std::map<std::string, std::string> units;           ///< of inputs, by name; empty: unknown
  std::vector<double> scalar_mean, scalar_deviation;  ///< [inputs.scalars], as trained
  std::vector<Label> labels;
  /// A training galaxy's unknown label was a standard normal number, and nothing told the network so; false: a
  /// flag did, which is wrong where it depends on other labels whether one is known.
  bool unknown_as_noise = false;
  double radius = 0;            ///< Mpc/h
  bool own_group_only = false;  ///< the environment graph stays inside the host halo
  std::int64_t layers = 0, environment_neighbours = 0, encoder_width = 0, channels = 0, denoiser_width = 0,
               denoiser_depth = 0, group_neighbours = 0;
  GanShape gan;
  diffusion::NoiseRange noise;
  std::int64_t evaluations = 16;  ///< of the network, for one galaxy
  bool distilled = false;         ///< knows only the levels of diffusion::single_steps(evaluations)
  InputRange range;
  InputDensity density = {};
  InputSample sample = {};
  Origin origin;
  std::vector<std::pair<std::string, std::string>>
      provenance;  ///< catalog, hashes, seed, steps, losses, version
};

struct NamedTensor {
  std::string name;
  std::vector<std::int64_t> shape;
  std::vector<float> values;
};

struct ModelFile {
  ModelSpec spec;
  std::vector<NamedTensor> tensors;
  std::string sha256;  ///< of the whole file, set on reading
};

/// Throws model_error: not a safetensors file, truncated, another format version, tensors out of bounds, not
/// finite.
ModelFile read_model(const std::string& path);
/// Writes to a temporary name and renames. Throws io_error.
void write_model(const std::string& path, const ModelFile& model);

}  // namespace halobrush::model
