// Reading halo catalogs: one function for users, one reader per format behind it.
#pragma once

#include <string>

#include "halobrush/catalog/halo_catalog.hpp"
#include "halobrush/mpi/communicator.hpp"

namespace halobrush::catalog {

enum class HaloFormat { rockstar, halobrush };

struct ReadOptions {
  std::string format = "auto";                                 ///< auto, rockstar, halobrush
  double box_size = std::numeric_limits<double>::quiet_NaN();  ///< where the file does not say, Mpc/h
};

/// @collective Every rank gets its share of rows (any share may be empty; an empty catalog is valid).
/// Checks finite positions inside the box, positive masses and radii, unique ids. Throws data_error naming
/// file, column, row (the same on every rank).
HaloCatalog read_halos(const std::string& path, const ReadOptions& options, const mpi::Communicator& comm);

/// What a header says, without reading rows: for --dry-run and info. `rows` of a text file is an estimate
/// from its size.
struct HaloHeader {
  Simulation simulation;
  Source source;  ///< without sha256
  std::vector<std::string> columns;
  std::uint64_t rows = 0;
  bool rows_exact = true;
};
/// Not collective.
HaloHeader read_header(const std::string& path, const ReadOptions& options);

/// @collective Writes the canonical HDF5 halo catalog (docs/formats.md).
void write_halos(const std::string& path, const HaloCatalog& catalog, const mpi::Communicator& comm);

}  // namespace halobrush::catalog
