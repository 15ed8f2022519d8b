#include "halobrush/catalog/number_table.hpp"

#include <fitsio.h>
#include <fmt/ranges.h>
#include <strings.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <memory>
#include <optional>
#include <regex>
#include <span>

#include "h5.hpp"
#include "halobrush/core/error.hpp"
#include "halobrush/core/text.hpp"
#include "text_file.hpp"

namespace halobrush::catalog {
namespace {

constexpr auto empty_cell = std::numeric_limits<double>::quiet_NaN();

std::size_t place_of(const std::string& path, const std::string& name, const std::vector<std::string>& known) {
  const auto times = std::ranges::count(known, name);
  if (times == 0)
    throw data_error("{}: no column '{}'{}; name a column that is there", path, name, nearest_hint(name, known));
  if (times > 1)
    throw data_error("{}: column '{}' occurs {} times; rename all but one", path, name, times);
  return static_cast<std::size_t>(std::ranges::find(known, name) - known.begin());
}

/// @param row as users count it: "row 5", "line 7"
[[noreturn]] void no_id(const std::string& path, const std::string& row, const std::string& name,
                        const std::string& found) {
  throw data_error("{}: {}: {} is {} (an id is a whole number, not negative); repair or remove the row", path, row, name,
                   found);
}

// Above 2^53, in 32 bits 2^24, floats no longer tell neighbouring whole numbers apart.
std::int64_t id_of(const std::string& path, const std::string& row, const std::string& name, double value,
                   double exact = 0x1p53) {
  if (!(value >= 0) || value != std::floor(value)) no_id(path, row, name, fmt::format("{}", value));
  if (value > exact)
    throw data_error("{}: {}: {} is {}, a float above {:.0f} (its last digits are lost); write ids as integers", path,
                     row, name, value, exact);
  return static_cast<std::int64_t>(value);
}

std::int64_t id_of(const std::string& path, const std::string& row, const std::string& name, std::int64_t value) {
  if (value < 0) no_id(path, row, name, fmt::format("{}", value));
  return value;
}

std::int64_t id_in(const std::string& path, const std::string& row, const std::string& name, std::string_view text) {
  text.remove_suffix(text.size() - std::min(text.find_last_not_of(' ') + 1, text.size()));
  std::int64_t whole = 0;
  double value = 0;
  const auto end = text.data() + text.size();
  if (const auto [stop, error] = std::from_chars(text.data(), end, whole); error == std::errc() && stop == end)
    return id_of(path, row, name, whole);
  if (const auto [stop, error] = std::from_chars(text.data(), end, value); error == std::errc() && stop == end)
    return id_of(path, row, name, value);
  no_id(path, row, name, fmt::format("'{}'", text));
}

std::string row_text(std::size_t row) {
  return fmt::format("row {}", row);
}

// ---- FITS ----

struct CloseFits {
  void operator()(fitsfile* file) const {
    int status = 0;
    fits_close_file(file, &status);
  }
};

// Of a card KEYWORD = value / comment the value is a text between quotes, a word or a pair of numbers, and nothing stands between it and the
// slash (standard 4.0, 4.1 and 4.2). Other cards, and comments, may hold anything.
bool is_sound_card(const std::string& card) {
  static const std::regex valued(R"(.{8}= +('(?:[^']|'')*'|[!-&(-.0-~]*|\(.*\)) *(?:/.*)?)");
  const bool has_value = card.size() >= 10 && card.compare(8, 2, "= ") == 0;
  const bool commentary = card.starts_with("COMMENT ") || card.starts_with("HISTORY ") || card.starts_with("HIERARCH") || card.starts_with("        ");
  return !has_value || commentary || std::regex_match(card, valued);
}

class FitsTable {
 public:
  explicit FitsTable(const std::string& path) : path_(path) {
    fitsfile* opened = nullptr;
    int status = 0;
    // The name as it is: fits_open_file would read brackets and signs in it as a selection.
    fits_open_diskfile(&opened, path.c_str(), READONLY, &status);
    check("opening the file", status);
    file_.reset(opened);
    check_size();
    go_to_table();
    check_cards();
    fits_get_num_rowsll(file_.get(), &rows_, &status);
    int count = 0;
    fits_get_num_cols(file_.get(), &count, &status);
    check("listing the columns", status);
    for (int i = 1; i <= count; ++i) names_.push_back(name_of(i));
  }

