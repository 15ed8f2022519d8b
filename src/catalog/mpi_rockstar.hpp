// MPI-Rockstar's halos in HDF5, a catalog in as many files as there were writers (docs/formats.md).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "halo_files.hpp"

namespace halobrush::catalog {

/// Of an HDF5 file, by its /Header. Throws as h5::File::open.
bool is_mpi_rockstar(const std::string& path);

/// All files of the catalog that has this one. Throws data_error naming a file that is absent.
std::vector<std::string> mpi_rockstar_files(const std::string& path);

/// Of `options` host_mass. Throws data_error where a file is damaged or of a newer revision, and for an unknown unit.
std::unique_ptr<HaloFiles> open_mpi_rockstar(const std::vector<std::string>& files, const ReadOptions& options);

}  // namespace halobrush::catalog
