// MPI for the lifetime of main().
#pragma once

#include <string>

#include "halobrush/mpi/communicator.hpp"

namespace halobrush::mpi {

/// Initialises MPI (MPI_THREAD_SERIALIZED) and finalises it. While an exception unwinds it aborts instead:
/// MPI_Finalize on one rank alone would hang the others.
class Environment {
 public:
  Environment(int& argc, char**& argv);
  ~Environment();
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

 private:
  int exceptions_;
};

/// A communicator of this rank alone. Not collective.
Communicator alone();

/// The MPI library, in one line; needs no initialisation.
std::string library_version();

}  // namespace halobrush::mpi
