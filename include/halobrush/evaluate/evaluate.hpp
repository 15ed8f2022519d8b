// halobrush evaluate: what a model paints beside galaxies that are known, in the same halos.
//
// Here the galaxies are joined, painted and judged; every statistic of the result is made by
// python/halobrush/evaluate.py, which has the classifiers, from the one table that this writes.
#pragma once

#include <cstdint>
#include <string>

#include "halobrush/config/config.hpp"
#include "halobrush/core/error.hpp"
#include "halobrush/core/log.hpp"
#include "halobrush/mpi/communicator.hpp"

namespace halobrush::evaluate {

inline constexpr auto requirements_failed = static_cast<ExitCode>(1);

struct Request {
  std::string model;       ///< model file, or "analytic": the law of the catalog's own configuration
  std::string catalog;     ///< galaxy catalog with labels
  std::string folder;      ///< where the results go
  std::int64_t draws = 3;  ///< each with a seed of its own
  bool density = true;     ///< log p of each galaxy, where the painter has one
  bool statistics = true;  ///< false: the table alone, with noise_*, for tools to pool with others
};

/// @collective Writes folder/evaluation.hdf5 (docs/evaluation.md: truth, inputs, draws and split, a row for
/// each galaxy that has a halo), then evaluation.json and the page index.html; without Python those say what
/// is missing. Returns exit code 1 where a requirement of the page fails, or where nothing could be judged. Throws data_error: no galaxy matches a halo, a label is missing; model_error: an input is
/// missing; io_error.
/// @param config   pipeline::config_for
ExitCode run(const Request& request, const config::Config& config, const mpi::Communicator& comm, Logger& log);

}  // namespace halobrush::evaluate
