#include "halobrush/catalog/results_file.hpp"

#include "h5_array.hpp"
#include "halobrush/core/files.hpp"

namespace halobrush::catalog {

void write_results(const std::string& path, const Attributes& attributes,
                   const std::vector<ResultArray>& arrays) {
  const auto target = behind_links(path);
  const auto partial = target.string() + ".partial";
  create_empty(partial);
  {
    const auto file = h5::create_file(partial);
    for (const auto& [name, text] : attributes) h5::write_attribute(file, name, text);
    for (const auto& array : arrays)
      h5::write_array(file, array.path, array.shape, array.values, array.attributes);
  }
  publish(partial, target);
}

}  // namespace halobrush::catalog
