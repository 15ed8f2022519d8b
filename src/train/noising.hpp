// The galaxies of a patch with noise on them: what a network is shown, and what it should have said.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "halobrush/diffusion/state.hpp"
#include "halobrush/networks/network.hpp"
#include "halobrush/so3/igso3.hpp"
#include "training_set.hpp"

namespace halobrush::train {

/// Galaxies of one draw after those of another.
struct Noised {
  diffusion::State state;             ///< [n], [n, labels]
  std::vector<double> level, weight;  ///< [n]; weight 1 in the split that counts, else 0
  std::vector<double> known;          ///< [n, 1 + labels]
  std::vector<double> learned;        ///< [n, 1 + labels] known, and what forms at this level
  std::vector<double> score;          ///< [n, 3] sigma times the body-frame score of the noise
  std::vector<double> target;         ///< [n, labels] F of EDM
};

/// How often each noise level is shown: all alike, or those in the middle of [0, 1] more often.
enum class Levels { uniform, middle };
Levels levels_of(const config::Train& train);

/// Where labels form first, each draw of noise shows one part forming.
networks::Part part_that_forms(const diffusion::NoiseRange& range, std::uint32_t draw);

class Noising {
 public:
  Noising(const LabelledPatch& patch, const model::ModelSpec& spec, const so3::Igso3Sampler& kernel,
          Split split, std::uint64_t seed, Levels levels = Levels::uniform);
  /// Appends draw number `draw`: it decides the noise, with the seed and each galaxy's id. Without `level`
  /// every host has one of its own.
  void add(std::uint32_t draw, Noised& out, std::optional<double> level = {}) const;

 private:
  double level_of(std::int64_t host, std::uint32_t draw) const;
  void add_rotation(std::size_t galaxy, double sigma, std::uint32_t draw, Noised& out) const;
  void add_labels(std::size_t galaxy, double sigma, std::uint32_t draw, Noised& out) const;

  const LabelledPatch& patch_;
  const model::ModelSpec& spec_;
  const so3::Igso3Sampler& kernel_;
  Split split_;
  std::uint64_t seed_;
  Levels levels_;
  std::span<const std::int64_t> id_;
  std::vector<double> clean_;
};

}  // namespace halobrush::train
