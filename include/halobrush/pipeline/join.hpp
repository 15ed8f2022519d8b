// Whether galaxies live in the halos that they are joined to: equal ids prove nothing, for every catalog numbers
// from 0.
#pragma once

#include <string>

#include "halobrush/catalog/halo_catalog.hpp"
#include "halobrush/core/log.hpp"
#include "halobrush/mpi/communicator.hpp"
#include "halobrush/pipeline/labelled.hpp"

namespace halobrush::pipeline {

/// @collective Compares what both carry: redshift, box, cosmology, particle mass; the hash of the halos; positions
/// and masses of galaxies and halos of one id (docs/formats.md states the tolerances). Logs and returns what was
/// found, in one line. Throws data_error with both values where these are other halos.
std::string check_join(const GalaxyLabels& galaxies, const catalog::HaloCatalog& halos,
                       const mpi::Communicator& comm, Logger& log);

}  // namespace halobrush::pipeline
