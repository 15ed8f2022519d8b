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
  std::string out;                 ///< folder of the copies, which have the names of their originals; empty: none are made
  bool overwrite = false;          ///< replaces copies that were made otherwise
  bool in_place = false;           ///< instead of copies: the files themselves are changed
  bool restore = false;            ///< instead of both: files that were changed in place are put back
  std::string backup;              ///< folder of backups of files that are changed in place; empty: each beside its file
};

/// Where the copy of a file goes.
std::string copy_of(const std::string& file, const std::string& out);

/// Throws data_error where a run that changes the catalog in place has not ended. A path without such a run's backup passes.
void refuse_half_changed(const std::string& path);

/// @collective Files are dealt over ranks, the largest first. Copies of this configuration that are there already are
/// kept, so that a run that was stopped goes on; so are files that were changed in place, and what a killed run left of one is
/// put back first. Bits do not depend on the number of ranks or on the order of rows.
/// Throws config_error, io_error; data_error naming file, column and row; `stopped` between two files.
void run(const Task& task, const config::Config& config, const mpi::Communicator& comm, Logger& log);

}  // namespace halobrush::align
