#include "genericio.hpp"

#include <algorithm>
#include <bit>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <limits>
#include <numeric>
#include <span>
#include <string_view>

#include "blosc_buffer.hpp"
#include "halobrush/core/error.hpp"

namespace halobrush::catalog {
namespace {

constexpr std::uint64_t checksum_bytes = 8, piece_bytes_read = 1 << 20, small_block = 4 << 20;

// CRC-64/XZ: polynomial of ECMA-182, reflected.
constexpr std::array<std::uint64_t, 256> checksum_table() {
  std::array<std::uint64_t, 256> table{};
  for (std::uint64_t i = 0; i < table.size(); ++i) {
    table[i] = i;
    for (int bit = 0; bit < 8; ++bit) table[i] = (table[i] >> 1) ^ (table[i] & 1 ? 0xC96C5795D7870F42 : 0);
  }
  return table;
}

// Eight tables, for eight bytes at a time.
using ChecksumTables = std::array<std::array<std::uint64_t, 256>, 8>;
constexpr ChecksumTables checksum_tables() {
  ChecksumTables tables{};
  tables[0] = checksum_table();
  for (std::size_t k = 1; k < tables.size(); ++k)
    for (std::size_t i = 0; i < 256; ++i) tables[k][i] = (tables[k - 1][i] >> 8) ^ tables[0][tables[k - 1][i] & 255];
  return tables;
}

class Checksum {
 public:
  void add(std::span<const char> bytes) {
    static constexpr auto tables = checksum_tables();
    for (; bytes.size() >= 8 && std::endian::native == std::endian::little; bytes = bytes.subspan(8)) {
      std::uint64_t eight = 0;
      std::memcpy(&eight, bytes.data(), 8);
      eight ^= state_;
      state_ = 0;
      for (std::size_t k = 0; k < 8; ++k) state_ ^= tables[7 - k][(eight >> (8 * k)) & 255];
    }
    for (const char byte : bytes) state_ = tables[0][(state_ ^ static_cast<unsigned char>(byte)) & 255] ^ (state_ >> 8);
  }
  std::uint64_t value() const { return ~state_; }
  // Behind sound bytes their checksum is stored such that nothing remains of both.
  bool sound() const { return state_ == 0; }

 private:
  std::uint64_t state_ = ~std::uint64_t{0};
};

std::uint64_t checksum_of(std::span<const char> bytes) {
  Checksum checksum;
  checksum.add(bytes);
  return checksum.value();
}

std::ifstream open_binary(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw io_error("{}: cannot be opened ({}); check the path", path, std::strerror(errno));
  return file;
}

std::vector<char> bytes_at(const std::string& path, std::ifstream& file, std::uint64_t begin, std::uint64_t count) {
  std::vector<char> bytes(count);
  file.seekg(static_cast<std::streamoff>(begin));
  file.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  if (static_cast<std::size_t>(file.gcount()) != bytes.size())
    throw io_error("{}: cannot be read to its end (it became shorter, or the disk fails); check the file", path);
  return bytes;
}

template <class T>
T number_at(const char* bytes, bool big_endian) {
  std::array<char, sizeof(T)> own{};
  std::memcpy(own.data(), bytes, sizeof(T));
  if (big_endian != (std::endian::native == std::endian::big)) std::ranges::reverse(own);
  return std::bit_cast<T>(own);
}

// Where the fields of the global header, of a variable's, a rank's and a block's are.
enum GlobalField : std::uint64_t {
  header_size = 8,
  rows_in_all = 16,
  variable_count = 48,
  variable_stride = 56,
  variables_start = 64,
  rank_count = 72,
  rank_stride = 80,
  ranks_start = 88,
  global_size = 96,
  box_origin = 104,
  box_scale = 128,
  block_stride = 152,
  blocks_start = 160
};
constexpr std::uint64_t oldest_global_size = 104, name_bytes = 256, oldest_variable_size = 272, oldest_rank_size = 40,
                        block_size = 48, most_rows = std::uint64_t{1} << 31;

// The header as it is in the file, with its checksum right.
class HeaderBytes {
 public:
  explicit HeaderBytes(const std::string& path) : path_(path), file_bytes_(std::filesystem::file_size(path)) {
    auto file = open_binary(path);
    if (file_bytes_ < oldest_global_size + checksum_bytes) throw cut_short();
    bytes_ = bytes_at(path, file, 0, oldest_global_size);
    check_version();
    const auto size = number(header_size);
    if (size < oldest_global_size) throw damaged(fmt::format("its size is {}", size));
    if (size > file_bytes_ - checksum_bytes) throw cut_short();
    bytes_ = bytes_at(path, file, 0, size + checksum_bytes);
    Checksum checksum;
    checksum.add(bytes_);
    if (!checksum.sound()) throw damaged("its checksum (CRC-64) is another");
    bytes_.erase(bytes_.end() - checksum_bytes, bytes_.end());
    if (number(global_size) > size)
      throw damaged(fmt::format("its first part is larger than itself, {} bytes", number(global_size)));
  }

