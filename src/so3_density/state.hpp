// What a RotationDensity holds.
#pragma once

#include "halobrush/so3_density/rotation_density.hpp"
#include "network.hpp"

namespace halobrush::so3_density {

struct RotationDensity::State {
  Architecture architecture;
  Network network;

  torch::Tensor standardised(std::span<const double> features, std::size_t n) const;  ///< [n, d] float
};

/// Throws data_error.
std::size_t features_of(const Examples& examples);

}  // namespace halobrush::so3_density
