// Rockstar's out_N.list, with or without find_parents' PID, and consistent-trees' hlist: text, plain or gzip.
#pragma once

#include "halobrush/catalog/reader.hpp"

namespace halobrush::catalog {

/// @collective As read_halos; ids are not yet compared, source.sha256 is not yet set.
HaloCatalog read_rockstar(const std::string& path, const ReadOptions& options, const mpi::Communicator& comm);

/// As read_header. Not collective.
HaloHeader read_rockstar_header(const std::string& path, const ReadOptions& options);

}  // namespace halobrush::catalog
