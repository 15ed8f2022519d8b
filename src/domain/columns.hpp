// Shared by this module: the centres that decide where a group belongs.
#pragma once

#include <vector>

#include "halobrush/catalog/table.hpp"
#include "halobrush/core/geometry.hpp"
#include "halobrush/mpi/communicator.hpp"

namespace halobrush::domain {

/// @collective The position of each row's host, exactly as the host's own row has it: position minus
/// displacement would differ in the last bits and could put a group into two tiles.
std::vector<Vec3> host_centres(const catalog::Table& halos, const mpi::Communicator& comm);

}  // namespace halobrush::domain
