// Between two stages of a run: whether to go on.
#pragma once

#include <string>

#include "halobrush/mpi/communicator.hpp"

namespace halobrush::mpi {

/// @collective Throws an error with the code `stopped` on every rank where any has been asked to stop (core/signals).
/// `next` is what then did not begin: "the tiles".
void stop_if_asked(const Communicator& comm, const std::string& next);

}  // namespace halobrush::mpi
