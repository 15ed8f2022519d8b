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

constexpr double prior_share = 1e-3;  // points of the prior, over points of a component of mean weight
constexpr double least_weight = 0.005;
constexpr int most_steps = 60, first_steps = 15, steps_of_centres = 10;
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

class Fit {
 public:
  Fit(Points points, std::size_t components, std::uint64_t seed)
      : points_(points),
        prior_(prior_share * static_cast<double>(points.rows()) / static_cast<double>(components) + 1),
        stream_(seed, 0, Purpose::input_sample) {
    start(static_cast<Index>(components));
  }

  std::vector<double> iterate(int steps) {
    std::vector<double> posterior;
    for (int step = 0; step < steps; ++step) {
      posterior.push_back(expectation());
      if (step > 0 && posterior[posterior.size() - 1] - posterior[posterior.size() - 2] < converged) break;
      maximisation();
    }
    return posterior;
  }

  void leave_out_small_ones() {
    std::erase_if(components_, [](const Component& c) { return c.weight < least_weight; });
    double sum = 0;
    for (const auto& c : components_) sum += c.weight;
    for (auto& c : components_) c.weight /= sum;
    share_.resize(points_.rows(), static_cast<Index>(components_.size()));
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
  // Centres far from one another (k-means++, Arthur & Vassilvitskii 2007), moved to the means of their points;
  // each point then belongs to the nearest.
  void start(Index count) {
    Rows centres(count, points_.cols());
    Eigen::VectorXd nearest =
        Eigen::VectorXd::Constant(points_.rows(), std::numeric_limits<double>::infinity());
    for (Index k = 0; k < count; ++k) {
      centres.row(k) = points_.row(k == 0 ? drawn(Eigen::VectorXd::Ones(points_.rows())) : drawn(nearest));
      nearest = nearest.cwiseMin((points_.rowwise() - centres.row(k)).rowwise().squaredNorm());
    }
    for (int step = 0; step < steps_of_centres; ++step) {
      belong_to_nearest(centres);
      for (Index k = 0; k < count; ++k)
        if (const double n = share_.col(k).sum(); n > 0)
          centres.row(k) = share_.col(k).transpose() * points_ / n;
    }
    belong_to_nearest(centres);
    for (Index k = 0; k < count; ++k) components_.push_back({0, centres.row(k).transpose(), {}});
    maximisation();
  }

  // A point, as often as its weight says.
  Index drawn(const Eigen::VectorXd& weights) {
    double left = stream_.uniform() * weights.sum();
    for (Index i = 0; i < weights.size(); ++i)
      if ((left -= weights[i]) <= 0) return i;
    return weights.size() - 1;
  }

  void belong_to_nearest(const Rows& centres) {
    share_ = Eigen::MatrixXd::Zero(points_.rows(), centres.rows());
    for (Index i = 0; i < points_.rows(); ++i) {
      Index k = 0;
      (centres.rowwise() - points_.row(i)).rowwise().squaredNorm().minCoeff(&k);
      share_(i, k) = 1;
    }
  }

  // Each point's share in each component; returns the log posterior that the components have now.
  double expectation() {
    const double constant = 0.5 * static_cast<double>(points_.cols()) * std::log(2 * std::numbers::pi);
    double prior = 0;
    for (std::size_t k = 0; k < components_.size(); ++k) {
      const auto& c = components_[k];
      const Rows white = (points_.rowwise() - c.mean.transpose()) * c.whitening.transpose();
      share_.col(static_cast<Index>(k)) =
          (std::log(c.weight) + log_determinant(c) - constant) - 0.5 * white.rowwise().squaredNorm().array();
      prior += prior_ * (log_determinant(c) - 0.5 * c.whitening.squaredNorm());
    }
    const Eigen::VectorXd most = share_.rowwise().maxCoeff();
    share_ = (share_.colwise() - most).array().exp().matrix();
    const Eigen::VectorXd sum = share_.rowwise().sum();
    for (Index k = 0; k < share_.cols(); ++k) share_.col(k).array() /= sum.array();
    return ((most.array() + sum.array().log()).sum() + prior) / static_cast<double>(points_.rows());
  }

  void maximisation() {
    for (std::size_t k = 0; k < components_.size(); ++k) {
      auto& c = components_[k];
      const auto share = share_.col(static_cast<Index>(k));
      const double n = share.sum();
      c.weight = std::max(n, std::numeric_limits<double>::min()) / static_cast<double>(points_.rows());
      if (n > 0) c.mean = (share.transpose() * points_).transpose() / n;
      const Rows weighted =
          ((points_.rowwise() - c.mean.transpose()).array().colwise() * share.array().sqrt()).matrix();
      Eigen::MatrixXd covariance = weighted.transpose() * weighted;
      covariance.diagonal().array() += prior_;
      covariance /= n + prior_;
      const Eigen::MatrixXd unit = Eigen::MatrixXd::Identity(points_.cols(), points_.cols());
      c.whitening = covariance.llt().matrixL().solve(unit);
    }
  }

  Points points_;
  double prior_;  // points of unit variance in each component
  RandomStream stream_;
  std::vector<Component> components_;
  Eigen::MatrixXd share_;  // [points, components]
};

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
  Fit fit(Points(points.data(), static_cast<Index>(points.size()) / d, d), components, seed);
  fit.iterate(first_steps);
  fit.leave_out_small_ones();
  auto posterior = fit.iterate(most_steps);
  return {fit.mixture(), std::move(posterior)};
}

}  // namespace halobrush::model
