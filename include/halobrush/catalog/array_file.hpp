// Plain arrays in HDF5 files of their own, for what is no catalog.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace halobrush::catalog {

struct Array {
  std::string name;
  std::vector<std::uint64_t> shape;
  std::span<const double> values;  ///< row-major
};

/// A file with these datasets and, as attributes of the file, texts. Written under a temporary name and
/// renamed; not collective. Throws io_error, and leaves what was there.
void write_arrays(const std::string& path, const std::vector<Array>& arrays,
                  const std::vector<std::pair<std::string, std::string>>& attributes = {});

}  // namespace halobrush::catalog
