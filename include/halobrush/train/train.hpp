// Fits a painter to a galaxy catalog: denoising score matching on SO(3), EDM on the labels, data-parallel
// over ranks.
#pragma once

#include "halobrush/config/config.hpp"
#include "halobrush/core/log.hpp"
#include "halobrush/mpi/communicator.hpp"

namespace halobrush::train {

/// @collective Trains on train.catalog joined to input.path by halo_id, and writes train.model and
/// <train.model>.losses.csv. Every rank holds the whole training set (hydrodynamical boxes are small) and
/// takes its share of each batch; all keep the same weights. Resumes from the checkpoint where there is one.
/// Throws model_error when the loss is no longer finite.
void run(const config::Config& config, const mpi::Communicator& comm, Logger& log);

}  // namespace halobrush::train