  std::vector<double> numbers(const std::string& name) const {
    const int column = place(name);
    if (type_of(column, name) == TSTRING)
      throw data_error("{}: column '{}' holds text; numbers are needed", path_, name);
    std::vector<double> values(static_cast<std::size_t>(rows_));
    double null = empty_cell;
    int any = 0, status = 0;
    fits_read_col(file_.get(), TDOUBLE, column, 1, 1, rows_, &null, values.data(), &any, &status);
    check(fmt::format("reading the column '{}'", name), status);
    return values;
  }

  std::vector<std::int64_t> ids(const std::string& name) const {
    const int column = place(name), type = type_of(column, name);
    std::vector<std::int64_t> ids;
    if (type == TSTRING) {
      const auto texts = this->texts(column, name);
      for (std::size_t i = 0; i < texts.size(); ++i) ids.push_back(id_in(path_, row_text(i), name, texts[i]));
    } else if (type == TFLOAT || type == TDOUBLE) {
      const auto values = numbers(name);
      for (std::size_t i = 0; i < values.size(); ++i)
        ids.push_back(id_of(path_, row_text(i), name, values[i], type == TFLOAT ? 0x1p24 : 0x1p53));
    } else {
      static_assert(sizeof(LONGLONG) == sizeof(std::int64_t));
      ids.resize(static_cast<std::size_t>(rows_));
      std::vector<char> null(ids.size());
      int any = 0, status = 0;
      fits_read_colnull(file_.get(), TLONGLONG, column, 1, 1, rows_, ids.data(), null.data(), &any, &status);
      check(fmt::format("reading the column '{}'", name), status);
      for (std::size_t i = 0; i < ids.size(); ++i) {
        if (null[i]) no_id(path_, row_text(i), name, "empty (TNULL)");
        id_of(path_, row_text(i), name, ids[i]);
      }
    }
    return ids;
  }

 private:
  void check(const std::string& what, int status) const {
    if (status == 0) return;
    std::array<char, FLEN_STATUS> text{};
    fits_get_errstatus(status, text.data());
    fits_clear_errmsg();
    throw data_error("{}: {} failed ({}); it is damaged or of another format", path_, what, text.data());
  }

  // Bytes that are lost or added in a header move the table behind it (standard 4.0, section 3.1: blocks of 2880 bytes).
  void check_size() const {
    constexpr LONGLONG block = 2880;
    if (const auto size = file_->Fptr->filesize; size % block != 0)
      throw data_error("{}: has {} bytes, no multiple of {}, as FITS files have; it is damaged, fetch or make it again", path_, size, block);
  }

  void go_to_table() const {
    int count = 0, type = 0, status = 0;
    fits_get_num_hdus(file_.get(), &count, &status);
    for (int i = 1; i <= count && status == 0; ++i) {
      fits_movabs_hdu(file_.get(), i, &type, &status);
      if (status == 0 && type != IMAGE_HDU) return;
    }
    check("looking for a table", status);
    throw data_error("{}: holds no table, only images; give a FITS table", path_);
  }

  // cfitsio passes over what it does not understand behind a value.
  void check_cards() const {
    int count = 0, status = 0;
    fits_get_hdrspace(file_.get(), &count, nullptr, &status);
    for (int i = 1; i <= count && status == 0; ++i) {
      std::array<char, FLEN_CARD> card{};
      fits_read_record(file_.get(), i, card.data(), &status);
      if (const std::string text(card.data()); !is_sound_card(text))
        throw data_error("{}: line {} of the table's header is no card of FITS ('{}'); the file is damaged, fetch or make it again", path_, i, printable(text));
    }
    check("reading the header", status);
  }

  std::string name_of(int column) const {
    std::array<char, FLEN_VALUE> name{};
    int status = 0;
    fits_read_key(file_.get(), TSTRING, fmt::format("TTYPE{}", column).c_str(), name.data(), nullptr, &status);
    if (status != 0) fits_clear_errmsg();  // a column may have no name
    return status == 0 ? name.data() : "";
  }

