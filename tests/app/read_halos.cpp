// Reads halo catalogs of any format, as painting does, one after the other: a line each, "0 remarks" or "code
// error". What was read is written to "<path>.read" in the program's own layout; of "a|b>c", a catalog in two files, to "c".
#include <fmt/ranges.h>
#include <mpi.h>

#include <cstdio>
#include <sstream>
#include <vector>

#include "halobrush/catalog/reader.hpp"
#include "halobrush/core/error.hpp"
#include "halobrush/mpi/communicator.hpp"
#include "halobrush/mpi/environment.hpp"

namespace {

std::vector<std::string> parts_of(const std::string& argument) {
  std::vector<std::string> paths;
  std::istringstream parts(argument);
  for (std::string path; std::getline(parts, path, '|');) paths.push_back(path);
  return paths;
}

std::string read(const std::string& argument, const halobrush::mpi::Communicator& comm) {
  const auto arrow = argument.find('>');
  const auto paths = parts_of(argument.substr(0, arrow));
  const auto output = arrow == std::string::npos ? argument + ".read" : argument.substr(arrow + 1);
  try {
    const auto catalog = halobrush::catalog::read_halos(paths, {}, comm);
    halobrush::catalog::write_halos(output, catalog, comm);
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
