#include "rockstar.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <functional>
#include <utility>

#include "ahf.hpp"
#include "checks.hpp"
#include "halobrush/core/error.hpp"
#include "halobrush/mpi/agree.hpp"
#include "overdensity.hpp"
#include "rockstar_header.hpp"
#include "share.hpp"
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
  explicit RowParser(const RockstarHeader& header) : header_(header), b_to_a_(place_of("b_to_a")), c_to_a_(place_of("c_to_a")) {
    for (const auto& column : header.columns) checks_.emplace_back(column.name, header.simulation);
    take();
  }

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
      std::visit([&](auto& values) { add(header_.columns[c], checks_[c], values); }, data_[c]);
    check_ratios();
    ++rows_;
  }

 private:
  std::optional<std::size_t> place_of(const std::string& name) const {
    const auto found = std::ranges::find(header_.columns, name, &RockstarColumn::name);
    return found == header_.columns.end() ? std::nullopt : std::optional(static_cast<std::size_t>(found - header_.columns.begin()));
  }

  void check_ratios() const {
    if (!b_to_a_ || !c_to_a_) return;
    const auto last = [&](std::size_t column) { return std::get<std::vector<double>>(data_[column]).back(); };
    if (const auto fault = fault_of_ratios(last(*b_to_a_), last(*c_to_a_)))
      throw RowFault{fmt::format("column '{}' {}", header_.columns[*c_to_a_].file_name, *fault)};
  }

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
  void add(const RockstarColumn& column, const ValueCheck& check, std::vector<T>& values) const {
    T value = number<T>(column, words_[column.field]);
    // A float, because 1 times 2^62 need not fit a double.
    if constexpr (std::is_floating_point_v<T>) value *= column.factor;
    if constexpr (std::is_integral_v<T>)
      if (value < column.least)
        throw RowFault{fmt::format("column '{}' is {} (not below {} in rows before it: lists of two kinds); read one at a time", column.file_name, value,
                                   column.least)};
    if (!check.allows(static_cast<double>(value)))
      throw RowFault{fmt::format("column '{}' {}{}", column.file_name, check.fault_of(static_cast<double>(value)),
                                 column.factor == 1 ? "" : fmt::format(" (read: '{}')", words_[column.field]))};
    values.push_back(value);
  }

  void check_scale(std::string_view word) const {
    double value = 0;
    const auto [stop, error] = std::from_chars(word.data(), word.data() + word.size(), value);
    if (error != std::errc() || stop != word.data() + word.size())
      throw RowFault{fmt::format("column 'scale' is '{}' (not a number); repair or remove the row", word)};
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
    if constexpr (std::is_floating_point_v<T>)  // nearer to 0 than any number is 0
      if (error == std::errc::result_out_of_range && stop == end && std::abs(std::strtod(std::string(begin, end).c_str(), nullptr)) < 1) return T{0};
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
  const std::optional<std::size_t> b_to_a_, c_to_a_;  // places of these columns
  std::vector<ValueCheck> checks_;  // of each column
  std::vector<ColumnData> data_;
  std::size_t rows_ = 0;
  std::vector<std::string_view> words_;
};

// Lists that were joined have their comment lines between the rows: the same ones are fine.
void compare(const RockstarHeader& header, std::string_view comment, std::vector<Bounds>& bounds) {
  for (const auto& statement : statements_of(std::string(comment), 0, header.names)) {
    if (const auto fault = disagreement(header.statements, statement)) throw RowFault{*fault};
    if (statement.key == "bounds")
      if (const auto more = header.bounds_of(statement)) bounds.push_back(*more);
  }
}

// A file of a list: where its rows begin, in lines and in bytes of text, and its size on disk.
struct ListFile {
  std::uint64_t lines = 0, data_begin = 0, bytes = 0;
  int compressed = 0;
};

ListFile list_file(const std::string& path, const RockstarHeader& header) {
  return {header.lines, header.data_begin, std::filesystem::file_size(path), TextFile(path).compressed() ? 1 : 0};
}

