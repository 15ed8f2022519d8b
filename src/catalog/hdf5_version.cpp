#include "halobrush/catalog/hdf5_version.hpp"

#include <H5public.h>
#include <fmt/format.h>

namespace halobrush::catalog {

std::string hdf5_version() {
  unsigned major = 0, minor = 0, release = 0;
  H5get_libversion(&major, &minor, &release);
  return fmt::format("{}.{}.{}", major, minor, release);
}

}  // namespace halobrush::catalog