  const std::string& path() const { return path_; }
  bool big_endian() const { return big_endian_; }
  std::uint64_t size() const { return bytes_.size(); }
  std::uint64_t file_bytes() const { return file_bytes_; }
  template <class T = std::uint64_t>
  T number(std::uint64_t at) const {
    return number_at<T>(bytes_.data() + at, big_endian_);
  }
  // Fields at the end of the global header are younger than some files.
  bool has(GlobalField field, std::uint64_t bytes) const { return field + bytes <= number(global_size); }
  std::string text(std::uint64_t at, std::size_t most) const {
    const std::string_view all(bytes_.data() + at, most);
    return std::string(all.substr(0, all.find('\0')));
  }

  // Where `count` records of `stride` bytes each begin.
  std::uint64_t records(const char* what, std::uint64_t start, std::uint64_t count, std::uint64_t stride,
                        std::uint64_t least) const {
    if (count > 0 && (stride < least || stride > size() || start > size() || count > (size() - start) / stride))
      throw damaged(
          fmt::format("{} {} of {} bytes from byte {} on are not in its {} bytes", count, what, stride, start, size()));
    return start;
  }

  Error damaged(const std::string& why) const {
    return data_error("{}: the GenericIO header is damaged ({}); copy the file again", path_, why);
  }

 private:
  Error cut_short() const {
    return data_error(
        "{}: ends within the GenericIO header ({} bytes; it was cut short, or the header is damaged); copy the file "
        "again",
        path_, file_bytes_);
  }

  void check_version() {
    const std::string_view magic(bytes_.data(), 8);
    big_endian_ = magic[6] == 'B';
    if (magic.substr(0, 6) != "HACC01" || (magic[6] != 'B' && magic[6] != 'L') || magic[7] != '\0')
      throw data_error(
          "{}: is a GenericIO file of the version '{}' (HACC01 is read); write it anew by GenericIO of that version",
          path_, magic.substr(4, 3));
  }

