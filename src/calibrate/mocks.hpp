// Mocks of several seeds that are painted again and again: scalars once, axes for each law, with the same random numbers.
#pragma once

#include <Eigen/Core>
#include <memory>
#include <string>
#include <vector>

#include "halobrush/catalog/halo_catalog.hpp"
#include "halobrush/config/config.hpp"
#include "halobrush/core/log.hpp"
#include "halobrush/domain/patch.hpp"
#include "halobrush/model/axes_painter.hpp"
#include "halobrush/mpi/communicator.hpp"
#include "halobrush/validate/lensing.hpp"
#include "halobrush/validate/samples.hpp"

namespace halobrush::calibrate {

/// An amplitude A_1 that is asked for.
struct Wanted {
  std::string selection;
  double a_1 = 0;
};

/// What mocks are brought to: the bins of the vectors, one after the other, then the amplitudes.
struct Goals {
  std::vector<validate::Target> targets;
  std::vector<Wanted> wanted;
  std::vector<std::string> statistics(const std::string& selection) const;  ///< that the pairs of a sub-sample must give
  Eigen::Index in_targets() const;
  Eigen::Index size() const { return in_targets() + static_cast<Eigen::Index>(wanted.size()); }
  Eigen::VectorXd data() const;
  Eigen::VectorXd errors() const;  ///< of the targets; zero: wanted amplitudes have none
};

/// The goals as mocks of one law meet them.
struct Measured {
  Eigen::MatrixXd value;                  ///< [n,seeds]
  std::vector<Eigen::MatrixXd> left_out;  ///< [seeds] of [n,regions], without one sub-box each; none: not measured
};

class Mocks {
 public:
  /// @collective Paints what no strength changes.
  Mocks(const config::Config& config, catalog::HaloCatalog halos, const Goals& goals,
        const validate::NlaModel& model, const mpi::Communicator& comm, Logger& log);
  /// @collective Throws data_error where too few galaxies meet a goal.
  Measured measure(const config::Shapes& law, bool with_sub_boxes) const;

 private:
  struct Seed {
    std::unique_ptr<model::Painter> first;
    std::vector<model::Painted> galaxies;  ///< of each patch
  };
  catalog::Table rows(std::size_t seed, const config::Shapes& law) const;
  std::vector<validate::Statistic> statistics(const validate::Galaxies& galaxies, bool with_sub_boxes) const;
  void check(const std::vector<validate::Statistic>& statistics) const;
  Eigen::VectorXd values(const std::vector<validate::Statistic>& statistics) const;

  config::Config config_;
  const Goals& goals_;
  const validate::NlaModel& model_;
  const mpi::Communicator& comm_;
  catalog::Simulation simulation_;
  catalog::Table columns_, halo_columns_;  ///< without rows
  std::unique_ptr<model::Painter> chain_;  ///< names the columns
  std::vector<domain::Patch> patches_;
  std::vector<Seed> seeds_;
};

}  // namespace halobrush::calibrate
