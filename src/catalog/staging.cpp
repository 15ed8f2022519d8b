#include "halobrush/catalog/staging.hpp"

#include <algorithm>
#include <cstring>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <regex>

#include "halobrush/core/error.hpp"
#include "halobrush/core/hash.hpp"
#include "halobrush/core/files.hpp"

namespace halobrush::catalog {
namespace {

namespace fs = std::filesystem;
using json = nlohmann::ordered_json;

constexpr auto identity_file = "identity.json", accepted_file = "accepted.txt";

// Only what this class writes is ever removed: a mistyped folder must not cost anyone their data.
bool is_ours(const fs::path& file) {
  static const std::regex names(R"((identity\.json|plan\.json|inputs\.json|accepted\.txt|ledger\.\d+\.jsonl|tile_\d+\.bin)(\.tmp)?)");
  return std::regex_match(file.filename().string(), names);
}

void remove_ours(const fs::path& folder) {
  std::error_code error;
  if (!fs::exists(folder, error)) return;
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder)) files.push_back(entry.path());
  // Tiles first: by what is left of the notes the next run knows whose they are.
  std::ranges::stable_partition(files, [](const fs::path& file) { return file.extension() != ".json"; });
  for (const auto& file : files)
    if (is_ours(file)) fs::remove(file, error);
  fs::remove(folder, error);  // stays when something else is in it
}

// A tile's file: its rows in parts of so many, each part column by column, and behind them a checksum of each part. The
// checksum of those is the tile's own: so a part is checked without the others, and a tile of any size in little memory.
constexpr std::uint64_t rows_of_part = 4096;

std::uint64_t parts_of(std::uint64_t rows) {
  return (rows + rows_of_part - 1) / rows_of_part;
}

std::uint64_t size_of_rows(const Table& columns, std::uint64_t rows) {
  return rows * static_cast<std::uint64_t>(bytes_per_row(columns));
}

void append(std::vector<std::byte>& bytes, std::span<const std::byte> more) {
  bytes.insert(bytes.end(), more.begin(), more.end());
}

struct Packed {
  std::vector<std::byte> bytes;
  std::uint64_t checksum = 0;
};

Packed pack(const Table& rows) {
  Packed packed;
  packed.bytes.reserve(size_of_rows(rows, rows.rows()) + parts_of(rows.rows()) * sizeof(std::uint64_t));
  std::vector<std::uint64_t> checksums;
  for (std::size_t first = 0; first < rows.rows(); first += rows_of_part) {
    const auto begin = packed.bytes.size(), count = std::min<std::size_t>(rows_of_part, rows.rows() - first);
    for (const auto& column : rows.columns())
      std::visit([&](const auto& v) { append(packed.bytes, std::as_bytes(std::span(v).subspan(first, count))); }, column.data);
    checksums.push_back(xxh3(std::span(packed.bytes).subspan(begin)));
  }
  append(packed.bytes, std::as_bytes(std::span(checksums)));
  packed.checksum = xxh3(std::as_bytes(std::span(checksums)));
  return packed;
}

// Rows [skip, skip + count) of a part of `rows` rows go to row `to` on.
void unpack(std::span<const std::byte> part, std::uint64_t rows, std::uint64_t skip, std::uint64_t count, Table& table,
            std::uint64_t to) {
  for (auto& column : table.columns())
    std::visit(
        [&](auto& values) {
          constexpr auto size = sizeof(values[0]);
          std::memcpy(values.data() + to, part.data() + skip * size, count * size);
          part = part.subspan(rows * size);
        },
        column.data);
}

// A tile that is read part by part.
class TileFile {
 public:
  /// Throws io_error, data_error.
  TileFile(const fs::path& path, const StagedTile& tile)
      : path_(path.string()), file_(path, std::ios::binary), rows_(tile.rows), checksums_(parts_of(tile.rows)) {
    if (!file_) throw io_error("{}: cannot be opened for reading; run again to paint the tile anew", path_);
    const auto table = std::as_writable_bytes(std::span(checksums_));
    if (fs::file_size(path) != tile.bytes || tile.bytes < table.size()) throw damaged();
    size_of_row_ = tile.rows == 0 ? 0 : (tile.bytes - table.size()) / tile.rows;
    if (size_of_row_ * tile.rows + table.size() != tile.bytes) throw damaged();
    read(tile.bytes - table.size(), table);
    if (xxh3(table) != tile.checksum) throw damaged();
  }

  std::uint64_t size_of_row() const { return size_of_row_; }
  std::uint64_t rows_in(std::uint64_t part) const { return std::min(rows_of_part, rows_ - part * rows_of_part); }

