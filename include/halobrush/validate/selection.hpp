// Sub-samples as simple cuts on columns, e.g. `log_stellar_mass > 10 and not is_central`.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "halobrush/catalog/table.hpp"

namespace halobrush::validate {

/// A parsed cut. Comparisons < <= > >= == != between columns and numbers, also chained (9 < x <= 10); a
/// column alone is true where it is not zero; and, or, not, parentheses. A NaN compares false, except with
/// !=.
class Selection {
 public:
  /// Throws config_error with the place of the first fault. `name` is for messages; an empty text takes
  /// every row.
  Selection(std::string name, std::string text);

  const std::string& name() const { return name_; }
  const std::string& text() const { return text_; }
  const std::vector<std::string>& columns() const { return columns_; }  ///< that it reads, each once

  /// Throws config_error with the nearest known name when a column is not in the table.
  void check(const catalog::Table& table) const;
  /// The rows it takes, ascending.
  std::vector<std::size_t> rows(const catalog::Table& table) const;

  struct Node;

 private:
  std::string name_, text_;
  std::vector<std::string> columns_;
  std::shared_ptr<const Node> root_;  // none: every row
};

}  // namespace halobrush::validate
