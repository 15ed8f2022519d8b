// Generator and critic of the graph GAN (Jagvaral et al. 2022, arXiv:2204.07077): directional graph
// convolutions over the galaxies of a host halo, both conditioned by concatenating the inputs. Includes
// torch; only networks and train include this header.
//
// Symmetry. The published layer sees absolute directions, so it is not equivariant. Here every vector and
// tensor is first put into the galaxy's canonical frame (axes of its own tide, shape and place in the host),
// and the generator's orientation is relative to that frame: a rotation of the box then turns the galaxies
// with it. Inversion is not kept exactly, and where eigenvalues of the frame's tensor meet, the frame jumps.
// The critic sees an ellipsoid as a a^T and c c^T, which are the same for its four frames, and a spin as the
// signed axis.
#pragma once

#include <torch/types.h>

#include <span>
#include <string>
#include <utility>
#include <vector>

#include "halobrush/core/random.hpp"
#include "halobrush/model/model_file.hpp"
#include "halobrush/model/painter.hpp"

namespace halobrush::networks {

using namespace model;

/// The owned galaxies of a patch; only neighbours inside the host halo count.
struct GroupBatch {
  std::int64_t owned = 0;
  std::vector<Mat3> canonical;        ///< [owned] right-handed; its columns in box coordinates
  torch::Tensor inputs;               ///< [owned, F] scalars standardised, components in the canonical frame
  torch::Tensor source, destination;  ///< [G]
  torch::Tensor displacement;         ///< [G, 3] to the source, Mpc/h, in the destination's canonical frame
  torch::Tensor inverse_neighbours;   ///< [owned, 1]
};
GroupBatch make_group_batch(const Inputs& inputs, const ModelSpec& spec, torch::TensorOptions options);

/// Eigenvectors of the sum of a galaxy's tensors (tidal ones negated: galaxies follow the stretching axis)
/// and twice the projector on its first polar input (the way to the host's centre), the longest first; signs
/// such that the first axial input has no negative component along the first and last.
Mat3 canonical_frame(const features::NodeFeatures& nodes, std::size_t row,
                     const features::FeatureNames& names);

/// y_i = b + W_0 h_i + 1/|N_i| sum_{j in N_i} sum_m q_m W_m h_j, q = softmax_m(u_m . (x_j - x_i)) (Verma et
/// al. 2018, as used by Jagvaral et al.; swapping the sign of x_j - x_i only renames u).
struct DirectionalLayer {
  torch::Tensor weight;     ///< [(1 + M) in, out]: W_0, then W_1 .. W_M
  torch::Tensor bias;       ///< [out]
  torch::Tensor direction;  ///< [3, M]: the u_m
};
torch::Tensor directional(const torch::Tensor& h, const DirectionalLayer& layer, const GroupBatch& batch);

/// A stack of directional layers, SiLU between them, and a dense layer at the end.
class DirectionalNetwork {
 public:
  using Weights = std::vector<std::pair<std::string, torch::Tensor>>;

  DirectionalNetwork(std::string name, std::int64_t in, std::int64_t out, const GanShape& shape,
                     std::uint64_t seed, torch::TensorOptions options);
  /// Throws model_error naming a tensor that is absent or of another shape.
  void load(const ModelFile& file, const std::string& path);
  torch::Tensor operator()(torch::Tensor h, const GroupBatch& batch) const;  ///< [n, in] -> [n, out]
  Weights& parameters() { return parameters_; }
  const Weights& parameters() const { return parameters_; }

 private:
  void declare(const std::string& name, std::vector<std::int64_t> shape, double deviation);
  const torch::Tensor& tensor(const std::string& name) const;

  std::string name_;
  std::int64_t depth_;
  std::uint64_t seed_;
  torch::TensorOptions options_;
  Weights parameters_;
};

/// Numbers that the critic knows a galaxy by: of an ellipsoid a a^T and c c^T in the canonical frame (xx yy
/// zz xy xz yz, the last three times sqrt 2, so that distances are Frobenius), of a spin its axis c; then the
/// standardised labels.
std::int64_t orientation_numbers(Orientation orientation);
torch::Tensor critic_view(Orientation orientation, const torch::Tensor& major, const torch::Tensor& minor,
                          const torch::Tensor& labels);

/// What the generator makes of noise, in canonical frames.
struct Generated {
  torch::Tensor major, minor;  ///< [n, 3] unit, orthogonal
  torch::Tensor labels;        ///< [n, L] standardised
};

/// Six normals become two orthogonal axes (Gram-Schmidt, Zhou et al. 2019), one each a label; the network
/// adds to the noise, so that it starts from isotropic orientations and normal labels.
constexpr std::int64_t axis_numbers = 6;
class Generator {
 public:
  Generator(const ModelSpec& spec, std::uint64_t seed, torch::TensorOptions options);
  Generated operator()(const torch::Tensor& noise, const GroupBatch& batch) const;  ///< noise [n, 6 + L]
  DirectionalNetwork& network() { return network_; }
  const DirectionalNetwork& network() const { return network_; }

 private:
  DirectionalNetwork network_;
};

/// One value a galaxy, which its neighbours influence.
class Critic {
 public:
  Critic(const ModelSpec& spec, std::uint64_t seed, torch::TensorOptions options);
  torch::Tensor operator()(const torch::Tensor& view,
                           const GroupBatch& batch) const;  ///< what critic_view gives -> [n, 1]
  DirectionalNetwork& network() { return network_; }

 private:
  DirectionalNetwork network_;
};

/// Standard normals [n, numbers] that belong to galaxies.
torch::Tensor noise_of(std::span<const std::int64_t> id, std::int64_t numbers, std::uint64_t seed,
                       Purpose purpose, std::uint32_t step, torch::TensorOptions options);

}  // namespace halobrush::networks
