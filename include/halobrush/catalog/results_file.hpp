// Results as named arrays in an HDF5 file.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace halobrush::catalog {

using Attributes = std::vector<std::pair<std::string, std::string>>;

struct ResultArray {
  std::string path;  ///< groups on the way are made
  std::vector<std::uint64_t> shape;
  std::vector<double> values;  ///< in C order
  Attributes attributes = {};
};

/// Written under a temporary name, then renamed. Not collective: call it on one rank. Throws io_error.
void write_results(const std::string& path, const Attributes& attributes,
                   const std::vector<ResultArray>& arrays);

}  // namespace halobrush::catalog
