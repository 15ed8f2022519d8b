#include "halobrush/model/mixture.hpp"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "halobrush/core/random.hpp"

namespace halobrush::model {
namespace {

using Rows = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using Points = Eigen::Map<const Rows>;
using Eigen::Index;

constexpr double blur = 1e-3;  // variance of what stands for a point
constexpr double least_weight = 0.005;
constexpr int starts = 4, steps_of_centres = 10, steps_of_start = 15, most_steps = 50;
constexpr Index points_of_start = 4'000;
constexpr double far = 2;           // centres are sought with outliers brought so near
constexpr double converged = 1e-4;  // nats a point

// Squared distance after whitening, each number summed in one order on every machine of a kind.
double squared_distance(const GaussianMixture& m, std::size_t k, std::span<const double> point) {
  const std::size_t d = m.dimensions;
  const float *mean = &m.mean[k * d], *rows = &m.whitening[k * d * d];
  double total = 0;
  for (std::size_t i = 0; i < d; ++i) {
    double z = 0;
    for (std::size_t j = 0; j <= i; ++j) z += rows[i * d + j] * (point[j] - mean[j]);
    total += z * z;
  }
  return total;
}

struct Component {
  double weight = 0;
  Eigen::VectorXd mean;
  Eigen::MatrixXd whitening;
};

double log_determinant(const Component& c) {
  return c.whitening.diagonal().array().log().sum();
}

// Each point stands for a Gaussian of variance `blur` about it; the bound on the log likelihood that both steps
// raise has no other prior.
class Fit {
 public:
  /// From centres that `stream` draws.
  Fit(Points points, Index count, RandomStream stream) : points_(points) {
    const Rows near = points_.cwiseMax(-far).cwiseMin(far);
    belong_to_nearest(near, centres_of(near, count, stream));
    components_.resize(static_cast<std::size_t>(count));
    maximisation();
  }
  Fit(Points points, std::vector<Component> components)
      : points_(points), components_(std::move(components)) {}

  const std::vector<Component>& components() const { return components_; }

  /// The bound before each step.
  std::vector<double> iterate(int steps) {
    std::vector<double> bounds;
    for (int step = 0; step < steps; ++step) {
      bounds.push_back(expectation());
      if (step > 0 && bounds[bounds.size() - 1] - bounds[bounds.size() - 2] < converged) break;
      maximisation();
    }
    return bounds;
  }

  void leave_out_small_ones() {
    std::erase_if(components_, [](const Component& c) { return c.weight < least_weight; });
    double sum = 0;
    for (const auto& c : components_) sum += c.weight;
    for (auto& c : components_) c.weight /= sum;
  }

  GaussianMixture mixture() const {
    GaussianMixture m;
    m.dimensions = static_cast<std::size_t>(points_.cols());
    for (const auto& c : components_) {
      m.weight.push_back(static_cast<float>(c.weight));
      for (Index i = 0; i < points_.cols(); ++i) {
        m.mean.push_back(static_cast<float>(c.mean[i]));
        for (Index j = 0; j < points_.cols(); ++j)
          m.whitening.push_back(j <= i ? static_cast<float>(c.whitening(i, j)) : 0.0F);
      }
    }
    return m;
  }

 private:
  // Far from one another (k-means++, Arthur & Vassilvitskii 2007), then moved to the means of their points.
  Rows centres_of(const Rows& near, Index count, RandomStream& stream) {
    Rows centres(count, near.cols());
    Eigen::VectorXd nearest = Eigen::VectorXd::Ones(near.rows());
    for (Index k = 0; k < count; ++k) {
      centres.row(k) = near.row(drawn(nearest, stream));
      const Eigen::VectorXd squares = (near.rowwise() - centres.row(k)).rowwise().squaredNorm();
      nearest = k == 0 ? squares : nearest.cwiseMin(squares);
    }
    for (int step = 0; step < steps_of_centres; ++step) {
      belong_to_nearest(near, centres);
      for (Index k = 0; k < count; ++k)
        if (const double n = share_.col(k).sum(); n > 0) centres.row(k) = share_.col(k).transpose() * near / n;
    }
    return centres;
  }

  // A row, as often as its weight says.
  static Index drawn(const Eigen::VectorXd& weights, RandomStream& stream) {
    double left = stream.uniform() * weights.sum();
    for (Index i = 0; i < weights.size(); ++i)
      if ((left -= weights[i]) <= 0) return i;
    return weights.size() - 1;
  }