  /// The bytes of a part, until the next call of this thread, for whichever tile.
  std::span<const std::byte> part(std::uint64_t part) {
    buffer_.resize(rows_in(part) * size_of_row_);
    read(part * rows_of_part * size_of_row_, buffer_);
    if (xxh3(buffer_) != checksums_[part]) throw damaged();
    return buffer_;
  }

 private:
  Error damaged() const {
    return data_error("{}: is not what was written (size or checksum differ); run again to paint the tile anew", path_);
  }

  void read(std::uint64_t from, std::span<std::byte> bytes) {
    file_.seekg(static_cast<std::streamoff>(from));
    file_.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    if (!file_) throw io_error("{}: cannot be read; run again to paint the tile anew", path_);
  }

  std::string path_;
  std::ifstream file_;
  std::uint64_t rows_, size_of_row_ = 0;
  std::vector<std::uint64_t> checksums_;
  // One for all tiles: asking for half a megabyte anew for each of thousands of small ones costs as much as reading them.
  static thread_local std::vector<std::byte> buffer_;
};
thread_local std::vector<std::byte> TileFile::buffer_;

std::string to_line(const StagedTile& t, std::uint64_t identity) {
  return json{{"identity", identity},
              {"tile", t.tile},
              {"rows", t.rows},
              {"bytes", t.bytes},
              {"checksum", t.checksum},
              {"seconds", t.seconds}}
      .dump();
}

// Nothing for a line that a crash tore, or of another run's tile: it is painted again.
std::optional<StagedTile> from_line(const std::string& line, std::uint64_t identity) {
  try {
    const auto entry = json::parse(line);
    if (entry.at("identity") != identity) return std::nullopt;
    return StagedTile{entry.at("tile"), entry.at("rows"), entry.at("bytes"), entry.at("checksum"),
                      entry.at("seconds")};
  } catch (const json::exception&) {
    return std::nullopt;
  }
}

std::vector<fs::path> ledgers_in(const fs::path& folder) {
  static const std::regex names(R"(ledger\.\d+\.jsonl)");
  std::vector<fs::path> files;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder))
    if (std::regex_match(entry.path().filename().string(), names) && entry.is_regular_file(error)) files.push_back(entry.path());
  std::ranges::sort(files);
  return files;
}

bool has_tiles(const fs::path& folder) {
  return std::ranges::any_of(ledgers_in(folder), [](const fs::path& file) { return fs::file_size(file) > 0; });
}

std::vector<std::string> accepted_in(const fs::path& folder) {
  std::vector<std::string> lines;
  std::ifstream file(folder / accepted_file);
  for (std::string line; std::getline(file, line);)
    if (!line.empty()) lines.push_back(line);
  return lines;
}

Error damaged_identity(const fs::path& path) {
  return data_error("{}: is damaged (no JSON object of texts); remove the folder to begin anew", path.string());
}

// Empty where there is no such file, a folder of that name included.
std::string text_in(const fs::path& path) {
  std::error_code error;
  if (!fs::is_regular_file(path, error)) return "";
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::uint64_t checksum_of(const std::string& text) {
  return xxh3(std::as_bytes(std::span(text)));
}

Identity read_identity(const fs::path& path) {
  try {
    const auto entries = json::parse(text_in(path));
    if (!entries.is_object()) throw damaged_identity(path);
    Identity identity;
    for (const auto& [key, value] : entries.items()) identity.emplace_back(key, value.get<std::string>());
    return identity;
  } catch (const json::exception&) {
    throw damaged_identity(path);
  }
}

Error made_otherwise(const fs::path& folder, const std::string& how, bool acceptable) {
  return config_error(
      "{}: holds tiles of another configuration: {} (a staging folder belongs to one); choose another output.staging, "
      "{}or give --overwrite to remove them",
      folder.string(), how, acceptable ? "allow it by output.accept, " : "");
}

std::uint64_t hash_of(const Identity& identity) {
  std::string text;
  for (const auto& [key, value] : identity) text += key + '=' + value + '\n';
  return xxh3(std::as_bytes(std::span(text)));
}

}  // namespace

Staging::Staging(fs::path folder, Identity identity)
    : folder_(std::move(folder)), identity_(std::move(identity)), identity_hash_(hash_of(without(identity_, acceptable_differences()))) {}

