#include "halobrush/catalog/numbers.hpp"

#include <algorithm>

#include "halobrush/core/error.hpp"

namespace halobrush::catalog {

std::vector<double> numbers(const Table& table, const std::string& name) {
  for (const auto& column : table.columns())
    if (column.spec.name == name)
      return std::visit([](const auto& values) { return std::vector<double>(values.begin(), values.end()); },
                        column.data);
  throw internal_error("table: no column '{}'", name);
}

}  // namespace halobrush::catalog
