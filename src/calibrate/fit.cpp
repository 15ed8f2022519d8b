#include "halobrush/calibrate/fit.hpp"

#include <Eigen/Cholesky>
#include <Eigen/Eigenvalues>
#include <algorithm>
#include <cmath>

#include "halobrush/core/error.hpp"

namespace halobrush::calibrate {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

constexpr int most_iterations = 20, most_halvings = 6;
constexpr double tolerance = 0.02;  // of a strength's error: a step below it changes nothing that could be seen
constexpr double jumps = 0.5;      // of the same: draws that are accepted or not may hide a fall over such a step

// In units of the errors, where least squares have no weights.
class Search {
 public:
  Search(const std::vector<Parameter>& parameters, const VectorXd& data, const VectorXd& error, const Predict& predict)
      : parameters_(parameters), data_(data), error_(error), predict_(predict), least_(size()), most_(size()), at_(size()) {
    for (Index k = 0; k < size(); ++k) {
      const auto& p = parameters[static_cast<std::size_t>(k)];
      least_[k] = p.least, most_[k] = p.most, at_[k] = p.start;
    }
    there_ = predict_(at_);
  }

  Fit run() {
    Fit found;
    bool both_sides = false;  // as long as it goes on without, half of the trials are saved
    for (bool moves = true; moves && found.iterations < most_iterations; ++found.iterations) {
      const MatrixXd slopes = scaled(jacobian(both_sides));
      const Eigen::ArrayXd errors = formal_errors(slopes), step = newton(slopes);
      moves = (step.abs() > tolerance * errors).any() && descend(step);
      found.converged = !moves && (step.abs() < jumps * errors).all();
      if (!moves && !found.converged && !both_sides) moves = both_sides = true;
    }
    found.jacobian = jacobian(true);
    formal_errors(scaled(found.jacobian));
    found.strengths = at_, found.predicted = there_;
    return found;
  }

 private:
  Index size() const { return static_cast<Index>(parameters_.size()); }
  VectorXd inside(const VectorXd& x) const { return x.cwiseMax(least_).cwiseMin(most_); }
  MatrixXd scaled(const MatrixXd& jacobian) const { return error_.cwiseInverse().asDiagonal() * jacobian; }
  double chi2(const VectorXd& predicted) const { return (data_ - predicted).cwiseQuotient(error_).squaredNorm(); }

  MatrixXd jacobian(bool both_sides) const {
    MatrixXd slopes(data_.size(), size());
    for (Index k = 0; k < size(); ++k) {
      const double h = std::max(parameters_[static_cast<std::size_t>(k)].step, 0.1 * std::abs(at_[k]));
      VectorXd above = at_, below = at_;
      above[k] = std::min(at_[k] + h, most_[k]);
      if (both_sides || above[k] - at_[k] < 0.5 * h) below[k] = std::max(at_[k] - h, least_[k]);
      const auto value = [&](const VectorXd& x) { return x[k] == at_[k] ? there_ : predict_(x); };
      slopes.col(k) = (value(above) - value(below)) / (above[k] - below[k]);
    }
    return slopes;
  }

  // Without correlations; throws where there are none.
  VectorXd formal_errors(const MatrixXd& slopes) const {
    constexpr double nothing = 1e-9, degenerate = 1e-8;
    MatrixXd unit = slopes;
    for (Index k = 0; k < size(); ++k) {
      const double norm = slopes.col(k).norm();
      if (!(norm * (most_[k] - least_[k]) > nothing))
        throw data_error(
            "calibrate.strengths: nothing that is fitted to answers to '{}'; leave it out, or give a target that does", name(k));
      unit.col(k) /= norm;
    }
    const Eigen::SelfAdjointEigenSolver<MatrixXd> solver(unit.transpose() * unit);
    if (solver.eigenvalues()[0] < degenerate) {
      Index worst = 0;
      solver.eigenvectors().col(0).cwiseAbs().maxCoeff(&worst);
      throw data_error(
          "calibrate.strengths: what is fitted to cannot tell '{}' from the other strengths; leave it out, or give a target "
          "that can",
          name(worst));
    }
    return (slopes.transpose() * slopes).inverse().diagonal().cwiseSqrt();
  }
  const std::string& name(Index k) const { return parameters_[static_cast<std::size_t>(k)].name; }

  // The step to the least of the linear problem. Strengths at a bound that it would leave stay there, the rest is solved anew.
  VectorXd newton(const MatrixXd& slopes) const {
    const VectorXd rest = (data_ - there_).cwiseQuotient(error_);
    std::vector<Index> free;
    for (Index k = 0; k < size(); ++k) free.push_back(k);
    while (!free.empty()) {
      const MatrixXd some = slopes(Eigen::all, free);
      const VectorXd step = (some.transpose() * some).ldlt().solve(some.transpose() * rest);
      std::vector<Index> kept;
      for (Index i = 0; i < step.size(); ++i) {
        const auto k = free[static_cast<std::size_t>(i)];
        const bool stuck = (at_[k] <= least_[k] && step[i] < 0) || (at_[k] >= most_[k] && step[i] > 0);
        if (!stuck) kept.push_back(k);
      }
      if (kept.size() == free.size()) {
        VectorXd all = VectorXd::Zero(size());
        all(free) = step;
        return all;
      }
      free = kept;
    }
    return VectorXd::Zero(size());
  }

  // False where no part of the step brings the sum down.
  bool descend(VectorXd step) {
    const double before = chi2(there_);
    for (int halving = 0; halving <= most_halvings; ++halving, step /= 2) {
      const VectorXd trial = inside(at_ + step), predicted = predict_(trial);
      if (!(chi2(predicted) < before)) continue;
      at_ = trial, there_ = predicted;
      return true;
    }
    return false;
  }

  const std::vector<Parameter>& parameters_;
  const VectorXd &data_, &error_;
  const Predict& predict_;
  VectorXd least_, most_, at_, there_;
};

}  // namespace

Fit fit(const std::vector<Parameter>& parameters, const VectorXd& data, const VectorXd& error, const Predict& predict) {
  return Search(parameters, data, error, predict).run();
}

Judgement judge(const Fit& fit, const VectorXd& data, const VectorXd& error, const MatrixXd& covariance) {
  // Strengths are a linear map of the data, so their covariance follows without inverting that of the data, which few
  // sub-boxes tell too badly for that.
  const auto n = data.size();
  const MatrixXd weights = error.cwiseAbs2().cwiseInverse().asDiagonal();
  const MatrixXd slopes = fit.jacobian, normal = slopes.transpose() * weights * slopes;
  const MatrixXd map = normal.ldlt().solve(slopes.transpose() * weights);
  Judgement j;
  j.covariance = map * covariance * map.transpose();
  const VectorXd rest = (data - fit.predicted).cwiseQuotient(error);
  j.chi2 = rest.squaredNorm();
  const MatrixXd left = error.cwiseInverse().asDiagonal() * (MatrixXd::Identity(n, n) - slopes * map);
  const MatrixXd residual = left * covariance * left.transpose();
  j.expected = residual.trace();
  j.scatter = std::sqrt(2 * (residual * residual).trace());
  return j;
}

}  // namespace halobrush::calibrate
