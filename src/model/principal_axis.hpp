// Directions of symmetric tensors.
#pragma once

#include <Eigen/Eigenvalues>

#include "halobrush/core/geometry.hpp"

namespace halobrush::model {

enum class Extreme { smallest, largest };

/// Eigenvector (unit, either sign) of the smallest or largest eigenvalue of six numbers (Sym3); zero where the tensor
/// is zero.
inline Vec3 principal_axis(const double* sym3, Extreme which) {
  const Sym3 tensor = Eigen::Map<const Sym3>(sym3);
  if (tensor.isZero(0)) return Vec3::Zero();
  Eigen::SelfAdjointEigenSolver<Mat3> solver;
  solver.computeDirect(to_matrix(tensor));
  return solver.eigenvectors().col(which == Extreme::smallest ? 0 : 2);
}

}  // namespace halobrush::model
