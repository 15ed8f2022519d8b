#include "rockstar.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <functional>
#include <utility>

#include "checks.hpp"
#include "halobrush/core/error.hpp"
#include "halobrush/mpi/agree.hpp"
#include "overdensity.hpp"
#include "rockstar_header.hpp"
#include "text_file.hpp"

namespace halobrush::catalog {
namespace {

// What is wrong with one row; the file and the number of the line are known further out.
struct RowFault {
  std::string text;
};

// The wanted numbers of every row, in our units.
class RowParser {
 public:
  explicit RowParser(const RockstarHeader& header) : header_(header) { take(); }

  std::size_t rows() const { return rows_; }

  // The rows parsed so far; begins anew.
  std::vector<ColumnData> take() {
    std::vector<ColumnData> none;
    for (const auto& column : header_.columns)
      none.push_back(column.integer ? ColumnData(std::vector<std::int64_t>())
                                    : ColumnData(std::vector<double>()));
    rows_ = 0;
    return std::exchange(data_, std::move(none));
  }

  void parse(std::string_view row) {
    split(row);
    if (words_.size() != header_.fields)
      throw RowFault{
          fmt::format("{} fields, but line 1 names {} columns (values would land in the wrong ones); make "
                      "the names fit the rows",
                      words_.size(), header_.fields)};
    if (header_.scale_field) check_scale(words_[*header_.scale_field]);
    for (std::size_t c = 0; c < data_.size(); ++c)
      std::visit([&](auto& values) { add(header_.columns[c], values); }, data_[c]);
    ++rows_;
  }

 private:
  void split(std::string_view row) {
    constexpr auto blanks = " \t";
    words_.clear();
    for (auto begin = row.find_first_not_of(blanks); begin != std::string_view::npos;) {
      const auto end = std::min(row.find_first_of(blanks, begin), row.size());
      words_.push_back(row.substr(begin, end - begin));
      begin = row.find_first_not_of(blanks, end);
    }
  }

  template <class T>
  void add(const RockstarColumn& column, std::vector<T>& values) const {
    T value = number<T>(column, words_[column.field]);
    // A float, because 1 times 2^62 need not fit a double.
    if constexpr (std::is_floating_point_v<T>) value *= column.factor;
    if (const auto fault = fault_of(column.name, static_cast<double>(value), header_.simulation))
      throw RowFault{fmt::format("column '{}' {}{}", column.file_name, *fault,
                                 column.factor == 1 ? "" : fmt::format(" (read: '{}')", words_[column.field]))};
    values.push_back(value);
  }

  void check_scale(std::string_view word) const {
    double value = 0;
    std::from_chars(word.data(), word.data() + word.size(), value);
    const double first = header_.simulation.scale_factor;
    if (!(std::abs(value - first) <= 1e-6))
      throw RowFault{fmt::format("column 'scale' is {}, but {} in the first row (two snapshots in one file); read one at "
                                 "a time",
                                 word, first)};
  }

  template <class T>
  static T number(const RockstarColumn& column, std::string_view word) {
    T value{};
    const bool plus = word.starts_with('+') && !word.starts_with("+-");  // from_chars takes no plus, but the minus behind it
    const auto begin = word.data() + (plus ? 1 : 0), end = word.data() + word.size();
    const auto [stop, error] = std::from_chars(begin, end, value);
    if (error == std::errc() && stop == end) return value;
    if constexpr (std::is_integral_v<T>)
      if (const auto whole = whole_number(begin, end)) return *whole;
    throw RowFault{fmt::format("column '{}' is '{}' ({}); repair or remove the row", column.file_name, word,
                               error == std::errc::result_out_of_range ? "beyond what 64 bits hold"
                               : std::is_integral_v<T>                 ? "not an integer"
                                                                       : "not a number")};
  }

