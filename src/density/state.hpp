// What a RotationDensity holds.
#pragma once

#include "halobrush/density/rotation_density.hpp"
#include "network.hpp"

namespace halobrush::density {

struct RotationDensity::State {
  Architecture architecture;
  Network network;

  torch::Tensor standardised(std::span<const double> features, std::size_t n) const;  ///< [n, d] float
};

/// Throws data_error.
std::size_t features_of(const Examples& examples);

}  // namespace halobrush::density
