// A supplementary table of galaxies, found by the id of the subhalo.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

namespace halobrush::convert {

class SideTable {
 public:
  /// `columns` as in the file, ids apart. Not collective. Throws io_error, data_error (an id twice or none).
  SideTable(const std::string& path, const std::string& id_column, const std::vector<std::string>& columns);

  const std::string& path() const { return path_; }
  std::size_t rows() const { return row_.size(); }
  std::size_t matches(std::span<const std::int64_t> ids) const;
  /// The row of a subhalo.
  std::optional<std::size_t> find(std::int64_t id) const;
  double number(std::size_t column, std::size_t row) const { return columns_[column][row]; }

 private:
  std::string path_;
  std::vector<std::vector<double>> columns_;
  std::unordered_map<std::int64_t, std::size_t> row_;
};

}  // namespace halobrush::convert