  // numpy.savetxt writes 1000 as 1.000000000000000000e+03. Beyond 2^53 digits may have been lost.
  static std::optional<std::int64_t> whole_number(const char* begin, const char* end) {
    double value = 0;
    const auto [stop, error] = std::from_chars(begin, end, value);
    if (error != std::errc() || stop != end || !(std::abs(value) < 0x1p53) || value != std::floor(value))
      return std::nullopt;
    return static_cast<std::int64_t>(value);
  }

  const RockstarHeader& header_;
  std::vector<ColumnData> data_;
  std::size_t rows_ = 0;
  std::vector<std::string_view> words_;
};

// What a share says beside its rows.
struct ParsedShare {
  std::vector<Bounds> bounds;  ///< of later pieces in the same file
  std::uint64_t lines = 0;
  std::optional<RowFault> fault;  ///< of the last line counted
};

// Lists that were joined have their comment lines between the rows: the same ones are fine.
void compare(const RockstarHeader& header, std::string_view comment, std::vector<Bounds>& bounds) {
  for (const auto& statement : statements_of(std::string(comment), 0, header.names)) {
    if (const auto fault = disagreement(header.statements, statement)) throw RowFault{*fault};
    if (statement.key == "bounds")
      if (const auto more = header.bounds_of(statement)) bounds.push_back(*more);
  }
}

constexpr std::size_t block_rows = std::size_t{1} << 16;

// `take` gets the columns of the rows, block by block, and the share of the bytes that lie behind.
ParsedShare parse_share(const std::string& path, const RockstarHeader& header, ByteShare share,
                        const std::function<void(std::vector<ColumnData>, double)>& take) {
  ParsedShare out;
  RowParser parser(header);
  TextFile file(path);
  if (share.begin < share.end) file.seek_line(share.begin);
  while (!out.fault && file.offset() < share.end) {
    const auto line = file.next_line();
    if (!line) break;
    ++out.lines;
    if (line->find_first_not_of(" \t") == line->npos) continue;
    try {
      if (line->starts_with('#'))
        compare(header, *line, out.bounds);
      else
        parser.parse(*line);
    } catch (const RowFault& fault) {
      out.fault = fault;
    }
    if (parser.rows() == block_rows)
      take(parser.take(), static_cast<double>(file.offset() - share.begin) / static_cast<double>(share.end - share.begin));
  }
  if (!out.fault) take(parser.take(), 1);
  return out;
}

// Only the lowest failing rank's error is seen, and all ranks below it have counted all of their lines.
void agree_on_rows(const std::string& path, const RockstarHeader& header, const ParsedShare& share,
                   const mpi::Communicator& comm) {
  const auto line = header.lines + comm.exclusive_sum(share.lines) + share.lines;
  std::optional<Error> error;
  if (share.fault) error = data_error("{}: line {}: {}", path, line, share.fault->text);
  mpi::agree_on(comm, error);
}

ColumnSpec spec_of(const std::string& name) {
  if (name == mass_200c) return {name, "Msun/h", "M200c"};
  const auto& schema = halo_schema();
  return std::find_if(schema.begin(), schema.end(),
                      [&](const auto& column) { return column.spec.name == name; })
      ->spec;
}

Table to_table(const RockstarHeader& header, std::vector<ColumnData> columns) {
  Table halos;
  for (std::size_t c = 0; c < columns.size(); ++c)
    std::visit([&](auto& values) { halos.add(spec_of(header.columns[c].name), std::move(values)); },
               columns[c]);
  if (!halos.has("parent_id")) std::ranges::fill(halos.add<std::int64_t>(spec_of("parent_id")), -1);
  return halos;
}

// Rockstar's angular momenta are in (Msun/h) (Mpc/h) km/s, physical.
void add_specific_spin(Table& halos) {
  if (!halos.has("jx")) return;
  const auto spin = halos.add<double>(spec_of("specific_spin"));
  const auto mass = halos.get<double>("mass");
  for (std::size_t i = 0; i < halos.rows(); ++i) spin[i] = halos.vector("j", i).stableNorm() / mass[i];
}

// Rockstar's main mass counts bound particles only.
void add_bound_mass(Table& halos) {
  const auto bound = halos.add<double>(spec_of("bound_mass"));
  std::ranges::copy(halos.get<double>("mass"), bound.begin());
}

// Hosts get M200c and its radius where it was measured; subhalos keep what is bound to them.
void use_mass_200c(Table& halos, const Simulation& simulation) {
  const auto parent = halos.get<std::int64_t>("parent_id");
  const auto mass = halos.get<double>("mass"), radius = halos.get<double>("radius");
  const auto m200c = halos.get<double>(mass_200c);
  for (std::size_t i = 0; i < halos.rows(); ++i) {
    if (parent[i] < 0 && m200c[i] > 0) mass[i] = m200c[i];
    radius[i] = radius_200c(mass[i], simulation);
  }
  halos.remove(mass_200c);
}

// A shape with a vanishing axis is none: flagged, and null instead of a direction without meaning.
void resolve_shapes(Table& halos) {
  const auto resolved = halos.add<std::uint8_t>(spec_of("shape_resolved"));
  const auto b = halos.get<double>("b_to_a"), c = halos.get<double>("c_to_a");
  const auto x = halos.get<double>("axis_x"), y = halos.get<double>("axis_y"),
             z = halos.get<double>("axis_z");
  for (std::size_t i = 0; i < halos.rows(); ++i) {
    const Vec3 axis(x[i], y[i], z[i]);
    resolved[i] = axis.norm() > 0 && b[i] > 0 && c[i] > 0;
    const Vec3 unit = resolved[i] ? Vec3(axis / axis.norm()) : Vec3(0, 0, 0);
    x[i] = unit[0], y[i] = unit[1], z[i] = unit[2];
    if (!resolved[i]) b[i] = c[i] = 0;
  }
}


// One rank's file of several says which part of the box it holds; all of them together fill it.
void remark_on_bounds(const RockstarHeader& header, std::vector<Bounds> bounds, std::vector<std::string>& remarks) {
  if (bounds.empty()) return;
  std::ranges::sort(bounds);
  bounds.erase(std::unique(bounds.begin(), bounds.end()), bounds.end());
  const auto& box = header.simulation.box;
  double filled = 0;
  for (const auto& b : bounds) {
    double volume = 1;
    for (std::size_t k = 0; k < 3; ++k) volume *= std::clamp((b[k + 3] - b[k]) / box[k], 0., 1.);
    filled += volume;
  }
  if (filled > 0.999) return;
  remarks.push_back(piece_of_box(fmt::format("'#Bounds' says {:.3g} % of it", 100 * filled)));
}

Source source_of(const std::string& path) {
  return {path, "rockstar", std::filesystem::file_size(path), ""};
}

// The columns of some rows, completed by what follows from them.
Table halos_of(const RockstarHeader& header, std::vector<ColumnData> columns) {
  auto halos = to_table(header, std::move(columns));
  add_specific_spin(halos);
  add_bound_mass(halos);
  if (header.has(mass_200c)) use_mass_200c(halos, header.simulation);
  if (halos.has("axis_x")) resolve_shapes(halos);
  return halos;
}

struct RowCount {
  std::uint64_t rows;
  bool exact;
};

// Of a file that is not small, by what its first rows take.
RowCount count_rows(const std::string& path, std::uint64_t data_begin) {
  constexpr std::uint64_t sample = 20'000;
  std::uint64_t rows = 0;
  TextFile file(path);
  file.seek_line(data_begin);
  while (rows < sample) {
    const auto line = file.next_line();
    if (!line) return {rows, true};
    rows += line->find_first_not_of(" \t") != line->npos && !line->starts_with('#');
  }
  return {static_cast<std::uint64_t>(static_cast<double>(rows) / std::max(file.fraction_read(), 1e-12)), false};
}

class RockstarSource : public HaloSource {
 public:
  RockstarSource(const std::string& path, RockstarHeader header) : path_(path), list_(std::move(header)) {
    header_ = {halos_of(list_, RowParser(list_).take()), list_.simulation, source_of(path), list_.remarks};
  }

