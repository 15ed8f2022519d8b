// A model on disk: a safetensors file (raw tensors and a JSON header) that holds all that is needed to run
// it. It cannot run code; Python opens it with the `safetensors` package.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "halobrush/catalog/table.hpp"
#include "halobrush/diffusion/noise.hpp"
#include "halobrush/features/features.hpp"
#include "halobrush/model/painter.hpp"

namespace halobrush::model {

/// How a label's number becomes the one that diffuses; both are then standardised.
enum class Transform {
  identity,
  logit,            ///< log(y / (1 - y))
  logit_of_b_to_a,  ///< logit of y / (b/a), for c/a: keeps c <= b
};

struct Label {
  catalog::ColumnSpec column;
  Transform transform = Transform::identity;
  double mean = 0, deviation = 1;  ///< after the transform
};

/// Where the training inputs lie: Mahalanobis distance of the standardised invariants (scalars, then norms of
/// polar, axial and tensor inputs). A galaxy farther than `radius` is out of distribution.
struct InputRange {
  std::vector<double> mean;       ///< [d]
  std::vector<double> precision;  ///< [d, d]
  double radius = 0;              ///< 99.9 % of the training galaxies lie within
};

/// Which host halos trained the model, and which were kept to judge it: by a hash of seed and host id.
struct HostSplit {
  std::int64_t seed = 0;
  double validation_fraction = 0, test_fraction = 0;
  bool operator==(const HostSplit&) const = default;
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
  features::FeatureNames inputs;
  std::vector<double> scalar_mean, scalar_deviation;  ///< [inputs.scalars], as trained
  std::vector<Label> labels;
  double radius = 0;            ///< Mpc/h
  bool own_group_only = false;  ///< the environment graph stays inside the host halo
  std::int64_t layers = 0, environment_neighbours = 0, encoder_width = 0, channels = 0, denoiser_width = 0,
               denoiser_depth = 0, group_neighbours = 0;
  GanShape gan;
  diffusion::NoiseRange noise;
  std::int64_t evaluations = 16;  ///< of the network, for one galaxy
  bool distilled = false;         ///< knows only the levels of diffusion::single_steps(evaluations)
  InputRange range;
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
