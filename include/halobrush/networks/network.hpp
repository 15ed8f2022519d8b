// The graph-diffusion network: an E(3)-equivariant encoder of the environment, run once per galaxy, and a
// small body-frame denoiser over the group graph, run at every noise level. Includes torch; only networks and
// train include this header.
//
// Symmetry. The encoder keeps scalar, polar, axial and tensor channels apart and hands on only what is even
// under inversion (scalars, axial vectors, symmetric tensors), so reflections are exact too. The denoiser
// sees those in the galaxy's own noisy frame R (R^T a, R^T T R), so its outputs do not change when everything
// is rotated. An ellipsoid is the same after R -> R D, D in D2: the denoiser's layers are group convolutions
// over D2, written out as plain dense layers with tied weights, so p(R D) = p(R) holds exactly at no extra
// cost. A spin is a signed axis, the last column of R, and has no such symmetry.
//
// With the labels first (NoiseRange::labels_first), a perceptron of its own denoises them from the galaxy's
// own inputs; all the rest serves the orientation.
#pragma once

#include <torch/types.h>

#include <array>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "halobrush/model/model_file.hpp"
#include "halobrush/model/painter.hpp"

namespace halobrush::networks {

using namespace model;  // a network is made of what a model file says, and is a painter

/// y = x weight + bias; weight [in, out], bias [out].
struct Dense {
  torch::Tensor weight, bias;
};
enum class Activation { none, silu };
torch::Tensor dense(const torch::Tensor& x, const Dense& layer, Activation activation = Activation::none);

/// The rotations R -> R D that leave a galaxy as it is.
enum class Symmetry { none, d2 };
Symmetry symmetry_of(Orientation orientation);

/// What a network of this spec must be given.
Needs needs_of(const ModelSpec& spec);

/// One patch as tensors, normalised as the spec says.
struct Batch {
  std::int64_t owned = 0;
  torch::Tensor scalars;                          ///< [n, S]
  torch::Tensor polar, axial, tensors;            ///< [n, P, 3], [n, A, 3], [n, T, 6]
  torch::Tensor edge_source, edge_destination;    ///< [E] environment edges
  torch::Tensor edge_direction, edge_distance;    ///< [E, 3] unit, [E, 1] in units of the radius
  torch::Tensor group_source, group_destination;  ///< [G] group edges, over owned galaxies
  torch::Tensor group_distance;                   ///< [G, 1] log10(Mpc/h)
  torch::Tensor group_direction;                  ///< [G, 3] unit, box coordinates

  /// The owned galaxies and their group edges `times` over, one copy after the other, without the
  /// environment.
  Batch repeated(std::int64_t times) const;
};
Batch make_batch(const Inputs& inputs, const ModelSpec& spec, torch::TensorOptions options);

/// What the encoder knows of each owned galaxy's surroundings; all even under inversion.
struct Environment {
  torch::Tensor scalars;  ///< [owned, C]
  torch::Tensor axial;    ///< [owned, K, 3] box coordinates
  torch::Tensor tensors;  ///< [owned, K, 6] box coordinates
  torch::Tensor own;      ///< [owned, S + P + A + 2 T] invariants of the galaxy's own inputs

  Environment repeated(std::int64_t times) const;
};

/// What is asked of a network whose labels form first: while one part forms, the other stands still.
enum class Part { both, labels, orientation };

/// Noisy galaxies, as the denoiser sees them.
struct Noisy {
  torch::Tensor frames;   ///< [owned, 3, 3]
  torch::Tensor scalars;  ///< [owned, labels] noisy labels times c_in
  torch::Tensor known;    ///< [owned, 1 + labels] 1, or 0 where a training galaxy has no orientation or label
  torch::Tensor level;    ///< [owned, 1] in [0, 1]: 0 the largest noise, 1 the smallest
  Part asked = Part::both;  ///< of a network whose labels form first; the other part's answer is zero
};

/// The denoiser's answer at one noise level.
struct Denoised {
  torch::Tensor rotation;  ///< [owned, 3] sigma times the body-frame score
  torch::Tensor scalars;   ///< [owned, labels] the network's F of Karras et al. 2022, eq. 7
};

/// Hidden features that one step of training leaves out, at random but decided by the seed.
struct Dropout {
  double rate = 0;
  std::uint64_t seed = 0;
};

class Thinning;

/// The denoiser with its symmetric layers written out and its environment terms computed: ready for many
/// calls.
class Denoiser {
 public:
  Denoised operator()(const Noisy& galaxies) const { return (*this)(galaxies, galaxies); }
  /// `senders`: what galaxies tell their group. With it held fixed, an answer depends on its own galaxy of
  /// `galaxies` only, so that derivatives of sums are those of each galaxy.
  Denoised operator()(const Noisy& galaxies, const Noisy& senders) const;

 private:
  friend class Network;
  /// [owned, copies * width] the last hidden features.
  torch::Tensor trunk(const Noisy& galaxies, const Noisy& senders, const torch::Tensor& labels,
                      Thinning& thinning) const;
  torch::Tensor labels_alone(const torch::Tensor& labels, const torch::Tensor& embedding,
                             Thinning& thinning) const;
  torch::Tensor messages(const Noisy& galaxies, const Noisy& senders, const torch::Tensor& embedding) const;

  Symmetry symmetry_ = Symmetry::d2;
  std::int64_t owned_ = 0;
  torch::Tensor source_, destination_, distance_, direction_;  // of group edges, as in Batch
  torch::Tensor axial_, tensors_;  // environment, box coordinates; [owned, 3 K, 3]: matrices by rows
  torch::Tensor node_environment_, edge_environment_;  // environment's part of the first layers
  Dense node_, message_, message_hidden_, gather_, out_;
  std::vector<Dense> hidden_;
  torch::Tensor inverse_neighbours_;  // [owned, 1]
  struct Alone {
    torch::Tensor own;  // what the own inputs add to the first layer
    Dense in, out;
    std::vector<std::array<Dense, 2>> blocks;
  };
  std::optional<Alone> alone_;
  Dropout dropout_;
};

/// Weights as a model file holds them.
std::vector<NamedTensor> named_tensors(const std::vector<std::pair<std::string, torch::Tensor>>& weights);

class Network {
 public:
  Network(const ModelSpec& spec, std::uint64_t seed, torch::TensorOptions options);  ///< fresh weights
  /// Throws model_error naming a tensor that is absent or of another shape.
  Network(const ModelFile& file, const std::string& path, torch::TensorOptions options);

  Environment encode(const Batch& batch) const;
  Denoiser denoiser(const Batch& batch, const Environment& environment, Dropout dropout = {}) const;

  std::vector<std::pair<std::string, torch::Tensor>>& parameters() { return parameters_; }
  const std::vector<std::pair<std::string, torch::Tensor>>& parameters() const { return parameters_; }
  std::vector<NamedTensor> to_file() const { return named_tensors(parameters_); }
  torch::TensorOptions options() const { return options_; }

 private:
  void declare();
  void declare_tensor(const std::string& name, std::vector<std::int64_t> shape, double gain);
  void declare_dense(const std::string& name, std::int64_t in, std::int64_t out, double gain = 1);
  const torch::Tensor& tensor(const std::string& name) const;
  Dense layer(const std::string& name) const;

  ModelSpec spec_;
  torch::TensorOptions options_;
  std::uint64_t seed_ = 0;
  std::vector<std::pair<std::string, torch::Tensor>> parameters_;
};

}  // namespace halobrush::networks
