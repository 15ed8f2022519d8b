// The alignment amplitude A_1 and the galaxy bias of sub-samples.
#pragma once

#include <string>
#include <vector>

#include "halobrush/catalog/halo_catalog.hpp"
#include "halobrush/config/config.hpp"
#include "halobrush/mpi/communicator.hpp"
#include "halobrush/validate/results.hpp"

namespace halobrush::validate {

/// @collective The model of python/halobrush/nla_model.py at the catalog's cosmology and scale factor, in the bins of `rp_edges`
/// inside validate.nla_r; the tool's files go to the folder `out`. Throws data_error, the same on every rank, saying
/// what is missing.
NlaModel nla_model(const std::vector<double>& rp_edges, double pi_max, const catalog::Simulation& simulation,
                   const config::Config& config, const std::string& out, const mpi::Communicator& comm);

/// @collective Fits every sub-sample that has w_g+ and w_gg, with nla_model. Throws as that does.
Nla measure_nla(const std::vector<Statistic>& statistics, const catalog::Simulation& simulation,
                const config::Config& config, const std::string& out, const mpi::Communicator& comm);

}  // namespace halobrush::validate
