// Reads halo catalogs of any format, as painting does, one after the other: a line each, "0 remarks" or "code
// error". What was read is written to "<path>.read" in the program's own layout; of "a|b>c", a catalog in two files, to "c".
// An argument "+scale_factor=0.5" (or omega_m, h, box_size) is what the configuration says of those that follow.
#include <fmt/ranges.h>
#include <mpi.h>

#include <cstdio>
#include <map>
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

using halobrush::catalog::ReadOptions;

void set(ReadOptions& options, const std::string& setting) {
  const auto equals = setting.find('=');
  const std::map<std::string, double*> keys = {{"scale_factor", &options.scale_factor}, {"omega_m", &options.omega_m},
                                               {"h", &options.h}, {"box_size", &options.box_size}};
  *keys.at(setting.substr(0, equals)) = std::stod(setting.substr(equals + 1));
}

std::string read(const std::string& argument, const ReadOptions& options, const halobrush::mpi::Communicator& comm) {
  const auto arrow = argument.find('>');
  const auto paths = parts_of(argument.substr(0, arrow));
  const auto output = arrow == std::string::npos ? argument + ".read" : argument.substr(arrow + 1);
  try {
    const auto catalog = halobrush::catalog::read_halos(paths, options, comm);
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
  ReadOptions options;
  for (int i = 1; i < argc; ++i) {
    if (argv[i][0] == '+') {
      set(options, argv[i] + 1);
      continue;
    }
    const auto line = read(argv[i], options, comm);
    if (comm.root()) std::puts(line.c_str());
  }
}
