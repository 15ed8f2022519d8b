#include "halobrush/catalog/number_table.hpp"

#include <fitsio.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <fstream>
#include <limits>
#include <memory>

#include "h5.hpp"
#include "halobrush/core/error.hpp"
#include "halobrush/core/text.hpp"
#include "text_file.hpp"

namespace halobrush::catalog {
namespace {

using Columns = std::vector<std::vector<double>>;

constexpr auto empty_cell = std::numeric_limits<double>::quiet_NaN();

Error no_column(const std::string& path, const std::string& name, const std::vector<std::string>& known) {
  return data_error("{}: no column '{}'{}; name a column that is there", path, name,
                    nearest_hint(name, known));
}

// ---- FITS ----

struct CloseFits {
  void operator()(fitsfile* file) const {
    int status = 0;
    fits_close_file(file, &status);
  }
};
using Fits = std::unique_ptr<fitsfile, CloseFits>;

void check_fits(const std::string& path, const std::string& what, int status) {
  if (status == 0) return;
  std::array<char, FLEN_STATUS> text{};
  fits_get_errstatus(status, text.data());
  throw data_error("{}: {} failed ({}); it is damaged or of another format", path, what, text.data());
}

std::vector<std::string> fits_names(const std::string& path, fitsfile* file) {
  int count = 0, status = 0;
  fits_get_num_cols(file, &count, &status);
  std::vector<std::string> names;
  for (int i = 1; i <= count; ++i) {
    std::array<char, FLEN_VALUE> name{};
    std::string key = "TTYPE" + std::to_string(i);
    fits_read_key(file, TSTRING, key.c_str(), name.data(), nullptr, &status);
    names.emplace_back(name.data());
  }
  check_fits(path, "listing the columns", status);
  return names;
}

Columns read_fits(const std::string& path, const std::vector<std::string>& wanted) {
  fitsfile* opened = nullptr;
  int status = 0;
  fits_open_table(&opened, path.c_str(), READONLY, &status);
  check_fits(path, "opening the FITS table", status);
  const Fits file(opened);
  long rows = 0;
  fits_get_num_rows(file.get(), &rows, &status);
  const auto names = fits_names(path, file.get());
  Columns columns;
  for (const auto& name : wanted) {
    const auto at = std::ranges::find(names, name);
    if (at == names.end()) throw no_column(path, name, names);
    auto& values = columns.emplace_back(static_cast<std::size_t>(rows));
    double null = empty_cell;
    fits_read_col(file.get(), TDOUBLE, static_cast<int>(at - names.begin()) + 1, 1, 1, rows, &null,
                  values.data(), nullptr, &status);
    check_fits(path, fmt::format("reading the column '{}'", name), status);
  }
  return columns;
}

// ---- HDF5 ----

Columns read_hdf5(const std::string& path, const std::vector<std::string>& wanted) {
  const auto file = h5::File::open(path);
  const auto group = h5::open_group(file.id(), h5::exists(file.id(), "/data") ? "/data" : "/");
  Columns columns;
  for (const auto& name : wanted) {
    if (!h5::exists(group, name)) throw no_column(path, name, h5::members(group));
    const auto column = h5::open_column(group, name);
    columns.push_back(h5::read_rows(column, 0, h5::rows_of(column)));
  }
  return columns;
}

// ---- CSV ----

std::vector<std::string> cells_of(std::string_view line) {
  const bool commas = line.find(',') != line.npos;
  std::vector<std::string> cells;
  for (std::size_t begin = 0; begin <= line.size();) {
    const auto end = std::min(line.find_first_of(commas ? "," : " \t", begin), line.size());
    auto cell = line.substr(begin, end - begin);
    while (!cell.empty() && (cell.front() == ' ' || cell.front() == '"')) cell.remove_prefix(1);
    while (!cell.empty() && (cell.back() == ' ' || cell.back() == '"' || cell.back() == '\r'))
      cell.remove_suffix(1);
    if (commas || !cell.empty()) cells.emplace_back(cell);
    begin = end + 1;
  }
  return cells;
}

double number_in(const std::string& path, std::uint64_t line, const std::string& name,
                 const std::string& cell) {
  if (cell.empty()) return empty_cell;
  double value = 0;
  const auto end = cell.data() + cell.size();
  const auto [stop, error] = std::from_chars(cell.data(), end, value);
  if (error != std::errc() || stop != end)
    throw data_error("{}: line {}: column '{}' is '{}' (not a number); repair or remove the row", path, line,
                     name, cell);
  return value;
}

Columns read_csv(const std::string& path, const std::vector<std::string>& wanted) {
  TextFile file(path);
  auto head = file.next_line();
  if (!head) throw data_error("{}: is empty; give a table", path);
  const auto names = cells_of(head->starts_with('#') ? head->substr(1) : *head);
  std::vector<std::size_t> places;
  for (const auto& name : wanted) {
    const auto at = std::ranges::find(names, name);
    if (at == names.end()) throw no_column(path, name, names);
    places.push_back(static_cast<std::size_t>(at - names.begin()));
  }
  Columns columns(wanted.size());
  for (std::uint64_t number = 2; const auto line = file.next_line(); ++number) {
    if (line->empty() || line->starts_with('#')) continue;
    const auto cells = cells_of(*line);
    if (cells.size() != names.size())
      throw data_error("{}: line {}: {} cells, but line 1 names {} columns; make the names fit the rows",
                       path, number, cells.size(), names.size());
    for (std::size_t c = 0; c < places.size(); ++c)
      columns[c].push_back(number_in(path, number, wanted[c], cells[places[c]]));
  }
  return columns;
}

std::string start_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw io_error("{}: cannot be opened; check the path", path);
  std::string start(9, '\0');
  file.read(start.data(), static_cast<std::streamsize>(start.size()));
  return start;
}

}  // namespace

std::vector<std::vector<double>> read_number_columns(const std::string& path,
                                                     const std::vector<std::string>& names) {
  const auto start = start_of(path);
  if (start.starts_with("SIMPLE  =")) return read_fits(path, names);
  if (start.starts_with("\x89HDF\r\n\x1a\n")) return read_hdf5(path, names);
  return read_csv(path, names);
}

}  // namespace halobrush::catalog
