// Conformity: galaxies of one host halo share what no input tells. One standard normal number G of the host
// enters the starting noise of its galaxies' labels,
//   z_i = e_i + G l_i + (sqrt(1 - |l_i|^2) - 1) (u_i . e_i) u_i,   e_i ~ N(0, 1),   u_i = l_i / |l_i|,
// with one loading l for satellites and one for the central. Each galaxy's own z_i stays standard normal, so
// its own distribution does not change under a deterministic sampler; two galaxies of a host have the
// covariance l_i l_j^T.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "halobrush/diffusion/state.hpp"
#include "halobrush/model/model_file.hpp"

namespace halobrush::model {

/// Makes e of pure noise (labels `sigma` e) into z. G belongs to seed and host id.
/// @param id, host    [n] of the galaxies and of their host halos; equal for a central
void add_host_factor(diffusion::State& noise, std::span<const std::int64_t> id,
                     std::span<const std::int64_t> host, std::uint64_t seed, const HostFactor& factor,
                     double sigma);

/// log of p(z) under the factor over p(z) of independent noise, shared evenly by the members of a host: only
/// sums over hosts have a meaning.
/// @param noise    [n, labels] z; NaN where a label is not known, and over which is integrated
std::vector<double> log_density_ratio(const std::vector<double>& noise, std::span<const std::int64_t> id,
                                      std::span<const std::int64_t> host, const HostFactor& factor);

}  // namespace halobrush::model
