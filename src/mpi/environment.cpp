#include "halobrush/mpi/environment.hpp"

#include <mpi.h>

#include <exception>

#include "halobrush/core/error.hpp"
#include "halobrush/mpi/communicator.hpp"

namespace halobrush::mpi {

Environment::Environment(int& argc, char**& argv) : exceptions_(std::uncaught_exceptions()) {
  int provided = 0;
  check(MPI_Init_thread(&argc, &argv, MPI_THREAD_SERIALIZED, &provided), "MPI_Init_thread");
  if (provided < MPI_THREAD_SERIALIZED)
    throw config_error("MPI: {} does not allow calls from several threads, one at a time (MPI_THREAD_SERIALIZED); use one "
                       "that was built with threads", library_version());
}

Environment::~Environment() {
  if (std::uncaught_exceptions() > exceptions_)
    MPI_Abort(MPI_COMM_WORLD, static_cast<int>(ExitCode::internal));
  else
    MPI_Finalize();
}

Communicator alone() {
  return Communicator(MPI_COMM_SELF);
}

std::string library_version() {
  char text[MPI_MAX_LIBRARY_VERSION_STRING];
  int length = 0;
  MPI_Get_library_version(text, &length);
  const std::string version(text, static_cast<std::size_t>(length));
  return version.substr(0, version.find_first_of(",\n"));
}

}  // namespace halobrush::mpi
