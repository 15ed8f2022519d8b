// What diffuses, and what a denoiser says about it. All in double, on the host.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "halobrush/core/geometry.hpp"
#include "halobrush/diffusion/noise.hpp"

namespace halobrush::diffusion {

/// frames [n]; labels [n, L] standardised, row-major, empty where only rotations diffuse.
struct State {
  std::vector<Mat3> frames;
  std::vector<double> labels;
};

/// Where each row would be without noise.
struct Estimate {
  std::vector<Vec3> jump;      ///< [n] tangent d in the body frame: the clean frame is R Exp(d); d = sigma^2
                               ///< score (Tweedie), rad
  std::vector<double> labels;  ///< [n, L] clean labels
};

/// One evaluation at a noise level (see noise_at). Whatever the rows are conditioned on is the callback's
/// own.
using Denoise = std::function<Estimate(const State&, double level)>;

/// Pure noise for each id: orientations uniform on SO(3), turned by `frame`; labels normal with the largest
/// sigma.
State pure_noise(std::span<const std::int64_t> id, std::size_t labels, std::uint64_t seed, const Mat3& frame,
                 const NoiseRange& range);

}  // namespace halobrush::diffusion
