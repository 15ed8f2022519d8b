// Rockstar's out_N.list, with or without find_parents' PID, and consistent-trees' hlist: text, plain or gzip.
#pragma once

#include "halobrush/catalog/reader.hpp"

namespace halobrush::catalog {

/// @collective A list in one or several files.
std::unique_ptr<HaloSource> open_rockstar(Input input, const ReadOptions& options, const mpi::Communicator& comm);

/// As read_header. Not collective.
HaloHeader read_rockstar_header(const Input& input, const ReadOptions& options);

/// All rows of a list that is not large, none of a large one, for read_header: hosts and positions are looked at.
/// Not collective. Throws data_error.
Table sample_rockstar(const Input& input, const ReadOptions& options, HaloHeader& said);

}  // namespace halobrush::catalog
