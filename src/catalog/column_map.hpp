// Halos in HDF5 files of any layout: input.columns names the dataset and the unit of each column.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "halo_files.hpp"

namespace halobrush::catalog {

/// Throws config_error for a map that cannot be understood, names a column that halos do not have or leaves out one that they
/// need; data_error where the file does not hold what the map names.
std::unique_ptr<HaloFiles> open_column_map(const std::vector<std::string>& files, const ReadOptions& options);

}  // namespace halobrush::catalog