  void belong_to_nearest(const Rows& near, const Rows& centres) {
    share_ = Eigen::MatrixXd::Zero(near.rows(), centres.rows());
    for (Index i = 0; i < near.rows(); ++i) {
      Index k = 0;
      (centres.rowwise() - near.row(i)).rowwise().squaredNorm().minCoeff(&k);
      share_(i, k) = 1;
    }
  }

  // Each point's share in each component; returns the bound, a point in the mean.
  double expectation() {
    const double constant = 0.5 * static_cast<double>(points_.cols()) * std::log(2 * std::numbers::pi);
    share_.resize(points_.rows(), static_cast<Index>(components_.size()));
    for (std::size_t k = 0; k < components_.size(); ++k) {
      const auto& c = components_[k];
      const Rows white = (points_.rowwise() - c.mean.transpose()) * c.whitening.transpose();
      share_.col(static_cast<Index>(k)) =
          (std::log(c.weight) + log_determinant(c) - constant - 0.5 * blur * c.whitening.squaredNorm()) -
          0.5 * white.rowwise().squaredNorm().array();
    }
    const Eigen::VectorXd most = share_.rowwise().maxCoeff();
    share_ = (share_.colwise() - most).array().exp().matrix();
    const Eigen::VectorXd sum = share_.rowwise().sum();
    for (Index k = 0; k < share_.cols(); ++k) share_.col(k).array() /= sum.array();
    return (most.array() + sum.array().log()).mean();
  }

  void maximisation() {
    const Eigen::MatrixXd unit = Eigen::MatrixXd::Identity(points_.cols(), points_.cols());
    for (std::size_t k = 0; k < components_.size(); ++k) {
      auto& c = components_[k];
      const auto share = share_.col(static_cast<Index>(k));
      const double n = std::max(share.sum(), std::numeric_limits<double>::min());
      c.weight = n / static_cast<double>(points_.rows());
      c.mean = (share.transpose() * points_).transpose() / n;
      const Rows weighted =
          ((points_.rowwise() - c.mean.transpose()).array().colwise() * share.array().sqrt()).matrix();
      const Eigen::MatrixXd covariance = weighted.transpose() * weighted / n + blur * unit;
      c.whitening = covariance.llt().matrixL().solve(unit);
    }
  }

  Points points_;
  std::vector<Component> components_;
  Eigen::MatrixXd share_;  // [points, components]
};

// The best of a few starts, which take but some of the points.
std::vector<Component> best_start(Points points, Index count, std::uint64_t seed) {
  const Points some(points.data(), std::min(points.rows(), points_of_start), points.cols());
  std::vector<Component> best;
  double most = -std::numeric_limits<double>::infinity();
  for (int start = 0; start < (count > 1 ? starts : 1); ++start) {
    Fit fit(some, count, RandomStream(seed, start, Purpose::input_sample));
    if (const double bound = fit.iterate(steps_of_start).back(); bound > most)
      most = bound, best = fit.components();
  }
  return best;
}

}  // namespace

double GaussianMixture::log_density(std::span<const double> point) const {
  const double constant = 0.5 * static_cast<double>(dimensions) * std::log(2 * std::numbers::pi);
  std::vector<double> terms;
  for (std::size_t k = 0; k < components(); ++k) {
    double term = std::log(static_cast<double>(weight[k])) - constant - 0.5 * squared_distance(*this, k, point);
    for (std::size_t i = 0; i < dimensions; ++i)
      term += std::log(static_cast<double>(whitening[(k * dimensions + i) * dimensions + i]));
    terms.push_back(term);
  }
  const double most = std::ranges::max(terms);
  double sum = 0;
  for (const double term : terms) sum += std::exp(term - most);
  return most + std::log(sum);
}

double GaussianMixture::distance(std::span<const double> point) const {
  double least = std::numeric_limits<double>::infinity();
  for (std::size_t k = 0; k < components(); ++k) least = std::min(least, squared_distance(*this, k, point));
  return std::sqrt(least);
}

MixtureFit fit_mixture(std::span<const double> points, std::size_t dimensions, std::size_t components,
                       std::uint64_t seed) {
  const auto d = static_cast<Index>(dimensions);
  const Points rows(points.data(), static_cast<Index>(points.size()) / d, d);
  Fit fit(rows, best_start(rows, static_cast<Index>(components), seed));
  fit.iterate(steps_of_start);
  fit.leave_out_small_ones();
  auto bounds = fit.iterate(most_steps);
  return {fit.mixture(), std::move(bounds)};
}

}  // namespace halobrush::model
