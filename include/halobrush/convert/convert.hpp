// Any catalog that can be read becomes a canonical halo catalog or, when it has galaxies, a training catalog:
// one galaxy catalog with labels and the halos they live in (docs/formats.md).
#pragma once

#include "halobrush/config/config.hpp"
#include "halobrush/core/log.hpp"
#include "halobrush/mpi/communicator.hpp"

namespace halobrush::convert {

/// @collective Writes convert.path. SUBFIND catalogs are read and written block by block. Throws
/// config_error, data_error, io_error.
void run(const config::Config& config, const mpi::Communicator& comm, Logger& log);

}  // namespace halobrush::convert
