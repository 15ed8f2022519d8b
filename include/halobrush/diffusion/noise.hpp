// Noise levels of a joint diffusion on SO(3) x R^n.
#pragma once

namespace halobrush::diffusion {

/// Standard deviations of the two parts: rotation in rad (Brownian convention), scalar in units of the
/// standardised labels.
struct Noise {
  double rotation, scalar;
};

/// Both parts run log-linearly from max to min: together, or one after the other. With the labels first,
/// p(labels, R) = p(labels) p(R | labels): while labels form, R is still uniform and can tell nothing; after,
/// labels are known.
struct NoiseRange {
  double rotation_min = 0.02, rotation_max = 3;  ///< 3 is uniform to 3e-4
  double scalar_min = 0.01, scalar_max = 30;
  bool labels_first = false;  ///< labels at levels in [0, 1/2], the rotation in [1/2, 1]
};

/// Where labels that form first are done.
constexpr double middle_level = 0.5;

/// Noise at a level: 0 the largest, 1 the smallest; levels outside [0, 1] extrapolate.
Noise noise_at(const NoiseRange& range, double level);
/// The level at which the rotation's noise is `sigma`.
double level_of_rotation_noise(const NoiseRange& range, double sigma);

/// Of the labels, as Karras et al. 2022 (EDM), eq. 7 and Table 1, with data of unit variance: denoised x =
/// skip x + out F(in x).
struct Preconditioning {
  double skip, out, in;
};
Preconditioning preconditioning(double scalar_sigma);

}  // namespace halobrush::diffusion