  double rows() const override { return static_cast<double>(count_rows(path_, list_.data_begin).rows); }

  void read(const Take& take, const mpi::Communicator& comm) override {
    auto end = mpi::agree(comm, [&] { return comm.root() ? TextFile(path_).text_bytes() : 0; });
    comm.broadcast(std::span(&end, 1));
    const auto mine = share_of({list_.data_begin, end}, comm.rank(), comm.size());
    std::uint64_t rows = 0, shapeless = 0;
    const auto share = mpi::agree(comm, [&] {
      return parse_share(path_, list_, mine, [&](std::vector<ColumnData> columns, double done) {
        auto halos = halos_of(list_, std::move(columns));
        rows += halos.rows();
        if (halos.has("shape_resolved"))
          shapeless += static_cast<std::uint64_t>(std::ranges::count(halos.get<std::uint8_t>("shape_resolved"), 0));
        take(std::move(halos), done);
      });
    });
    agree_on_rows(path_, list_, share, comm);
    remark(share, comm.sum(shapeless), comm.sum(rows), comm);
  }

 private:
  void remark(const ParsedShare& share, std::uint64_t shapeless, std::uint64_t rows, const mpi::Communicator& comm) {
    auto& remarks = header_.remarks;
    auto bounds = comm.gather_all(std::span<const Bounds>(share.bounds)).data;
    bounds.insert(bounds.end(), list_.bounds.begin(), list_.bounds.end());
    remark_on_bounds(list_, bounds, remarks);
    if (list_.has(mass_200c))
      remarks.emplace_back("mass of hosts: M200c; radii enclose 200 times the critical density");
    if (shapeless > 0)
      remarks.push_back(fmt::format("{} of {} halos have no shape (A, b_to_a or c_to_a is 0)", shapeless, rows));
  }

