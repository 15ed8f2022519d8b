// What every halo must satisfy, whatever file it comes from.
#pragma once

#include <optional>
#include <string>

#include "halobrush/catalog/halo_catalog.hpp"
#include "halobrush/mpi/communicator.hpp"

namespace halobrush::catalog {

/// What is wrong with a value of a halo column (name as in halo_schema), with its cure; nothing when it is
/// fine.
std::optional<std::string> fault_of(const std::string& column, double value, const Simulation& simulation);

/// @collective Throws data_error naming an id that occurs twice, the same for any number of ranks.
void check_unique_ids(const std::string& path, const Table& halos, const mpi::Communicator& comm);

}  // namespace halobrush::catalog
