#include "side_table.hpp"

#include <algorithm>
#include <cmath>

#include "halobrush/catalog/number_table.hpp"
#include "halobrush/core/error.hpp"

namespace halobrush::convert {

SideTable::SideTable(const std::string& path, const std::string& id_column,
                     const std::vector<std::string>& columns)
    : path_(path) {
  std::vector<std::string> names = {id_column};
  names.insert(names.end(), columns.begin(), columns.end());
  columns_ = catalog::read_number_columns(path, names);
  const auto ids = std::move(columns_.front());
  columns_.erase(columns_.begin());
  for (std::size_t row = 0; row < ids.size(); ++row) {
    if (!(ids[row] >= 0) || ids[row] != std::floor(ids[row]))
      throw data_error(
          "{}: row {}: {} is {} (an id is a whole number, not negative); repair or remove the row", path, row,
          id_column, ids[row]);
    if (!row_.emplace(static_cast<std::int64_t>(ids[row]), row).second)
      throw data_error("{}: {} {} occurs more than once; keep one of the rows", path, id_column, ids[row]);
  }
}

std::size_t SideTable::matches(std::span<const std::int64_t> ids) const {
  return static_cast<std::size_t>(std::ranges::count_if(ids, [&](auto id) { return row_.contains(id); }));
}

std::optional<std::size_t> SideTable::find(std::int64_t id) const {
  const auto found = row_.find(id);
  return found == row_.end() ? std::nullopt : std::optional(found->second);
}

}  // namespace halobrush::convert
