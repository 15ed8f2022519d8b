#include "halobrush/catalog/table.hpp"

#include <algorithm>
#include <array>
#include <type_traits>
#include <utility>

#include "halobrush/core/error.hpp"

namespace halobrush::catalog {
namespace {

template <class T>
constexpr const char* type_name() {
  if constexpr (std::is_same_v<T, double>) return "double";
  if constexpr (std::is_same_v<T, float>) return "float";
  if constexpr (std::is_same_v<T, std::int64_t>) return "int64";
  if constexpr (std::is_same_v<T, std::uint8_t>) return "bool";
}

const char* type_name_of(const ColumnData& data) {
  return std::visit([](const auto& v) { return type_name<typename std::decay_t<decltype(v)>::value_type>(); },
                    data);
}

}  // namespace

void Table::resize(std::size_t rows) {
  rows_ = rows;
  for (auto& column : columns_) std::visit([rows](auto& values) { values.resize(rows); }, column.data);
}

void Table::reserve(std::size_t rows) {
  for (auto& column : columns_) std::visit([rows](auto& values) { values.reserve(rows); }, column.data);
}

std::size_t Table::capacity() const {
  if (columns_.empty()) return 0;
  return std::visit([](const auto& values) { return values.capacity(); }, columns_.front().data);
}

const Column* Table::find(const std::string& name) const {
  const auto it = std::find_if(columns_.begin(), columns_.end(),
                               [&](const Column& column) { return column.spec.name == name; });
  return it == columns_.end() ? nullptr : &*it;
}

template <class T>
std::span<T> Table::add(ColumnSpec spec) {
  if (has(spec.name)) throw internal_error("table: column '{}' is added twice", spec.name);
  columns_.push_back({std::move(spec), std::vector<T>(rows_)});
  return std::get<std::vector<T>>(columns_.back().data);
}

template <class T>
void Table::add(ColumnSpec spec, std::vector<T> values) {
  if (has(spec.name)) throw internal_error("table: column '{}' is added twice", spec.name);
  if (columns_.empty()) rows_ = values.size();
  if (values.size() != rows_)
    throw internal_error("table: column '{}' has {} values, the table has {} rows", spec.name, values.size(),
                         rows_);
  columns_.push_back({std::move(spec), std::move(values)});
}

void Table::remove(const std::string& name) {
  const auto* column = find(name);
  if (column == nullptr) throw internal_error("table: no column '{}' to remove", name);
  columns_.erase(columns_.begin() + (column - columns_.data()));
}

void Table::keep(std::span<const std::string> names) {
  std::erase_if(columns_, [&](const Column& column) { return std::ranges::count(names, column.spec.name) == 0; });
}

void Table::to_single() {
  for (auto& column : columns_) {
    const auto* wide = std::get_if<std::vector<double>>(&column.data);
    const auto& name = column.spec.name;
    if (wide == nullptr || name == "x" || name == "y" || name == "z") continue;
    std::vector<float> single(wide->size());
    std::ranges::transform(*wide, single.begin(), [](double value) { return static_cast<float>(value); });
    column.data = std::move(single);
  }
}

Reals Table::reals(const std::string& name) const {
  if (is_single(name)) return get<float>(name);
  return get<double>(name);
}

bool Table::is_single(const std::string& name) const {
  const auto* column = find(name);
  return column != nullptr && std::holds_alternative<std::vector<float>>(column->data);
}

template <class T>
std::span<const T> Table::get(const std::string& name) const {
  const auto* column = find(name);
  if (column == nullptr) throw internal_error("table: no column '{}'", name);
  const auto* values = std::get_if<std::vector<T>>(&column->data);
  if (values == nullptr)
    throw internal_error("table: column '{}' holds {}, asked for as {}", name, type_name_of(column->data),
                         type_name<T>());
  return *values;
}

template <class T>
std::span<T> Table::get(const std::string& name) {
  const auto values = std::as_const(*this).template get<T>(name);
  return {const_cast<T*>(values.data()), values.size()};
}

Vectors Table::vectors(const std::string& prefix) const {
  return {reals(prefix + 'x'), reals(prefix + 'y'), reals(prefix + 'z')};
}

Table Table::select(std::span<const std::size_t> rows) const {
  Table out = empty_like();
  out.rows_ = rows.size();
  for (std::size_t c = 0; c < columns_.size(); ++c)
    std::visit(
        [&](const auto& from) {
          auto& to = std::get<std::decay_t<decltype(from)>>(out.columns_[c].data);
          to.resize(rows.size());
          for (std::size_t i = 0; i < rows.size(); ++i) to[i] = from[rows[i]];
        },
        columns_[c].data);
  return out;
}

void Table::append(const Table& other) {
  const auto same = [](const Column& a, const Column& b) {
    return a.spec == b.spec && a.data.index() == b.data.index();
  };
  if (!std::equal(columns_.begin(), columns_.end(), other.columns_.begin(), other.columns_.end(), same))
    throw internal_error("table: rows are appended from a table with other columns");
  for (std::size_t c = 0; c < columns_.size(); ++c)
    std::visit(
        [&](auto& to) {
          const auto& from = std::get<std::decay_t<decltype(to)>>(other.columns_[c].data);
          to.insert(to.end(), from.begin(), from.end());
        },
        columns_[c].data);
  rows_ += other.rows_;
}

Table Table::empty_like() const {
  Table out;
  out.columns_.reserve(columns_.size());
  for (const auto& column : columns_)
    std::visit(
        [&](const auto& values) {
          out.columns_.push_back({column.spec, std::decay_t<decltype(values)>{}});
        },
        column.data);
  return out;
}

double bytes_per_row(const Table& columns) {
  double bytes = 0;
  for (const auto& column : columns.columns())
    std::visit([&](const auto& values) { bytes += sizeof(values[0]); }, column.data);
  return bytes;
}

#define HALOBRUSH_COLUMN_TYPE(T)                           \
  template std::span<T> Table::add<T>(ColumnSpec);         \
  template void Table::add<T>(ColumnSpec, std::vector<T>); \
  template std::span<T> Table::get<T>(const std::string&); \
  template std::span<const T> Table::get<T>(const std::string&) const;
HALOBRUSH_COLUMN_TYPE(double)
HALOBRUSH_COLUMN_TYPE(float)
HALOBRUSH_COLUMN_TYPE(std::int64_t)
HALOBRUSH_COLUMN_TYPE(std::uint8_t)
#undef HALOBRUSH_COLUMN_TYPE

}  // namespace halobrush::catalog
