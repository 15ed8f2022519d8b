#include "halobrush/mpi/stop.hpp"

#include "halobrush/core/error.hpp"
#include "halobrush/core/signals.hpp"

namespace halobrush::mpi {

void stop_if_asked(const Communicator& comm, const std::string& next) {
  const auto mine = stop_asked();
  const int asked = comm.max(mine.empty() ? -1 : comm.rank());
  if (asked >= 0) throw stopped(comm.broadcast(mine, asked), next);
}

}  // namespace halobrush::mpi
