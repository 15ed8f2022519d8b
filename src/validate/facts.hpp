// What must hold of a catalog as a whole.
#pragma once

#include "halobrush/mpi/communicator.hpp"
#include "halobrush/validate/galaxies.hpp"
#include "halobrush/validate/results.hpp"

namespace halobrush::validate {

/// @collective Counts of galaxies that break a rule; rules whose columns are absent are left out.
CatalogFacts facts_of(const Galaxies& galaxies, const mpi::Communicator& comm);

}  // namespace halobrush::validate