  // Names that differ in case only are one name in FITS (standard 4.0, section 7.3.1).
  int place(const std::string& name) const {
    const auto place = place_of(path_, name, names_);
    for (std::size_t i = 0; i < names_.size(); ++i)
      if (i != place && strcasecmp(names_[i].c_str(), name.c_str()) == 0)
        throw data_error("{}: columns '{}' and '{}' have one name but for its case; rename all but one", path_, name,
                         names_[i]);
    return static_cast<int>(place) + 1;
  }

  // Of columns with one number, or one text, a row.
  int type_of(int column, const std::string& name) const {
    int type = 0, status = 0, axes = 0;
    LONGLONG repeat = 0, width = 0;
    std::array<LONGLONG, 8> shape{};
    fits_get_eqcoltypell(file_.get(), column, &type, &repeat, &width, &status);
    check(fmt::format("reading the type of the column '{}'", name), status);
    if (type < 0)
      throw data_error("{}: column '{}' has a list of varying length in each row; one number is needed", path_, name);
    fits_read_tdimll(file_.get(), column, static_cast<int>(shape.size()), &axes, shape.data(), &status);
    if (type != TSTRING && repeat != 1)
      throw data_error("{}: column '{}' has {} numbers in each row (shape [{}]); one is needed", path_, name, repeat,
                       fmt::join(std::span(shape).first(static_cast<std::size_t>(std::clamp(axes, 1, 8))), ", "));
    if (type == TSTRING && repeat != width)
      throw data_error("{}: column '{}' has several texts in each row; one is needed", path_, name);
    if (type == TLOGICAL || type == TBIT || type == TCOMPLEX || type == TDBLCOMPLEX)
      throw data_error("{}: column '{}' holds no numbers but {}; numbers are needed", path_, name,
                       type == TLOGICAL || type == TBIT ? "truth values" : "complex ones");
    return type;
  }

  std::vector<std::string> texts(int column, const std::string& name) const {
    int width = 0, status = 0, any = 0;
    fits_get_col_display_width(file_.get(), column, &width, &status);
    std::vector<std::string> texts;
    std::vector<char> cell(static_cast<std::size_t>(width) + 1);
    std::array<char, 1> null{};
    for (LONGLONG row = 1; row <= rows_; ++row) {
      auto* at = cell.data();
      fits_read_col(file_.get(), TSTRING, column, row, 1, 1, null.data(), &at, &any, &status);
      check(fmt::format("reading the column '{}'", name), status);
      texts.emplace_back(cell.data());
    }
    return texts;
  }

  std::string path_;
  std::unique_ptr<fitsfile, CloseFits> file_;
  LONGLONG rows_ = 0;
  std::vector<std::string> names_;
};

IdTable read_fits(const std::string& path, const std::string& id, const std::vector<std::string>& wanted) {
  const FitsTable table(path);
  IdTable out{table.ids(id), {}};
  for (const auto& name : wanted) out.columns.push_back(table.numbers(name));
  return out;
}

// ---- HDF5 ----

IdTable read_hdf5(const std::string& path, const std::string& id, const std::vector<std::string>& wanted) {
  const auto file = h5::File::open(path);
  const auto group = h5::open_group(file.id(), h5::exists(file.id(), "/data") ? "/data" : "/");
  const auto open = [&](const std::string& name) {
    if (!h5::exists(group, name)) place_of(path, name, h5::members(group));
    return h5::Column(group, name);
  };
  const auto ids = open(id);
  IdTable out{ids.integers(0, ids.rows()), {}};
  for (std::size_t i = 0; i < out.ids.size(); ++i) id_of(path, row_text(i), id, out.ids[i]);
  for (const auto& name : wanted) {
    const auto column = open(name);
    out.columns.push_back(column.numbers(0, column.rows()));
  }
  return out;
}

// ---- text ----

// Commas, semicolons, tabs or blanks, as the line of names has it; quotes keep a separator in a name.
class Cells {
 public:
  explicit Cells(std::string_view names) {
    for (const char separator : {',', ';', '\t'})
      if (names.find(separator) != names.npos) {
        separator_ = separator;
        return;
      }
  }

  std::vector<std::string> of(std::string_view line) const {
    std::vector<std::string> cells;
    std::string cell;
    bool quoted = false;
    for (const char c : line) {
      if (c == '"')
        quoted = !quoted;
      else if (c == separator_ && !quoted)
        take(cells, cell);
      else
        cell += c;
    }
    take(cells, cell);
    return cells;
  }

