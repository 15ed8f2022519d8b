// Arrays in HDF5 files that are no columns of a table. Nothing here is collective.
#pragma once

#include "h5.hpp"

namespace halobrush::catalog::h5 {

/// An empty file in the place of any other. Throws io_error.
Handle create_file(const std::string& path);

/// Numbers of any shape, at a path whose groups are made as needed.
void write_array(hid_t at, const std::string& path, std::span<const std::uint64_t> shape,
                 std::span<const double> values,
                 const std::vector<std::pair<std::string, std::string>>& attributes);

}  // namespace halobrush::catalog::h5