// Lines of text become rows, up to the first fault.
class LineReader {
 public:
  /// Gets the columns of some rows, and the share of this rank's text that lies behind.
  using Take = std::function<void(std::vector<ColumnData>, double)>;
  LineReader(const RockstarHeader& header, Take take) : header_(header), parser_(header), take_(std::move(take)) {}

  void begin(std::size_t file) {
    file_ = static_cast<std::int64_t>(file);
    lines_ = 0;
  }

  void add(std::string_view lines, double done) {
    for_each_line(lines, [&](std::string_view line) {
      ++lines_;
      add_line(line);
      return !fault_;
    });
    if (parser_.rows() >= block_rows) take_(parser_.take(), done);
  }

  void finish() {
    if (!fault_) take_(parser_.take(), 1);
  }

  std::int64_t file() const { return file_; }        ///< the last one begun; -1: none
  std::uint64_t lines() const { return lines_; }     ///< read of it
  const std::optional<RowFault>& fault() const { return fault_; }  ///< of the last line read
  const std::vector<Bounds>& bounds() const { return bounds_; }    ///< said between the rows

 private:
  static constexpr std::size_t block_rows = std::size_t{1} << 16;

  void add_line(std::string_view line) {
    if (line.find_first_not_of(" \t") == line.npos) return;
    try {
      if (line.starts_with('#'))
        compare(header_, line, bounds_);
      else
        parser_.parse(line);
    } catch (const RowFault& fault) {
      fault_ = fault;
    }
  }

  const RockstarHeader& header_;
  RowParser parser_;
  Take take_;
  std::int64_t file_ = -1;
  std::uint64_t lines_ = 0;
  std::optional<RowFault> fault_;
  std::vector<Bounds> bounds_;
};

constexpr std::size_t block_bytes = std::size_t{1} << 20;

// Inflates a file for the ranks that share it: each gets a part of its lines, the lower rank the earlier one.
class Inflater {
 public:
  Inflater(const std::string& path, const ListFile& file, Ranks ranks) : text_(path), ranks_(ranks), to_(ranks.begin) {
    text_.seek_line(file.data_begin);
  }

  /// Goes on to the next block; false at the end.
  bool next() {
    to_ = std::max(to_, ranks_.begin + std::min(static_cast<int>(part()), ranks_.size() - 1));
    lines_ = text_.next_lines(block_bytes);
    return !lines_.empty();
  }

  std::string_view lines() const { return lines_; }
  int to() const { return to_; }
  double done() const { return std::clamp(part() - (to_ - ranks_.begin), 0., 1.); }  ///< of that rank's part

 private:
  double part() const { return text_.fraction_read() * ranks_.size(); }

  TextFile text_;
  Ranks ranks_;
  int to_;
  std::string_view lines_;
};

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
  resolve_ahf_hosts(header, halos);
  return halos;
}

// Rockstar's angular momenta are in (Msun/h) (Mpc/h) km/s, physical.
void add_specific_spin(Table& halos) {
  const auto spin = halos.add<double>(spec_of("specific_spin"));
  const auto mass = halos.get<double>("mass");
  const auto momentum = halos.vectors("j");
  for (std::size_t i = 0; i < halos.rows(); ++i) spin[i] = momentum[i].stableNorm() / mass[i];
}

