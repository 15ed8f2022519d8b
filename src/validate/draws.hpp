// Several draws on one halo catalog (mocks that differ in their seed) taken together: what all have, measured with less of the
// noise of their galaxies.
#pragma once

#include <span>
#include <vector>

#include "halobrush/mpi/communicator.hpp"
#include "halobrush/validate/galaxies.hpp"
#include "halobrush/validate/results.hpp"

namespace halobrush::validate {

/// @collective Throws data_error where a draw has other galaxies than the first one (box, scale factor, number, positions),
/// was made otherwise than by another seed, or is one of the others again.
void check_draws(std::span<const Galaxies> draws, const mpi::Communicator& comm);

/// One measurement of all draws, which have the same galaxies: statistics, misalignments and distributions are means, their
/// leave-one-out samples too, so that errors are those of the means; numbers of galaxies and pairs are sums; of what holds of
/// a catalog as a whole, numbers of faults are sums and deviations the largest. Without nla, targets and ellipticities.
Measurement mean_of_draws(const std::vector<Measurement>& draws);

}  // namespace halobrush::validate
