#include "halobrush/model/input_range.hpp"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>

namespace halobrush::model {
namespace {

using Vector = Eigen::VectorXd;

// Standardised scalars, then norms: what does not change when the box is turned.
Vector invariants(const features::NodeFeatures& nodes, std::size_t row, const ModelSpec& spec) {
  const auto s = spec.inputs.scalars.size(), p = spec.inputs.polar.size(), a = spec.inputs.axial.size(),
             t = spec.inputs.tensors.size();
  Vector v(static_cast<Eigen::Index>(s + p + a + t));
  Eigen::Index k = 0;
  for (std::size_t i = 0; i < s; ++i)
    v[k++] = (nodes.scalars[row * s + i] - spec.scalar_mean[i]) / spec.scalar_deviation[i];
  const auto norm = [&](const std::vector<double>& values, std::size_t channels, std::size_t i) {
    return Eigen::Map<const Vec3>(&values[3 * (row * channels + i)]).norm();
  };
  for (std::size_t i = 0; i < p; ++i) v[k++] = norm(nodes.polar, p, i);
  for (std::size_t i = 0; i < a; ++i) v[k++] = norm(nodes.axial, a, i);
  for (std::size_t i = 0; i < t; ++i)
    v[k++] = to_matrix(Eigen::Map<const Sym3>(&nodes.tensors[6 * (row * t + i)])).norm();
  return v;
}

double distance(const Vector& v, const InputRange& range) {
  const auto d = static_cast<Eigen::Index>(range.mean.size());
  const Vector delta = v - Eigen::Map<const Vector>(range.mean.data(), d);
  return std::sqrt(
      std::max(0.0, delta.dot(Eigen::Map<const Eigen::MatrixXd>(range.precision.data(), d, d) * delta)));
}

}  // namespace

InputRange fit_input_range(const features::NodeFeatures& nodes, const ModelSpec& spec) {
  if (nodes.nodes == 0) return {};
  const Vector first = invariants(nodes, 0, spec);
  Vector mean = Vector::Zero(first.size());
  for (std::size_t i = 0; i < nodes.nodes; ++i) mean += invariants(nodes, i, spec);
  mean /= static_cast<double>(nodes.nodes);
  Eigen::MatrixXd covariance = Eigen::MatrixXd::Zero(first.size(), first.size());
  for (std::size_t i = 0; i < nodes.nodes; ++i) {
    const Vector delta = invariants(nodes, i, spec) - mean;
    covariance += delta * delta.transpose();
  }
  covariance /= static_cast<double>(nodes.nodes);
  covariance.diagonal().array() += 1e-4;  // inputs that never vary, or vary together

  InputRange range;
  const Eigen::MatrixXd precision = covariance.inverse();
  range.mean.assign(mean.data(), mean.data() + mean.size());
  range.precision.assign(precision.data(), precision.data() + precision.size());
  std::vector<double> distances;
  for (std::size_t i = 0; i < nodes.nodes; ++i)
    distances.push_back(distance(invariants(nodes, i, spec), range));
  const auto rank =
      std::min(distances.size() - 1, static_cast<std::size_t>(0.999 * static_cast<double>(distances.size())));
  std::ranges::nth_element(distances, distances.begin() + static_cast<std::ptrdiff_t>(rank));
  range.radius = distances[rank];
  return range;
}

std::vector<double> input_distance(const features::NodeFeatures& nodes, std::size_t rows,
                                   const ModelSpec& spec) {
  std::vector<double> distances;
  for (std::size_t i = 0; i < rows; ++i)
    distances.push_back(distance(invariants(nodes, i, spec), spec.range));
  return distances;
}

}  // namespace halobrush::model
