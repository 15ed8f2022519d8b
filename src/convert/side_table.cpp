#include "side_table.hpp"

#include <algorithm>
#include <utility>

#include "halobrush/catalog/number_table.hpp"
#include "halobrush/core/error.hpp"

namespace halobrush::convert {

SideTable::SideTable(const std::string& path, const std::string& id_column,
                     const std::vector<std::string>& columns)
    : path_(path) {
  auto table = catalog::read_id_table(path, id_column, columns);
  columns_ = std::move(table.columns);
  for (std::size_t row = 0; row < table.ids.size(); ++row)
    if (!row_.emplace(table.ids[row], row).second)
      throw data_error("{}: {} {} occurs more than once; keep one of the rows", path, id_column, table.ids[row]);
}

std::size_t SideTable::matches(std::span<const std::int64_t> ids) const {
  return static_cast<std::size_t>(std::ranges::count_if(ids, [&](auto id) { return row_.contains(id); }));
}

std::optional<std::size_t> SideTable::find(std::int64_t id) const {
  const auto found = row_.find(id);
  return found == row_.end() ? std::nullopt : std::optional(found->second);
}

}  // namespace halobrush::convert
