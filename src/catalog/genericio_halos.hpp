// Halo properties of HACC in a GenericIO file, or in one that is split into FILE#0, FILE#1, ... by a map in FILE.
#pragma once

#include <string>
#include <vector>

#include "halobrush/catalog/reader.hpp"

namespace halobrush::catalog {

/// Whether a GenericIO file holds halo properties, or maps files that do; true of one that cannot be read, whose reader
/// says why.
bool is_genericio_of_halos(const std::string& path);

/// The files of the catalog that each of `paths` is, or is a part of: the file, or the map and then its parts. Throws
/// data_error where they are of two, and for a part that is absent; io_error.
std::vector<std::string> genericio_files(const std::vector<std::string>& paths);

/// @collective
std::unique_ptr<HaloSource> open_genericio(Input input, const ReadOptions& options, const mpi::Communicator& comm);

/// As read_header. Not collective.
HaloHeader read_genericio_halo_header(const Input& input, const ReadOptions& options);

/// As sample_rockstar.
Table sample_genericio(const Input& input, const ReadOptions& options, HaloHeader& said);

}  // namespace halobrush::catalog
