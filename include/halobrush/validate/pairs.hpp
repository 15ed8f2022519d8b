// Statistics of pairs of a sub-sample.
#pragma once

#include <span>
#include <vector>

#include "halobrush/config/config.hpp"
#include "halobrush/mpi/communicator.hpp"
#include "halobrush/validate/galaxies.hpp"
#include "halobrush/validate/results.hpp"
#include "halobrush/validate/selection.hpp"

namespace halobrush::validate {

/// Throws config_error where bins of separation are empty or reach beyond half of the box.
void check_bins(const config::Stats& stats, const Galaxies& galaxies);

/// @collective Those named in `only`, or everything that the catalog's columns allow, of the galaxies `rows` with each
/// other. Throws data_error when a jackknife sub-box holds none of them.
std::vector<Statistic> pair_statistics(const Galaxies& galaxies, std::span<const std::size_t> rows,
                                       const Selection& selection, const config::Stats& how,
                                       const mpi::Communicator& comm, const std::vector<std::string>& only = {});

}  // namespace halobrush::validate
