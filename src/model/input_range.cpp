#include "halobrush/model/input_range.hpp"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>

#include "halobrush/core/random.hpp"

namespace halobrush::model {
namespace {

using Vector = Eigen::VectorXd;
using InvariantRows = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

constexpr std::size_t most_components = 8;
constexpr std::size_t galaxies_of_fit = 12'000;     // more change nothing and take their time
constexpr std::size_t galaxies_of_sample = 4'000;   // a few hundred kB in the model file
constexpr std::size_t points_of_a_parameter = 4;    // of a component: mean and covariance
constexpr double false_alarms = 0.005;

std::size_t count_of(const features::FeatureNames& inputs) {
  return inputs.scalars.size() + inputs.polar.size() + inputs.axial.size() + inputs.tensors.size();
}

InvariantRows invariant_rows(const features::NodeFeatures& nodes, std::size_t rows, const ModelSpec& spec) {
  const auto values = invariants(nodes, rows, spec);
  const auto d = count_of(spec.inputs);
  return Eigen::Map<const InvariantRows>(values.data(), static_cast<Eigen::Index>(rows),
                                         static_cast<Eigen::Index>(d));
}

double mahalanobis(const Vector& v, const InputRange& range) {
  const auto d = static_cast<Eigen::Index>(range.mean.size());
  const Vector delta = v - Eigen::Map<const Vector>(range.mean.data(), d);
  return std::sqrt(
      std::max(0.0, delta.dot(Eigen::Map<const Eigen::MatrixXd>(range.precision.data(), d, d) * delta)));
}

// The value that a share `beyond` of the values exceeds.
double quantile(std::vector<double> values, double beyond) {
  const auto rank = std::min(values.size() - 1,
                             static_cast<std::size_t>((1 - beyond) * static_cast<double>(values.size())));
  std::ranges::nth_element(values, values.begin() + static_cast<std::ptrdiff_t>(rank));
  return values[rank];
}

// Deviation of each invariant; 1 where it does not vary but by rounding.
std::vector<double> deviations(const InvariantRows& rows) {
  std::vector<double> out;
  for (Eigen::Index k = 0; k < rows.cols(); ++k) {
    const double mean = rows.col(k).mean();
    const double deviation = std::sqrt((rows.col(k).array() - mean).square().mean());
    out.push_back(deviation > 1e-6 * rows.col(k).cwiseAbs().maxCoeff() ? deviation : 1);
  }
  return out;
}

// A mixture of x / deviation is one of x.
GaussianMixture in_units_of(GaussianMixture mixture, const std::vector<double>& deviation) {
  const auto d = mixture.dimensions;
  for (std::size_t i = 0; i < mixture.mean.size(); ++i)
    mixture.mean[i] = static_cast<float>(mixture.mean[i] * deviation[i % d]);
  for (std::size_t i = 0; i < mixture.whitening.size(); ++i)
    mixture.whitening[i] = static_cast<float>(mixture.whitening[i] / deviation[i % d]);
  return mixture;
}

std::size_t components_for(std::size_t galaxies, std::size_t d) {
  const auto parameters = (d + 1) * (d + 2) / 2;
  return std::clamp<std::size_t>(galaxies / (points_of_a_parameter * parameters), 1, most_components);
}

std::vector<double> distances(const LabelledInputs& galaxies, const ModelSpec& spec,
                              const GaussianMixture& mixture) {
  const auto values = invariants(galaxies.nodes, galaxies.nodes.nodes, spec);
  std::vector<double> out;
  for (std::size_t i = 0; i < galaxies.nodes.nodes; ++i)
    out.push_back(mixture.distance(std::span(values).subspan(i * mixture.dimensions, mixture.dimensions)));
  return out;
}

}  // namespace

std::vector<std::string> invariant_names(const features::FeatureNames& inputs) {
  std::vector<std::string> names = inputs.scalars;
  for (const auto* list : {&inputs.polar, &inputs.axial, &inputs.tensors})
    for (const auto& name : *list) names.push_back("|" + name + "|");
  return names;
}

std::vector<double> invariants(const features::NodeFeatures& nodes, std::size_t rows, const ModelSpec& spec) {
  const auto s = spec.inputs.scalars.size(), p = spec.inputs.polar.size(), a = spec.inputs.axial.size(),
             t = spec.inputs.tensors.size();
  std::vector<double> v;
  v.reserve(rows * (s + p + a + t));
  for (std::size_t row = 0; row < rows; ++row) {
    for (std::size_t i = 0; i < s; ++i)
      v.push_back((nodes.scalars[row * s + i] - spec.scalar_mean[i]) / spec.scalar_deviation[i]);
    const auto norm = [row](const std::vector<double>& values, std::size_t channels, std::size_t i) {
      return Eigen::Map<const Vec3>(&values[3 * (row * channels + i)]).norm();
    };
    for (std::size_t i = 0; i < p; ++i) v.push_back(norm(nodes.polar, p, i));
    for (std::size_t i = 0; i < a; ++i) v.push_back(norm(nodes.axial, a, i));
    for (std::size_t i = 0; i < t; ++i)
      v.push_back(to_matrix(Eigen::Map<const Sym3>(&nodes.tensors[6 * (row * t + i)])).norm());
  }
  return v;
}

InputRange fit_input_range(const features::NodeFeatures& nodes, const ModelSpec& spec) {
  if (nodes.nodes == 0) return {};
  const auto rows = invariant_rows(nodes, nodes.nodes, spec);
  const Vector mean = rows.colwise().mean();
  const InvariantRows delta = rows.rowwise() - mean.transpose();
  Eigen::MatrixXd covariance = delta.transpose() * delta / static_cast<double>(nodes.nodes);
  covariance.diagonal().array() += 1e-4;  // inputs that never vary, or vary together

  InputRange range;
  const Eigen::MatrixXd precision = covariance.inverse();
  range.mean.assign(mean.data(), mean.data() + mean.size());
  range.precision.assign(precision.data(), precision.data() + precision.size());
  std::vector<double> radii;
  for (Eigen::Index i = 0; i < rows.rows(); ++i) radii.push_back(mahalanobis(rows.row(i), range));
  range.radius = quantile(std::move(radii), 0.001);
  return range;
}

float region_of(const Vec3& pos, const std::array<double, 3>& box) {
  constexpr int parts = 5;  // of a side
  int region = 0;
  for (int k = 0; k < 3; ++k)
    region = parts * region +
             std::clamp(static_cast<int>(parts * pos[k] / box[static_cast<std::size_t>(k)]), 0, parts - 1);
  return static_cast<float>(region);
}

double hash_of(std::int64_t id) {
  return RandomStream(0, id, Purpose::input_sample).uniform();
}

std::vector<std::size_t> first_by_hash(std::span<const std::int64_t> id, std::size_t count) {
  std::vector<std::pair<double, std::size_t>> order;
  for (std::size_t i = 0; i < id.size(); ++i) order.emplace_back(hash_of(id[i]), i);
  std::ranges::sort(order, {}, [&](const auto& entry) { return std::pair(entry.first, id[entry.second]); });
  order.resize(std::min(order.size(), count));
  std::vector<std::size_t> rows;
  for (const auto& [hash, row] : order) rows.push_back(row);
  return rows;
}

InputDensity fit_input_density(const LabelledInputs& training, const LabelledInputs& held_out,
                               const ModelSpec& spec) {
  if (training.nodes.nodes == 0 || held_out.nodes.nodes == 0) return {};
  const auto all = invariant_rows(training.nodes, training.nodes.nodes, spec);
  const auto chosen = first_by_hash(training.id, galaxies_of_fit);
  InvariantRows points(static_cast<Eigen::Index>(chosen.size()), all.cols());
  for (std::size_t i = 0; i < chosen.size(); ++i)
    points.row(static_cast<Eigen::Index>(i)) = all.row(static_cast<Eigen::Index>(chosen[i]));
  const auto deviation = deviations(points);
  points.array().rowwise() /=
      Eigen::Map<const Eigen::RowVectorXd>(deviation.data(), points.cols()).array();
  const auto d = static_cast<std::size_t>(points.cols());

  InputDensity density;
  density.mixture = in_units_of(fit_mixture({points.data(), static_cast<std::size_t>(points.size())}, d,
                                            components_for(chosen.size(), d), 0)
                                    .mixture,
                                deviation);
  const auto away = distances(held_out, spec, density.mixture);
  density.distance = quantile(away, false_alarms);
  density.held_out = away.size();
  density.beyond = static_cast<double>(std::ranges::count_if(away, [&](double d_i) { return d_i > density.distance; })) /
                   static_cast<double>(away.size());
  return density;
}

InputSample sample_inputs(const LabelledInputs& training, const ModelSpec& spec) {
  const auto values = invariants(training.nodes, training.nodes.nodes, spec);
  const auto d = count_of(spec.inputs);
  InputSample sample;
  for (const auto row : first_by_hash(training.id, galaxies_of_sample)) {
    for (std::size_t k = 0; k < d; ++k) sample.values.push_back(static_cast<float>(values[row * d + k]));
    sample.region.push_back(training.region[row]);
  }
  return sample;
}

std::vector<std::uint8_t> out_of_distribution(const features::NodeFeatures& nodes, std::size_t rows,
                                              const ModelSpec& spec) {
  const auto values = invariants(nodes, rows, spec);
  const auto d = count_of(spec.inputs);
  std::vector<std::uint8_t> out;
  for (std::size_t i = 0; i < rows; ++i) {
    const auto point = std::span(values).subspan(i * d, d);
    out.push_back(spec.density.known()
                      ? spec.density.mixture.distance(point) > spec.density.distance
                      : mahalanobis(Eigen::Map<const Vector>(point.data(), static_cast<Eigen::Index>(d)),
                                    spec.range) > spec.range.radius);
  }
  return out;
}

}  // namespace halobrush::model
