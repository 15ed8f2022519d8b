// Finished tiles on disk: what a crash cannot take away. A tile is written to a temporary file, flushed,
// renamed and then recorded with its checksum by one appended line; it counts as done only when line, file
// and checksum agree.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "halobrush/catalog/identity.hpp"
#include "halobrush/catalog/table.hpp"

namespace halobrush::catalog {

struct StagedTile {
  std::int64_t tile = 0;
  std::uint64_t rows = 0, bytes = 0, checksum = 0;  ///< XXH3-64, of the checksums of its parts
  double seconds = 0;
};

class Staging {
 public:
  /// Of a folder whose tiles are made with `identity`, the same on every rank: what other runs may have left, or may
  /// still write, is not taken for its own.
  Staging(std::filesystem::path folder, Identity identity);
  const std::filesystem::path& folder() const { return folder_; }

  /// Root only. Makes the folder, or checks that it was made with the same identity: config_error naming the
  /// keys that differ and both values.
  enum class Discard { nothing, of_others, all };
  /// `accept`: keys of acceptable_differences() that may differ; returns what differed in this run, or in an earlier one
  /// that painted some of the tiles (differences()).
  std::vector<std::string> open(Discard discard, const std::vector<std::string>& accept = {}) const;

  /// Root only. A text that goes with the tiles (`plan.json`), written durably; nothing when it is absent or of other
  /// tiles.
  void write_note(const std::string& name, const std::string& text) const;
  std::optional<std::string> read_note(const std::string& name) const;

  /// Root only. The ledger's tiles whose file has the recorded size; a torn last line is ignored. Checksums
  /// are compared by verify(). Lines of all ranks are read (each rank appends to its own ledger file,
  /// `ledger.<rank>.jsonl`).
  std::vector<StagedTile> ledger() const;

  /// Any rank: whether the file of a recorded tile is whole (size and checksums).
  bool verify(const StagedTile& tile) const;

  /// Any rank. Writes the rows of a tile (tmp, fsync, rename, fsync of the folder), then one ledger line.
  /// Throws io_error.
  StagedTile write(std::int64_t tile, const Table& rows, double seconds, int rank) const;

  /// Any rank. The rows of a tile, checked against the recorded checksum. `columns` declares them.
  Table read(const StagedTile& tile, const Table& columns) const;

  /// Any rank. Rows [first, first + count) of a tile become rows `to` and following of a table with its columns. Only the
  /// parts of the file that hold them are read, and each is checked. Throws io_error, data_error (not what was written).
  void read(const StagedTile& tile, std::uint64_t first, std::uint64_t count, Table& table, std::uint64_t to) const;

  /// Root only: whether the folder is there and was made with the same identity.
  bool is_there() const;

  /// Root only: removes the folder after the mock is complete.
  void remove() const;

 private:
  std::filesystem::path file_of(std::int64_t tile) const;
  std::filesystem::path folder_;
  Identity identity_;
  std::uint64_t identity_hash_;
};

}  // namespace halobrush::catalog
