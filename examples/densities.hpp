// The three synthetic densities on SO(3) of Jagvaral et al. 2024 (arXiv:2312.11707), and a smooth one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "halobrush/core/geometry.hpp"
#include "halobrush/core/random.hpp"

namespace halobrush::examples {

enum class Density {
  checkerboard,  ///< a 2 x 4 board of yaw and pitch, roll 0
  blobs,         ///< four Gaussian blobs, roll 0 or pi
  stripes,       ///< three bands of pitch around all yaws, roll 0
  mixture,       ///< four IGSO(3) kernels: smooth, with a known log-density
};
std::optional<Density> density_named(const std::string& name);

/// One draw; R = Rz(yaw) Ry(pitch) Rx(roll).
Mat3 draw(Density density, RandomStream& random);
std::vector<Mat3> draw(Density density, std::size_t n, std::uint64_t seed);

/// log p of the mixture at R, nats against Haar measure.
double mixture_log_density(const Mat3& r);

}  // namespace halobrush::examples
