// Tables of named, typed, one-dimensional columns: halos and galaxies alike. Every column has a unit and a
// description.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
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

/// A column of numbers of either width, read as double.
class Reals {
 public:
  Reals(std::span<const double> wide) : wide_(wide) {}
  Reals(std::span<const float> single) : single_(single) {}
  std::size_t size() const { return wide_.size() + single_.size(); }
  double operator[](std::size_t row) const {
    return wide_.empty() ? static_cast<double>(single_[row]) : wide_[row];
  }

 private:
  std::span<const double> wide_;
  std::span<const float> single_;
};

/// Three columns of numbers as vectors.
class Vectors {
 public:
  Vectors(Reals x, Reals y, Reals z) : x_(x), y_(y), z_(z) {}
  Vec3 operator[](std::size_t row) const { return {x_[row], y_[row], z_[row]}; }

 private:
  Reals x_, y_, z_;
};

/// Columns of one length, in the order in which they were added (the same on every rank). std::uint8_t holds
/// booleans.
class Table {
 public:
  std::size_t rows() const { return rows_; }
  void resize(std::size_t rows);  ///< new rows are zero
  void reserve(std::size_t rows);
  std::size_t capacity() const;  ///< rows that fit without moving any

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
  /// Removes all columns but these; a name that is not there is passed over.
  void keep(std::span<const std::string> names);
  /// Numbers become single precision, as mocks and networks have them; positions x, y, z stay double.
  void to_single();

  /// Throws internal_error when the column is absent or of another type.
  template <class T>
  std::span<T> get(const std::string& name);
  template <class T>
  std::span<const T> get(const std::string& name) const;

  /// A column of numbers, whichever its width. Throws internal_error when it is absent or holds something else.
  Reals reals(const std::string& name) const;
  bool is_single(const std::string& name) const;  ///< whether it holds float

  /// The vectors whose components are the columns of numbers prefix + x, y, z: looked up here, so before a loop over rows.
  Vectors vectors(const std::string& prefix) const;

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

/// Bytes that a row takes.
double bytes_per_row(const Table& columns);

/// Adds a column of numbers with values value_of(row), as wide as the column `like` is.
template <class ValueOf>
void add_reals(Table& table, ColumnSpec spec, const std::string& like, ValueOf&& value_of) {
  const auto fill = [&]<class T>(std::span<T> column) {
    for (std::size_t row = 0; row < column.size(); ++row) column[row] = static_cast<T>(value_of(row));
  };
  if (table.is_single(like))
    fill(table.add<float>(std::move(spec)));
  else
    fill(table.add<double>(std::move(spec)));
}

}  // namespace halobrush::catalog
