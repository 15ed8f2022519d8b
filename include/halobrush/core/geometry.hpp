// The vector types that cross module borders. All geometry is in double precision.
#pragma once

#include <Eigen/Core>

namespace halobrush {

using Vec3 = Eigen::Vector3d;
using Mat3 = Eigen::Matrix3d;

/// A symmetric tensor's six numbers, in this order everywhere: xx, yy, zz, xy, xz, yz.
using Sym3 = Eigen::Matrix<double, 6, 1>;

inline Mat3 to_matrix(const Sym3& t) {
  Mat3 m;
  m << t[0], t[3], t[4], t[3], t[1], t[5], t[4], t[5], t[2];
  return m;
}
inline Sym3 to_sym3(const Mat3& m) {
  Sym3 t;
  t << m(0, 0), m(1, 1), m(2, 2), m(0, 1), m(0, 2), m(1, 2);
  return t;
}

}  // namespace halobrush