  const std::string& path_;
  std::uint64_t file_bytes_;
  bool big_endian_ = false;
  std::vector<char> bytes_;
};

std::vector<GenericIoVariable> variables_of(const HeaderBytes& bytes) {
  const auto count = bytes.number(variable_count), stride = bytes.number(variable_stride);
  auto at = bytes.records("variables", bytes.number(variables_start), count, stride, oldest_variable_size);
  std::vector<GenericIoVariable> variables;
  for (std::uint64_t i = 0; i < count; ++i, at += stride) {
    const auto flags = bytes.number(at + name_bytes), size = bytes.number(at + name_bytes + 8);
    const auto element = stride >= oldest_variable_size + 8 ? bytes.number(at + name_bytes + 16) : size;
    variables.push_back({bytes.text(at, name_bytes), (flags & 1) != 0, (flags & 2) != 0, size, element});
    if (size == 0 || element == 0 || size % element != 0 || size > std::numeric_limits<std::uint16_t>::max())
      throw bytes.damaged(
          fmt::format("variable '{}' has {} bytes a row, {} a number", variables.back().name, size, element));
  }
  return variables;
}

// No size of the header is trusted: what it says of a block must lie in the file.
void check_block(const HeaderBytes& bytes, const GenericIoRank& rank, const GenericIoVariable& variable) {
  const auto& block = rank.blocks.back();
  const auto most = bytes.file_bytes() - checksum_bytes;
  if (block.start < bytes.size() + checksum_bytes || block.start > most || block.bytes > most - block.start)
    throw data_error(
        "{}: the {} rows of rank {} of column '{}' would be {} bytes from byte {} on, but the file has {} (it was cut "
        "short); copy it again",
        bytes.path(), rank.rows, rank.number, variable.name, block.bytes, block.start, bytes.file_bytes());
}

// Without records of blocks, those of a rank are one behind the other.
void add_plain_blocks(const HeaderBytes& bytes, std::uint64_t start, const std::vector<GenericIoVariable>& variables,
                      GenericIoRank& rank) {
  for (const auto& variable : variables) {
    rank.blocks.push_back({start, rank.rows * variable.bytes, false});
    check_block(bytes, rank, variable);
    start += rank.blocks.back().bytes + checksum_bytes;
  }
}

GenericIoBlock recorded_block(const HeaderBytes& bytes, std::uint64_t at, const GenericIoVariable& variable) {
  constexpr std::uint64_t filters = 4, filter_bytes = 8;
  GenericIoBlock block{bytes.number(at + filters * filter_bytes), bytes.number(at + filters * filter_bytes + 8), false};
  for (std::uint64_t i = 0; i < filters; ++i) {
    const auto filter = bytes.text(at + i * filter_bytes, filter_bytes);
    if (filter.empty()) break;
    if (filter != "BLOSC" || i > 0)
      throw data_error(
          "{}: column '{}' was written with the filter '{}' (BLOSC is read, once); write it with that one or with none",
          bytes.path(), variable.name, filter);
    block.blosc = true;
  }
  return block;
}

void add_recorded_blocks(const HeaderBytes& bytes, std::uint64_t at, std::uint64_t stride,
                         const std::vector<GenericIoVariable>& variables, GenericIoRank& rank) {
  for (const auto& variable : variables) {
    rank.blocks.push_back(recorded_block(bytes, at, variable));
    check_block(bytes, rank, variable);
    const auto& block = rank.blocks.back();
    if (block.blosc ? block.bytes < checksum_bytes : block.bytes != rank.rows * variable.bytes)
      throw bytes.damaged(fmt::format("{} rows of rank {} of column '{}' are {} bytes", rank.rows, rank.number,
                                      variable.name, block.bytes));
    at += stride;
  }
}

std::vector<GenericIoRank> ranks_of(const HeaderBytes& bytes, const std::vector<GenericIoVariable>& variables) {
  const auto count = bytes.number(rank_count), stride = bytes.number(rank_stride);
  auto at = bytes.records("ranks", bytes.number(ranks_start), count, stride, oldest_rank_size);
  const auto blocks_stride = bytes.has(blocks_start, 8) ? bytes.number(block_stride) : 0;
  const auto blocks_at = blocks_stride == 0 ? 0 : bytes.number(blocks_start);
  const auto variables_of_rank = variables.size();
  if (blocks_stride > 0 && variables_of_rank > 0) {
    bytes.records("blocks", blocks_at, variables_of_rank, blocks_stride, block_size);
    bytes.records("blocks of all ranks", blocks_at, count, blocks_stride * variables_of_rank, block_size);
  }
  std::vector<GenericIoRank> ranks;
  std::uint64_t left = bytes.number(rows_in_all);
  for (std::uint64_t i = 0; i < count; ++i, at += stride) {
    GenericIoRank rank{bytes.number(at + 24), stride >= oldest_rank_size + 8 ? bytes.number(at + 40) : i, {}};
    if (rank.rows > left)
      throw bytes.damaged(fmt::format("its ranks have more than its {} rows", bytes.number(rows_in_all)));
    left -= rank.rows;
    if (rank.rows > most_rows) throw bytes.damaged(fmt::format("rank {} has {} rows", rank.number, rank.rows));
    if (blocks_stride > 0)
      add_recorded_blocks(bytes, blocks_at + i * variables_of_rank * blocks_stride, blocks_stride, variables, rank);
    else
      add_plain_blocks(bytes, bytes.number(at + 32), variables, rank);
    ranks.push_back(std::move(rank));
  }
  if (left > 0) throw bytes.damaged(fmt::format("its ranks have {} rows fewer than it says", left));
  return ranks;
}

template <class Stored, class T>
ColumnData converted(const GenericIoHeader& header, const std::string& name, const std::vector<char>& bytes) {
  std::vector<T> values(bytes.size() / sizeof(Stored));
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto value = number_at<Stored>(bytes.data() + i * sizeof(Stored), header.big_endian);
    if constexpr (std::is_same_v<Stored, std::uint64_t>)
      if (value > std::numeric_limits<std::int64_t>::max())
        throw data_error("{}: column '{}' has the number {} (beyond 2^63 - 1); repair or remove the row", header.path,
                         name, value);
    values[i] = static_cast<T>(value);
  }
  return values;
}

ColumnData numbers_of(const GenericIoHeader& header, const GenericIoVariable& variable,
                      const std::vector<char>& bytes) {
  const auto is = [&](bool floating, bool is_signed, std::size_t size) {
    return variable.floating == floating && variable.element_bytes == size &&
           (floating || variable.is_signed == is_signed);
  };
  if (variable.bytes != variable.element_bytes)
    throw data_error("{}: column '{}' has {} numbers a row (one is needed); write it in columns of its own",
                     header.path, variable.name, variable.bytes / variable.element_bytes);
  if (is(true, true, 4)) return converted<float, float>(header, variable.name, bytes);
  if (is(true, true, 8)) return converted<double, double>(header, variable.name, bytes);
  if (is(false, true, 8)) return converted<std::int64_t, std::int64_t>(header, variable.name, bytes);
  if (is(false, true, 4)) return converted<std::int32_t, std::int64_t>(header, variable.name, bytes);
  if (is(false, true, 2)) return converted<std::int16_t, std::int64_t>(header, variable.name, bytes);
  if (is(false, true, 1)) return converted<std::int8_t, std::int64_t>(header, variable.name, bytes);
  if (is(false, false, 8)) return converted<std::uint64_t, std::int64_t>(header, variable.name, bytes);
  if (is(false, false, 4)) return converted<std::uint32_t, std::int64_t>(header, variable.name, bytes);
  if (is(false, false, 2)) return converted<std::uint16_t, std::int64_t>(header, variable.name, bytes);
  if (is(false, false, 1)) return converted<std::uint8_t, std::int64_t>(header, variable.name, bytes);
  throw data_error("{}: column '{}' has {} of {} bytes (1, 2, 4 or 8 are read); write it as another type", header.path,
                   variable.name, variable.floating ? "floats" : "integers", variable.element_bytes);
}

const GenericIoVariable& variable_named(const GenericIoHeader& header, const std::string& name) {
  const auto* variable = header.find(name);
  if (variable == nullptr) throw data_error("{}: no column '{}'; give a file that has it", header.path, name);
  return *variable;
}

}  // namespace

