// The loop that every way of training shares: data-parallel steps, schedule, averaged weights, held-out loss,
// checkpoints.
#pragma once

#include <string>

#include "halobrush/config/config.hpp"
#include "halobrush/core/log.hpp"
#include "halobrush/core/timer.hpp"
#include "halobrush/mpi/communicator.hpp"
#include "method.hpp"
#include "training_set.hpp"

namespace halobrush::train {

struct Outcome {
  Weights kept;  ///< averaged weights, by train.keep
  double held_out_loss = 0, training_loss = 0;
  std::int64_t steps = 0;
  std::size_t patches_a_step = 0;
  double seconds = 0;
};

/// @collective Trains until train.steps, or until the held-out loss has not fallen for train.patience
/// intervals. A step's patches are dealt to the ranks, their gradients summed, so all ranks keep the same
/// weights, bit for bit. Goes on from train.checkpoint where there is one of this `identity`. Throws
/// model_error naming step and patches when a loss or gradient is not finite; the checkpoint then is of a
/// step whose loss was. Asked to stop (core/signals, limits.wall_time), it writes the checkpoint and throws an error
/// with the code `stopped`.
Outcome run_loop(Method& method, const TrainingSet& set, const config::Config& config,
                 const std::string& identity, const Timer& since_start, const mpi::Communicator& comm, Logger& log);

}  // namespace halobrush::train
