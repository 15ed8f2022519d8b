// Random numbers that belong to galaxies, not to ranks: Philox4x32-10 (Salmon et al. 2011) with
// key = seed and counter = (id, step, purpose and draw). The same (seed, id, purpose, step) gives the same
// numbers on any rank, in any order, in any run.
#pragma once

#include <array>
#include <cstdint>

#include "halobrush/core/geometry.hpp"

namespace halobrush {

/// One value for each independent use; two uses never share a stream. New ones go to the end: what a seed
/// draws stays as it was.
enum class Purpose : std::uint8_t {
  initial_orientation = 1,
  initial_scalars,
  law_scalars,
  law_orientation,
  label_symmetry,
  train_noise_level,
  train_rotation_noise,
  train_scalar_noise,
  train_split,
  train_order,
  weight_initialisation,
  train_roll,
  law_hidden_axis,
  label_floor,
  test,
  train_dropout,
  host_factor,
  input_sample,
  shape_ratios,
  shape_axes,
  bulge_angle,
  image_turn,
};

/// A sequence of draws. Cheap to make; copy it to replay it.
class RandomStream {
 public:
  RandomStream(std::uint64_t seed, std::int64_t id, Purpose purpose, std::uint32_t step = 0);

  double uniform();    ///< in (0, 1), 52 bits, never 0 or 1
  double normal();     ///< mean 0, variance 1 (Box-Muller, a fixed number of draws)
  Vec3 normal3();      ///< three independent normals
  Vec3 unit_vector();  ///< isotropic

 private:
  std::array<std::uint32_t, 4> counter_;
  std::array<std::uint32_t, 2> key_;
  std::array<std::uint32_t, 4> block_{};
  int used_ = 4;
  double spare_normal_ = 0;
  bool has_spare_ = false;
};

}  // namespace halobrush
