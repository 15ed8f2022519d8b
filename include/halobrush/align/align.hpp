// Orientations for the galaxies of finished catalogs: rows, order and all other columns stay as they are.
#pragma once

#include <string>
#include <vector>

#include "halobrush/config/config.hpp"
#include "halobrush/core/log.hpp"
#include "halobrush/mpi/communicator.hpp"

namespace halobrush::align {

struct Task {
  std::vector<std::string> files;  ///< galaxy catalogs of diffsky or OpenCosmo, each with one or more groups of galaxies
  std::string out;                 ///< folder of the copies, which have the names of their originals
  bool overwrite = false;          ///< replaces copies that were made otherwise
};

/// Where the copy of a file goes.
std::string copy_of(const std::string& file, const std::string& out);

/// @collective Files are dealt over ranks, the largest first. Copies of this configuration that are there already are
/// kept, so that a run that was stopped goes on. Bits do not depend on the number of ranks or on the order of rows.
/// Throws config_error, io_error; data_error naming file, column and row; `stopped` between two files.
void run(const Task& task, const config::Config& config, const mpi::Communicator& comm, Logger& log);

}  // namespace halobrush::align