// AHF's angular momenta are unit vectors.
bool says_spin(const RockstarHeader& header) {
  return header.has("jx") && header.finder != "AHF";
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

// The columns of some rows, completed by what follows from them.
Table halos_of(const RockstarHeader& header, std::vector<ColumnData> columns) {
  auto halos = to_table(header, std::move(columns));
  if (says_spin(header)) add_specific_spin(halos);
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
RowCount count_rows(const std::string& path, std::uint64_t data_begin, std::uint64_t sample) {
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

RowCount count_rows(const std::vector<std::string>& paths, const std::vector<ListFile>& files) {
  const auto sample = std::max<std::uint64_t>(20'000 / paths.size(), 200);
  RowCount all{0, true};
  for (std::size_t i = 0; i < paths.size(); ++i) {
    const auto here = count_rows(paths[i], files[i].data_begin, sample);
    all.rows += here.rows;
    all.exact = all.exact && here.exact;
  }
  return all;
}

// What a file of several adds to the first one, with which it must agree.
ListFile look_at_another(const std::string& path, const ReadOptions& options, const std::string& first_path,
                         const RockstarHeader& first, std::vector<Bounds>& bounds) {
  const auto header = parse_rockstar_header(path, options);
  require_same(path, header, first_path, first);
  bounds.insert(bounds.end(), header.bounds.begin(), header.bounds.end());
  return list_file(path, header);
}

class RockstarSource : public HaloSource {
 public:
  RockstarSource(Input input, const ReadOptions& options, const mpi::Communicator& comm)
      : HaloSource(std::move(input)),
        paths_(this->input().catalog.files),
        list_(mpi::agree(comm, [&] { return parse_rockstar_header(paths_.front(), options); })) {
    header_ = {halos_of(list_, RowParser(list_).take()), list_.simulation, this->input().source, list_.remarks};
    header_.source.format = list_.finder;
    look_at_files(options, comm);
  }

  double rows() const override { return static_cast<double>(count_rows(paths_, files_).rows); }

  void read(const Take& take, const mpi::Communicator& comm) override {
    std::uint64_t rows = 0, shapeless = 0;
    LineReader reader(list_, [&](std::vector<ColumnData> columns, double done) {
      auto halos = halos_of(list_, std::move(columns));
      rows += halos.rows();
      if (halos.has("shape_resolved"))
        shapeless += static_cast<std::uint64_t>(std::ranges::count(halos.get<std::uint8_t>("shape_resolved"), 0));
      take(std::move(halos), done);
    });
    const bool compressed = std::ranges::any_of(files_, [](const auto& file) { return file.compressed != 0; });
    std::optional<Error> error;
    if (!compressed)
      error = mpi::failure_of(comm, [&] { read_share(reader, comm); });
    else if (paths_.size() < static_cast<std::size_t>(comm.size()))
      error = read_dealt(reader, comm);
    else
      error = mpi::failure_of(comm, [&] { read_files(reader, comm); });
    agree_on_rows(reader, std::move(error), comm);
    remark(reader, comm.sum(shapeless), comm.sum(rows), comm);
  }

 private:
  void look_at_files(const ReadOptions& options, const mpi::Communicator& comm) {
    const auto share = share_of({0, paths_.size()}, comm.rank(), comm.size());
    const auto mine = mpi::agree(comm, [&] {
      std::vector<ListFile> files;
      for (auto i = share.begin; i < share.end; ++i)
        files.push_back(i == 0 ? list_file(paths_[i], list_) : look_at_another(paths_[i], options, paths_.front(), list_, bounds_));
      return files;
    });
    files_ = comm.gather_all(std::span<const ListFile>(mine)).data;
  }

  // Plain text: every rank seeks where its part of all bytes begins.
  void read_share(LineReader& reader, const mpi::Communicator& comm) const {
    std::uint64_t all = 0, before = 0;
    for (const auto& file : files_) all += file.bytes - file.data_begin;
    const auto mine = share_of({0, all}, comm.rank(), comm.size());
    for (std::size_t i = 0; i < files_.size() && !reader.fault(); ++i) {
      const Share text{before, before + files_[i].bytes - files_[i].data_begin};
      before = text.end;
      const Share part{std::max(text.begin, mine.begin), std::min(text.end, mine.end)};
      if (part.begin >= part.end) continue;
      const auto to_file = files_[i].data_begin - text.begin;  // wraps around, and back when it is added
      TextFile file(paths_[i]);
      file.seek_line(part.begin + to_file);
      reader.begin(i);
      for (std::string_view lines; !reader.fault() && !(lines = file.next_lines(block_bytes, part.end + to_file)).empty();)
        reader.add(lines, static_cast<double>(std::min(file.offset() - to_file, mine.end) - mine.begin) / static_cast<double>(mine.size()));
    }
    reader.finish();
  }

  std::vector<Ranks> ranks_of_files(const mpi::Communicator& comm) const {
    std::vector<std::uint64_t> sizes;
    for (const auto& file : files_) sizes.push_back(file.bytes);
    return deal(sizes, comm.size());
  }

  // Compressed files of which no rank has less than one. A fault waits until its file is known to be sound.
  void read_files(LineReader& reader, const mpi::Communicator& comm) const {
    const auto ranks = ranks_of_files(comm);
    double all = 0, before = 0;
    for (std::size_t i = 0; i < files_.size(); ++i)
      if (ranks[i].begin == comm.rank()) all += static_cast<double>(files_[i].bytes);
    for (std::size_t i = 0; i < files_.size() && !reader.fault(); ++i) {
      if (ranks[i].begin != comm.rank()) continue;
      const auto size = static_cast<double>(files_[i].bytes);
      std::optional<Error> error;
      reader.begin(i);
      for (Inflater file(paths_[i], files_[i], {comm.rank(), comm.rank() + 1}); file.next();)
        if (!error && !reader.fault())
          error = mpi::failure_of(comm, [&] { reader.add(file.lines(), (before + file.done() * size) / all); });
      if (error) throw Error(*error);
      before += size;
    }
    reader.finish();
  }

  // Fewer compressed files than ranks: the first of the ranks that share a file inflates it and sends blocks of its lines.
  // A rank that fails goes on to receive, so that none waits for it. Damage of a file comes before faults of its rows.
  std::optional<Error> read_dealt(LineReader& reader, const mpi::Communicator& comm) const {
    const auto ranks = ranks_of_files(comm);
    const auto i = static_cast<std::size_t>(std::ranges::find_if(ranks, [&](const auto& r) { return comm.rank() < r.end; }) - ranks.begin());
    reader.begin(i);
    std::optional<Error> damage, error;
    const auto add = [&](std::string_view lines, double done) {
      if (!error && !reader.fault()) error = mpi::failure_of(comm, [&] { reader.add(lines, done); });
    };
    std::optional<Inflater> file;
    bool more = comm.rank() == ranks[i].begin;
    const auto go_on = [&] {
      damage = mpi::failure_of(comm, [&] {
        if (!file) file.emplace(paths_[i], files_[i], ranks[i]);
        more = file->next();
      });
      more = more && !damage;
    };
    if (more) go_on();
    for (; more && file->to() == comm.rank(); go_on()) add(file->lines(), file->done());

    std::vector<char> block;
    while (comm.max(more ? 1 : 0) != 0) {
      std::vector<std::size_t> counts(static_cast<std::size_t>(comm.size()));
      block.clear();
      if (more) {
        const double done = file->done();
        block.resize(sizeof done + file->lines().size());
        std::memcpy(block.data(), &done, sizeof done);
        std::ranges::copy(file->lines(), block.begin() + sizeof done);
        counts[static_cast<std::size_t>(file->to())] = block.size();
      }
      const auto received = comm.exchange(std::span<const char>(block), counts).data;
      if (more) go_on();
      if (received.empty()) continue;
      double done = 0;
      std::memcpy(&done, received.data(), sizeof done);
      add({received.data() + sizeof done, received.size() - sizeof done}, done);
    }
    if (!error) error = mpi::failure_of(comm, [&] { reader.finish(); });
    return damage ? damage : error;
  }

  // Only the lowest failing rank's error is seen, and the ranks below it have counted all lines of their parts.
  void agree_on_rows(const LineReader& reader, std::optional<Error> error, const mpi::Communicator& comm) const {
    struct Counted {
      std::int64_t file;
      std::uint64_t lines;
    };
    const Counted mine{reader.file(), reader.lines()};
    const auto all = comm.gather_all(std::span(&mine, 1)).data;
    if (!error && reader.fault()) {
      const auto file = static_cast<std::size_t>(mine.file);
      auto line = files_[file].lines + mine.lines;
      for (int rank = 0; rank < comm.rank(); ++rank)
        if (const auto& lower = all[static_cast<std::size_t>(rank)]; lower.file == mine.file) line += lower.lines;
      error = data_error("{}: line {}: {}", paths_[file], line, reader.fault()->text);
    }
    mpi::agree_on(comm, error);
  }

  void remark(const LineReader& reader, std::uint64_t shapeless, std::uint64_t rows, const mpi::Communicator& comm) {
    auto& remarks = header_.remarks;
    bounds_.insert(bounds_.end(), reader.bounds().begin(), reader.bounds().end());
    auto bounds = comm.gather_all(std::span<const Bounds>(bounds_)).data;
    bounds.insert(bounds.end(), list_.bounds.begin(), list_.bounds.end());
    remark_on_bounds(list_, bounds, remarks);
    if (list_.has(mass_200c))
      remarks.emplace_back("mass of hosts: M200c; radii enclose 200 times the critical density");
    if (shapeless > 0)
      remarks.push_back(fmt::format("{} of {} halos have no shape (A, b_to_a or c_to_a is 0)", shapeless, rows));
  }

  const std::vector<std::string>& paths_;
  RockstarHeader list_;
  std::vector<ListFile> files_;
  std::vector<Bounds> bounds_;  // said by this rank's files, the first one apart
};

}  // namespace

std::unique_ptr<HaloSource> open_rockstar(Input input, const ReadOptions& options, const mpi::Communicator& comm) {
  return std::make_unique<RockstarSource>(std::move(input), options, comm);
}

HaloHeader read_rockstar_header(const Input& input, const ReadOptions& options) {
  const auto& paths = input.catalog.files;
  const auto header = parse_rockstar_header(paths.front(), options);
  HaloHeader out{header.simulation, input.source, {}, 0, true, header.remarks, header.units};
  out.source.format = header.finder;
  for (const auto& column : header.columns)
    if (column.name != mass_200c) out.columns.push_back(column.name);
  if (!header.has("parent_id")) out.columns.emplace_back("parent_id");
  out.columns.emplace_back("bound_mass");
  if (says_spin(header)) out.columns.emplace_back("specific_spin");
  if (header.has("axis_x")) out.columns.emplace_back("shape_resolved");

  std::vector<Bounds> bounds;
  std::vector<ListFile> files = {list_file(paths.front(), header)};
  for (std::size_t i = 1; i < paths.size(); ++i)
    files.push_back(look_at_another(paths[i], options, paths.front(), header, bounds));
  const auto [rows, exact] = count_rows(paths, files);
  out.rows = rows;
  out.rows_exact = exact;
  return out;
}

Table sample_rockstar(const Input& input, const ReadOptions& options, HaloHeader& said) {
  constexpr std::uint64_t most = std::uint64_t{1} << 28;
  if (said.source.bytes > most) return {};  // a gzip stream would be read to its end
  const auto& paths = input.catalog.files;
  const auto first = parse_rockstar_header(paths.front(), options);
  auto bounds = first.bounds;
  Table halos = to_table(first, RowParser(first).take());
  LineReader reader(first, [&](std::vector<ColumnData> columns, double) { halos.append(to_table(first, std::move(columns))); });
  for (std::size_t i = 0; i < paths.size(); ++i) {
    const auto at = i == 0 ? list_file(paths[i], first) : look_at_another(paths[i], options, paths.front(), first, bounds);
    reader.begin(i);
    for (Inflater file(paths[i], at, {0, 1}); !reader.fault() && file.next();) reader.add(file.lines(), 1);
    if (reader.fault()) throw data_error("{}: line {}: {}", paths[i], at.lines + reader.lines(), reader.fault()->text);
  }
  reader.finish();
  bounds.insert(bounds.end(), reader.bounds().begin(), reader.bounds().end());
  remark_on_bounds(first, bounds, said.remarks);
  return halos;
}

}  // namespace halobrush::catalog
