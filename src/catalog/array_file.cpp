#include "halobrush/catalog/array_file.hpp"

#include <filesystem>

#include "h5.hpp"

namespace halobrush::catalog {

void write_arrays(const std::string& path, const std::vector<Array>& arrays,
                  const std::vector<std::pair<std::string, std::string>>& attributes) {
  const std::string partial = path + ".partial";
  auto file = h5::File::create(partial);
  for (const auto& [name, text] : attributes) h5::write_attribute(file.id(), name, text);
  for (const auto& array : arrays) h5::write_array(file.id(), array.name, array.shape, array.values);
  file.close();
  std::filesystem::rename(partial, path);
}

}  // namespace halobrush::catalog
