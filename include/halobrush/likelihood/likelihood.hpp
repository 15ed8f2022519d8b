// halobrush loglike: how probable a model holds galaxies that are known; also each galaxy's anomaly score.
#pragma once

#include <string>

#include "halobrush/config/config.hpp"
#include "halobrush/core/log.hpp"
#include "halobrush/mpi/communicator.hpp"

namespace halobrush::likelihood {

struct Request {
  std::string model;    ///< model file, or "analytic": the law of the catalog's own configuration, exact
  std::string catalog;  ///< galaxy catalog with labels
  std::string output;   ///< HDF5 table to write; `<output>.json` has the means
};

/// @collective Writes one row for each galaxy that has a halo: ids, split, log_likelihood (nats; NaN where
/// the law needs a label that is missing), for the law also log_orientation_density, out_of_distribution.
/// Throws data_error: no galaxy matches a halo; model_error: a painter without density.
/// @param config   pipeline::config_for
void run(const Request& request, const config::Config& config, const mpi::Communicator& comm, Logger& log);

}  // namespace halobrush::likelihood
