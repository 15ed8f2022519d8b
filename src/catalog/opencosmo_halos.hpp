// Halo properties of HACC in OpenCosmo's HDF5 layout: a snapshot in one or several files (docs/formats.md).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "halo_files.hpp"

namespace halobrush::catalog {

/// Whether an HDF5 file whose data_type is halo_properties has HACC's columns. Throws as h5::File::open.
bool has_hacc_columns(const std::string& path);

/// Throws data_error for a light cone, physical units, an unknown unit, and columns that are needed and not there.
std::unique_ptr<HaloFiles> open_opencosmo(const std::vector<std::string>& files);

}  // namespace halobrush::catalog