std::uint64_t GenericIoHeader::rows() const {
  return std::accumulate(ranks.begin(), ranks.end(), std::uint64_t{0},
                         [](auto sum, const auto& rank) { return sum + rank.rows; });
}

std::vector<std::string> GenericIoHeader::names() const {
  std::vector<std::string> names;
  for (const auto& variable : variables) names.push_back(variable.name);
  return names;
}

const GenericIoVariable* GenericIoHeader::find(const std::string& name) const {
  const auto found = std::ranges::find(variables, name, &GenericIoVariable::name);
  return found == variables.end() ? nullptr : &*found;
}

bool is_genericio(const std::array<char, 9>& start) {
  const std::string_view magic(start.data(), 8);
  return magic.starts_with("HACC") && std::isdigit(static_cast<unsigned char>(magic[4])) &&
         (magic[6] == 'L' || magic[6] == 'B') && magic[7] == '\0';
}

GenericIoHeader read_genericio_header(const std::string& path) {
  const HeaderBytes bytes(path);
  GenericIoHeader header{path, bytes.big_endian(), {}, {}, variables_of(bytes), {}};
  for (std::size_t k = 0; k < 3; ++k) {
    if (bytes.has(box_origin, 24)) header.origin[k] = bytes.number<double>(box_origin + 8 * k);
    if (bytes.has(box_scale, 24)) header.scale[k] = bytes.number<double>(box_scale + 8 * k);
  }
  header.ranks = ranks_of(bytes, header.variables);
  return header;
}