 private:
  void take(std::vector<std::string>& cells, std::string& cell) const {
    const auto first = cell.find_first_not_of(" \t");
    cell = first == cell.npos ? "" : cell.substr(first, cell.find_last_not_of(" \t") - first + 1);
    if (separator_ != ' ' || !cell.empty()) cells.push_back(std::move(cell));
    cell.clear();
  }
  char separator_ = ' ';
};

double number_in(const std::string& path, std::uint64_t line, const std::string& name,
                 const std::string& cell) {
  if (cell.empty()) return empty_cell;
  double value = 0;
  const auto end = cell.data() + cell.size();
  const auto [stop, error] = std::from_chars(cell.data(), end, value);
  if (error == std::errc::result_out_of_range && stop == end && std::abs(std::strtod(cell.c_str(), nullptr)) < 1) return 0;  // nearer to it than any number
  if (error != std::errc() || stop != end)
    throw data_error("{}: line {}: column '{}' is '{}' (not a number); repair or remove the row", path, line,
                     name, cell);
  return value;
}

class TextTable {
 public:
  explicit TextTable(const std::string& path) : path_(path), file_(path) {}

  IdTable read(const std::string& id, const std::vector<std::string>& wanted) {
    find_names(id);
    const auto id_place = place_of(path_, id, names_);
    std::vector<std::size_t> places;
    for (const auto& name : wanted) places.push_back(place_of(path_, name, names_));
    IdTable out{{}, std::vector<std::vector<double>>(wanted.size())};
    while (const auto line = next()) {
      if (line->starts_with('#')) continue;
      const auto cells = cells_.of(*line);
      if (cells.size() != names_.size())
        throw data_error("{}: line {}: {} cells, but line {} names {} columns; make the names fit the rows", path_,
                         line_, cells.size(), names_line_, names_.size());
      out.ids.push_back(id_in(path_, fmt::format("line {}", line_), id, cells[id_place]));
      for (std::size_t c = 0; c < places.size(); ++c)
        out.columns[c].push_back(number_in(path_, line_, wanted[c], cells[places[c]]));
    }
    return out;
  }

 private:
  std::optional<std::string> next() {
    while (const auto line = file_.next_line()) {
      ++line_;
      if (line->find_first_not_of(" \t") != line->npos) return std::string(*line);
    }
    return std::nullopt;
  }

  // The first line that is no comment, or the comment that has the id's name among others.
  void find_names(const std::string& id) {
    while (const auto line = next()) {
      const bool comment = line->starts_with('#');
      const auto text = comment ? line->substr(1) : *line;
      cells_ = Cells(text);
      names_ = cells_.of(text);
      names_line_ = line_;
      if (!comment || (std::ranges::count(names_, id) > 0 && names_.size() > 1)) return;
    }
    if (line_ == 0) throw data_error("{}: is empty; give a table", path_);
  }

  std::string path_;
  TextFile file_;
  Cells cells_{""};
  std::vector<std::string> names_;
  std::uint64_t line_ = 0, names_line_ = 0;
};

// What a file, or the stream in a gzip file, begins with.
std::string first_bytes_of(const std::string& path) {
  TextFile file(path);
  const auto line = file.next_line();
  return line ? std::string(line->substr(0, 9)) : "";
}

std::string raw_first_bytes_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw io_error("{}: cannot be opened; check the path", path);
  std::string start(9, '\0');
  file.read(start.data(), static_cast<std::streamsize>(start.size()));
  return start;
}

}  // namespace

IdTable read_id_table(const std::string& path, const std::string& id, const std::vector<std::string>& columns) {
  const bool hdf5 = raw_first_bytes_of(path).starts_with("\x89HDF\r\n\x1a\n");
  auto table = hdf5                                      ? read_hdf5(path, id, columns)
               : first_bytes_of(path).starts_with("SIMPLE  =") ? read_fits(path, id, columns)
                                                         : TextTable(path).read(id, columns);
  for (std::size_t c = 0; c < columns.size(); ++c)
    if (table.columns[c].size() != table.ids.size())
      throw data_error("{}: column '{}' has {} rows, column '{}' has {}; make them equal", path, columns[c],
                       table.columns[c].size(), id, table.ids.size());
  return table;
}

}  // namespace halobrush::catalog
