// One-point distributions of a catalog's columns, from integer counts: the same for any number of ranks.
#pragma once

#include <span>
#include <vector>

#include "halobrush/mpi/communicator.hpp"
#include "halobrush/validate/galaxies.hpp"
#include "halobrush/validate/results.hpp"

namespace halobrush::validate {

/// @collective
Moments moments_of(std::span<const double> values, const mpi::Communicator& comm);

/// Numbers of values in bins of equal width between the edges; the last bin includes its upper edge.
/// @collective
std::vector<double> histogram(std::span<const double> values, std::span<const double> edges,
                              const mpi::Communicator& comm);

/// Columns that describe galaxies (no positions, ids, axes), and so have distributions worth comparing.
std::vector<std::string> label_columns(const catalog::Table& table);

/// Bins for a column that several catalogs share. @collective
std::vector<double> common_edges(const std::string& column, std::span<const Galaxies* const> catalogs,
                                 const mpi::Communicator& comm);

/// @collective `rows`: those of the sub-sample. The edges of a mass (log_stellar_mass, log_halo_mass) give a
/// mass function.
Distribution distribution_of(const Galaxies& galaxies, const std::string& column,
                             std::span<const std::size_t> rows, std::span<const double> edges,
                             const mpi::Communicator& comm);

/// @collective Largest distance of the two cumulative distributions, at 65,536 points over their common
/// range.
double ks_distance(std::span<const double> a, std::span<const double> b, const mpi::Communicator& comm);

/// Every common label column, over all galaxies and in bins of one dex of halo mass that hold 50 galaxies in
/// both. @collective
std::vector<KsTest> ks_tests(const Galaxies& mock, const Galaxies& reference, const mpi::Communicator& comm);

/// The distance that two samples of one population exceed once in a thousand times (Smirnov's limit).
double ks_allowance(double n_a, double n_b);

}  // namespace halobrush::validate
