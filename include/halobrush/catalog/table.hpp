// Tables of named, typed, one-dimensional columns: halos and galaxies alike. Every column has a unit and a
// description.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "halobrush/core/geometry.hpp"

namespace halobrush::catalog {

using ColumnData = std::variant<std::vector<double>, std::vector<float>, std::vector<std::int64_t>,
                                std::vector<std::uint8_t>>;

struct ColumnSpec {
  std::string name;
  std::string unit;  ///< a name that astropy knows; h as in "Mpc/h" (comoving), "" for none
  std::string description;
  bool operator==(const ColumnSpec&) const = default;
};

struct Column {
  ColumnSpec spec;
  ColumnData data;
};

/// Columns of one length, in the order in which they were added (the same on every rank). std::uint8_t holds
/// booleans.
class Table {
 public:
  std::size_t rows() const { return rows_; }
  void resize(std::size_t rows);  ///< new rows are zero

  bool has(const std::string& name) const { return find(name) != nullptr; }
  const std::vector<Column>& columns() const { return columns_; }
  std::vector<Column>& columns() { return columns_; }

  /// Adds a zero column of the table's length. Throws internal_error when the name exists.
  template <class T>
  std::span<T> add(ColumnSpec spec);
  /// Adds a column with values; the first column sets the table's length.
  template <class T>
  void add(ColumnSpec spec, std::vector<T> values);
  void remove(const std::string& name);

  /// Throws internal_error when the column is absent or of another type.
  template <class T>
  std::span<T> get(const std::string& name);
  template <class T>
  std::span<const T> get(const std::string& name) const;

  /// The vector whose components are the double columns prefix + x, y, z.
  Vec3 vector(const std::string& prefix, std::size_t row) const;

  /// The rows named, in that order.
  Table select(std::span<const std::size_t> rows) const;
  /// Appends the rows of a table with the same columns.
  void append(const Table& other);
  /// The same columns without rows.
  Table empty_like() const;

 private:
  const Column* find(const std::string& name) const;
  std::size_t rows_ = 0;
  std::vector<Column> columns_;
};

}  // namespace halobrush::catalog
