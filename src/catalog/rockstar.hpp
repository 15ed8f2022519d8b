// Rockstar's out_N.list, with or without find_parents' PID, and consistent-trees' hlist: text, plain or gzip.
#pragma once

#include "halobrush/catalog/reader.hpp"

namespace halobrush::catalog {

/// @collective
std::unique_ptr<HaloSource> open_rockstar(const std::string& path, const ReadOptions& options,
                                          const mpi::Communicator& comm);

/// As read_header. Not collective.
HaloHeader read_rockstar_header(const std::string& path, const ReadOptions& options);

/// All rows of a file that is not large, none of a large one, for read_header: hosts and positions are looked at.
/// Not collective. Throws data_error.
Table sample_rockstar(const std::string& path, const ReadOptions& options, HaloHeader& said);

}  // namespace halobrush::catalog
