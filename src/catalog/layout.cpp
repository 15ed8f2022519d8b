#include "layout.hpp"

#include <memory>

#include "halobrush/core/error.hpp"
#include "table_file.hpp"

namespace halobrush::catalog {

std::unique_ptr<Layout> opencosmo_galaxies(), opencosmo_halos();  // opencosmo_layout.cpp

std::unique_ptr<Layout> layout_of(const std::string& data_type) {
  if (data_type == galaxy_data_type) return opencosmo_galaxies();
  if (data_type == halo_data_type) return opencosmo_halos();
  throw internal_error("no layout of files that hold '{}'", data_type);
}

}  // namespace halobrush::catalog
