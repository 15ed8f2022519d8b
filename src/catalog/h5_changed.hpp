// HDF5 on a file that can be put back (core/changed_file): a driver of HDF5's virtual file layer.
#pragma once

#include <memory>

#include "h5.hpp"

namespace halobrush::catalog::h5 {

/// Access properties of a file that HDF5 reads and writes through `file`.
Handle access_through(const std::shared_ptr<ChangedFile>& file);

}  // namespace halobrush::catalog::h5
