#include "halobrush/so3/rotation.hpp"

#include <Eigen/Geometry>
#include <Eigen/SVD>
#include <cmath>
#include <numbers>

namespace halobrush::so3 {

Mat3 exp(const Vec3& v) {
  const double square = v.squaredNorm(), theta = std::sqrt(square);
  const bool tiny = square < 1e-16;  // the next terms of both series are below 1e-33
  const double half = std::sin(theta / 2);
  const double a = tiny ? 1 - square / 6 : std::sin(theta) / theta;
  const double b = tiny ? 0.5 - square / 24 : 2 * half * half / square;  // no loss as in 1 - cos
  Mat3 k;
  k << 0, -v.z(), v.y(), v.z(), 0, -v.x(), -v.y(), v.x(), 0;
  return Mat3::Identity() + a * k + b * (v * v.transpose() - square * Mat3::Identity());
}

Vec3 log(const Mat3& r) {
  // Eigen goes through the quaternion, its largest component first: exact near 0 and near pi alike.
  const Eigen::AngleAxisd rotation(r);
  return rotation.angle() * rotation.axis();
}

double angle(const Mat3& r) {
  const Vec3 twice_sine(r(2, 1) - r(1, 2), r(0, 2) - r(2, 0), r(1, 0) - r(0, 1));
  return std::atan2(twice_sine.stableNorm(), r.trace() - 1);
}

Mat3 uniform_rotation(RandomStream& random) {
  // Shoemake 1992: a uniform unit quaternion from three numbers.
  const double u = random.uniform();
  const double alpha = 2 * std::numbers::pi * random.uniform(),
               beta = 2 * std::numbers::pi * random.uniform();
  const double r = std::sqrt(1 - u), s = std::sqrt(u);
  return Eigen::Quaterniond(s * std::cos(beta), r * std::sin(alpha), r * std::cos(alpha), s * std::sin(beta))
      .toRotationMatrix();
}

Mat3 orthonormalised(const Mat3& r) {
  if (r.determinant() > 0 && (r.transpose() * r - Mat3::Identity()).norm() < 0.1) {
    // Newton-Schulz: squares the distance in each step, an order of magnitude cheaper than the SVD.
    Mat3 x = r;
    for (int i = 0; i < 4; ++i) x = x * (1.5 * Mat3::Identity() - 0.5 * x.transpose() * x);
    return x;
  }
  const Eigen::JacobiSVD<Mat3> svd(r, Eigen::ComputeFullU | Eigen::ComputeFullV);
  const double sign = (svd.matrixU() * svd.matrixV().transpose()).determinant() < 0 ? -1 : 1;
  return svd.matrixU() * Vec3(1, 1, sign).asDiagonal() * svd.matrixV().transpose();
}

bool is_rotation(const Mat3& r, double tolerance) {
  return r.allFinite() && (r.transpose() * r - Mat3::Identity()).cwiseAbs().maxCoeff() <= tolerance &&
         r.determinant() > 0;
}

std::optional<Mat3> frame_of_axes(const Mat3& axes) {
  constexpr double three_digits = 5e-3;  // of a product of two axes
  if (!axes.allFinite()) return std::nullopt;
  Mat3 frame = axes;
  for (int k = 0; k < 3; ++k) frame.col(k).stableNormalize();
  if (frame.determinant() < 0) frame.col(2) *= -1;
  if (!is_rotation(frame, three_digits)) return std::nullopt;
  return orthonormalised(frame);
}

const std::array<Mat3, 4>& ellipsoid_symmetry() {
  static const std::array<Mat3, 4> group = {
      Vec3(1, 1, 1).asDiagonal().toDenseMatrix(), Vec3(1, -1, -1).asDiagonal().toDenseMatrix(),
      Vec3(-1, 1, -1).asDiagonal().toDenseMatrix(), Vec3(-1, -1, 1).asDiagonal().toDenseMatrix()};
  return group;
}

}  // namespace halobrush::so3