GenericIoColumn::GenericIoColumn(const GenericIoHeader& header, const GenericIoRank& rank, const std::string& name)
    : header_(header), rank_(rank), variable_(variable_named(header, name)), file_(open_binary(header.path)) {
  block_ = rank.blocks[static_cast<std::size_t>(header.find(name) - header.variables.data())];
  if (block_.blosc)
    inflate();
  else
    check_stored();
}

Error GenericIoColumn::damaged(const char* why) const {
  return data_error("{}: the rows of rank {} of column '{}' are damaged ({}); copy the file again", header_.path,
                    rank_.number, variable_.name, why);
}

// Of a large block only pieces are held.
void GenericIoColumn::check_stored() {
  Checksum checksum;
  std::vector<char> bytes;
  const auto stored = block_.bytes + checksum_bytes, step = block_.bytes <= small_block ? stored : piece_bytes_read;
  for (std::uint64_t done = 0; done < stored; done += bytes.size()) {
    bytes = bytes_at(header_.path, file_, block_.start + done, std::min(step, stored - done));
    checksum.add(bytes);
  }
  if (!checksum.sound()) throw damaged("their checksum, CRC-64, is another");
  if (block_.bytes > small_block) return;
  bytes.erase(bytes.end() - checksum_bytes, bytes.end());
  all_ = std::move(bytes);
}

void GenericIoColumn::inflate() {
  const auto stored = bytes_at(header_.path, file_, block_.start, block_.bytes + checksum_bytes);
  Checksum checksum;
  checksum.add(stored);
  if (!checksum.sound()) throw damaged("their checksum, CRC-64, is another");
  const auto packed = std::span(stored).subspan(checksum_bytes, block_.bytes - checksum_bytes);
  all_ = blosc_inflate(packed, rank_.rows * variable_.bytes);
  if (!all_) throw damaged("BLOSC cannot inflate them to as many rows as the header says");
  if (checksum_of(*all_) != number_at<std::uint64_t>(stored.data(), header_.big_endian))
    throw damaged("the checksum of what was compressed is another");
}

std::vector<char> GenericIoColumn::bytes(std::uint64_t first, std::uint64_t count) {
  const auto begin = first * variable_.bytes, size = count * variable_.bytes;
  if (!all_) return bytes_at(header_.path, file_, block_.start + begin, size);
  const auto at = all_->begin() + static_cast<std::ptrdiff_t>(begin);
  return {at, at + static_cast<std::ptrdiff_t>(size)};
}

ColumnData GenericIoColumn::rows(std::uint64_t first, std::uint64_t count) {
  return numbers_of(header_, variable_, bytes(first, count));
}

ColumnData no_rows(const GenericIoHeader& header, const std::string& name) {
  return numbers_of(header, variable_named(header, name), {});
}

}  // namespace halobrush::catalog