  std::string path_;
  RockstarHeader list_;
};

}  // namespace

std::unique_ptr<HaloSource> open_rockstar(const std::string& path, const ReadOptions& options,
                                          const mpi::Communicator& comm) {
  return std::make_unique<RockstarSource>(path, mpi::agree(comm, [&] { return parse_rockstar_header(path, options); }));
}

HaloHeader read_rockstar_header(const std::string& path, const ReadOptions& options) {
  const auto header = parse_rockstar_header(path, options);
  HaloHeader out{header.simulation, source_of(path), {}, 0, true, header.remarks, header.units};
  for (const auto& column : header.columns)
    if (column.name != mass_200c) out.columns.push_back(column.name);
  if (!header.has("parent_id")) out.columns.emplace_back("parent_id");
  out.columns.emplace_back("bound_mass");
  if (header.has("jx")) out.columns.emplace_back("specific_spin");
  if (header.has("axis_x")) out.columns.emplace_back("shape_resolved");

  const auto [rows, exact] = count_rows(path, header.data_begin);
  out.rows = rows;
  out.rows_exact = exact;
  return out;
}

Table sample_rockstar(const std::string& path, const ReadOptions& options, HaloHeader& said) {
  const auto header = parse_rockstar_header(path, options);
  constexpr std::uint64_t most = std::uint64_t{1} << 28;
  if (said.source.bytes > most) return {};  // a gzip stream would be read to its end
  const ByteShare all{header.data_begin, TextFile(path).text_bytes()};
  Table halos;
  auto share = parse_share(path, header, all, [&](std::vector<ColumnData> columns, double) {
    auto block = to_table(header, std::move(columns));
    if (halos.columns().empty())
      halos = std::move(block);
    else
      halos.append(block);
  });
  if (share.fault) throw data_error("{}: line {}: {}", path, header.lines + share.lines, share.fault->text);
  share.bounds.insert(share.bounds.end(), header.bounds.begin(), header.bounds.end());
  remark_on_bounds(header, share.bounds, said.remarks);
  return halos;
}

}  // namespace halobrush::catalog