std::vector<std::string> Staging::open(Discard discard, const std::vector<std::string>& accept) const {
  if (discard == Discard::all) remove_ours(folder_);
  std::error_code error;
  fs::create_directories(folder_, error);
  if (error) throw cannot_write(folder_, error.value());
  const auto file = folder_ / identity_file;
  if (has_tiles(folder_)) {  // a folder without binds nobody
    const auto other = fs::exists(file) ? differences(read_identity(file), identity_)
                                        : std::string(identity_file) + " is missing";
    if (other.empty()) return accepted_in(folder_);
    const auto apart_from = [&](const std::vector<std::string>& keys) {
      return differences(without(read_identity(file), keys), without(identity_, keys)).empty();
    };
    const bool acceptable = fs::exists(file) && apart_from(acceptable_differences());
    if (acceptable && apart_from(accept)) {
      auto accepted = accepted_in(folder_);
      if (std::ranges::count(accepted, other) == 0) {
        append_line_durably(folder_ / accepted_file, other);
        accepted.push_back(other);
      }
      return accepted;
    }
    if (discard == Discard::nothing) throw made_otherwise(folder_, other, acceptable);
    remove_ours(folder_);
    fs::create_directories(folder_, error);
    if (error) throw cannot_write(folder_, error.value());
  }
  json entries = json::object();
  for (const auto& [key, value] : identity_) entries[key] = value;
  const auto text = entries.dump(2) + "\n";
  write_durably(file, std::as_bytes(std::span(text)));
  return {};
}

void Staging::write_note(const std::string& name, const std::string& text) const {
  const json note = {{"identity", identity_hash_}, {"checksum", checksum_of(text)}, {"text", text}};
  write_durably(folder_ / name, note.dump() + "\n");
}

std::optional<std::string> Staging::read_note(const std::string& name) const {
  try {
    const auto note = json::parse(text_in(folder_ / name));
    auto text = note.at("text").get<std::string>();
    if (note.at("identity") != identity_hash_ || note.at("checksum") != checksum_of(text)) return std::nullopt;
    return text;
  } catch (const json::exception&) {
    return std::nullopt;
  }
}

std::vector<StagedTile> Staging::ledger() const {
  std::map<std::int64_t, StagedTile> tiles;
  for (const auto& path : ledgers_in(folder_)) {
    std::ifstream file(path);
    for (std::string line; std::getline(file, line);) {
      const auto entry = from_line(line, identity_hash_);
      std::error_code absent;
      if (!entry || fs::file_size(file_of(entry->tile), absent) != entry->bytes || absent) continue;
      const auto [known, is_new] = tiles.emplace(entry->tile, *entry);
      // A tile painted twice, say after its file was damaged: only one of two unlike records fits the file.
      if (!is_new && known->second.checksum != entry->checksum && verify(*entry)) known->second = *entry;
    }
  }
  std::vector<StagedTile> out;
  for (const auto& [number, tile] : tiles) out.push_back(tile);
  return out;
}

bool Staging::verify(const StagedTile& tile) const {
  try {
    TileFile file(file_of(tile.tile), tile);
    for (std::uint64_t part = 0; part < parts_of(tile.rows); ++part) file.part(part);
    return true;
  } catch (const std::exception&) {
    return false;
  }
}

StagedTile Staging::write(std::int64_t tile, const Table& rows, double seconds, int rank) const {
  const auto packed = pack(rows);
  write_durably(file_of(tile), packed.bytes);
  const StagedTile entry{tile, rows.rows(), packed.bytes.size(), packed.checksum, seconds};
  append_line_durably(folder_ / fmt::format("ledger.{}.jsonl", rank), to_line(entry, identity_hash_));
  return entry;
}

Table Staging::read(const StagedTile& tile, const Table& columns) const {
  auto rows = columns.empty_like();
  rows.resize(tile.rows);
  read(tile, 0, tile.rows, rows, 0);
  return rows;
}

void Staging::read(const StagedTile& tile, std::uint64_t first, std::uint64_t count, Table& table,
                   std::uint64_t to) const {
  TileFile file(file_of(tile.tile), tile);
  if (tile.rows > 0 && file.size_of_row() != size_of_rows(table, 1))
    throw internal_error("{}: rows of {} bytes are not of these columns", file_of(tile.tile).string(), file.size_of_row());
  for (const auto end = first + count; first < end;) {
    const auto part = first / rows_of_part, skip = first % rows_of_part;
    const auto here = std::min(file.rows_in(part) - skip, end - first);
    unpack(file.part(part), file.rows_in(part), skip, here, table, to);
    first += here;
    to += here;
  }
}

bool Staging::is_there() const {
  std::error_code error;
  return fs::exists(folder_ / identity_file, error) && differences(read_identity(folder_ / identity_file), identity_).empty();
}

void Staging::remove() const {
  remove_ours(folder_);
}

fs::path Staging::file_of(std::int64_t tile) const {
  return folder_ / fmt::format("tile_{:06}.bin", tile);
}

}  // namespace halobrush::catalog
