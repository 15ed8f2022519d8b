// The HDF5 library behind this module.
#pragma once

#include <string>

namespace halobrush::catalog {

std::string hdf5_version();

}  // namespace halobrush::catalog
