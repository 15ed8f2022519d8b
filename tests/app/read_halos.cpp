// Reads halo catalogs of any format, as painting does, one after the other: a line each, "0 remarks" or "code
// error". What was read is written to "<path>.read" in the program's own layout.
#include <fmt/ranges.h>
#include <mpi.h>

#include <cstdio>

#include "halobrush/catalog/reader.hpp"
#include "halobrush/core/error.hpp"
#include "halobrush/mpi/communicator.hpp"
#include "halobrush/mpi/environment.hpp"

namespace {

std::string read(const std::string& path, const halobrush::mpi::Communicator& comm) {
  try {
    const auto catalog = halobrush::catalog::read_halos(path, {}, comm);
    halobrush::catalog::write_halos(path + ".read", catalog, comm);
    return fmt::format("0 {}", fmt::join(catalog.remarks, "; "));
  } catch (const halobrush::Error& error) {
    return fmt::format("{} {}", static_cast<int>(error.code()), error.what());
  }
}

}  // namespace

int main(int argc, char** argv) {
  const halobrush::mpi::Environment mpi(argc, argv);
  const halobrush::mpi::Communicator comm(MPI_COMM_WORLD);
  for (int i = 1; i < argc; ++i) {
    const auto line = read(argv[i], comm);
    if (comm.root()) std::puts(line.c_str());
  }
}
