// Least squares inside bounds, with errors that know of correlations. Predictions come from mocks of the same random
// numbers, so that they move with the strengths and not with the noise.
#pragma once

#include <Eigen/Core>
#include <functional>
#include <string>
#include <vector>

namespace halobrush::calibrate {

struct Parameter {
  std::string name;
  double start = 0, least = 0, most = 0;
  double step = 0;  ///< of finite differences: wide, since draws that are accepted or not make predictions jump
};

/// [n] for strengths [p]; the same for the same strengths.
using Predict = std::function<Eigen::VectorXd(const Eigen::VectorXd&)>;

struct Fit {
  Eigen::VectorXd strengths, predicted;  ///< [p], [n]
  Eigen::MatrixXd jacobian;              ///< [n,p] d predicted / d strength
  int iterations = 0;
  bool converged = false;
};

/// The strengths of least sum ((data - predicted) / error)^2: Gauss-Newton steps, shortened where the sum would rise, along
/// the bounds where it falls beyond them. Throws data_error naming a strength to which nothing answers, or which the data
/// cannot tell from the others.
Fit fit(const std::vector<Parameter>& parameters, const Eigen::VectorXd& data, const Eigen::VectorXd& error,
        const Predict& predict);

/// What a covariance of data minus predictions says of a fit.
struct Judgement {
  Eigen::MatrixXd covariance;  ///< [p,p] of the strengths, as if there were no bounds
  double chi2 = 0;             ///< the sum that was made least
  double expected = 0, scatter = 0;  ///< mean and standard deviation of such sums: bins are correlated, so it follows no chi^2
};

/// @param error  as the fit's: they set the weights only
/// @param covariance [n,n]
Judgement judge(const Fit& fit, const Eigen::VectorXd& data, const Eigen::VectorXd& error,
                const Eigen::MatrixXd& covariance);

}  // namespace halobrush::calibrate
