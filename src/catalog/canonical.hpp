// The canonical HDF5 halo catalog (docs/formats.md).
#pragma once

#include "halobrush/catalog/reader.hpp"

namespace halobrush::catalog {

/// @collective Of a halo catalog, or a galaxy catalog that carries its halos, in one or several files.
std::unique_ptr<HaloSource> open_canonical(Input input, const mpi::Communicator& comm);

/// Whether a table file (a galaxy catalog, too) has the required halo columns. Not collective.
bool has_halo_columns(const std::string& path);

/// As read_header. Not collective.
HaloHeader read_canonical_header(const Input& input);

/// As sample_rockstar.
Table sample_canonical(const Input& input, const HaloHeader& said);

}  // namespace halobrush::catalog
