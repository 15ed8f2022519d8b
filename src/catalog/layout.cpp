#include "layout.hpp"

#include <map>
#include <memory>

#include "table_file.hpp"

namespace halobrush::catalog {

std::unique_ptr<Layout> opencosmo_galaxies(), opencosmo_halos();  // opencosmo_layout.cpp

const Layout& layout_of(const std::string& data_type) {
  static const std::map<std::string, std::unique_ptr<Layout> (*)()> layouts = {
      {galaxy_data_type, opencosmo_galaxies},
      {halo_data_type, opencosmo_halos},
  };
  static std::map<std::string, std::unique_ptr<Layout>> made;
  auto& layout = made[data_type];
  if (!layout) layout = layouts.at(data_type)();
  return *layout;
}

}  // namespace halobrush::catalog
