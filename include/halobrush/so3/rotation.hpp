// Rotations as 3x3 matrices in double. Columns of a galaxy's frame: major, intermediate and minor axis.
#pragma once

#include <array>
#include <optional>

#include "halobrush/core/geometry.hpp"
#include "halobrush/core/random.hpp"

namespace halobrush::so3 {

Mat3 exp(const Vec3& v);  ///< rotation by |v| rad about v; accurate to 1e-15 down to v = 0
Vec3 log(const Mat3& r);  ///< inverse of exp, |v| in [0, pi]; accurate near 0 and near pi
double angle(const Mat3& r);
Mat3 uniform_rotation(RandomStream& random);  ///< Haar measure
Mat3 orthonormalised(const Mat3& r);          ///< the nearest rotation; for drift and for stored float frames
bool is_rotation(const Mat3& r, double tolerance);
/// The rotation whose columns are along these axes, which may be of any length and of three digits, and of which the
/// last is turned round where they are left-handed: an axis has no sign. Nothing for axes that are not orthogonal.
std::optional<Mat3> frame_of_axes(const Mat3& axes);

/// The four rotations that leave an ellipsoid as it is: R and R * D are the same galaxy.
const std::array<Mat3, 4>& ellipsoid_symmetry();

}  // namespace halobrush::so3
