#include "halobrush/mpi/agree.hpp"

#include <climits>

namespace halobrush::mpi {

void agree_on(const Communicator& comm, const std::optional<Error>& mine) {
  const int first_failing = comm.min(mine ? comm.rank() : INT_MAX);
  if (first_failing == INT_MAX) return;
  int code = mine ? static_cast<int>(mine->code()) : 0;
  comm.broadcast(std::span(&code, 1), first_failing);
  throw Error(static_cast<ExitCode>(code),
              comm.broadcast(mine ? mine->what() : std::string(), first_failing));
}

}  // namespace halobrush::mpi
