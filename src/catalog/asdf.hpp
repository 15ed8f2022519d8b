// Tables in ASDF files (Greenfield, Droettboom & Bray 2015, doi:10.1016/j.ascom.2015.06.004): a text in YAML and a
// block of bytes for each column, plain or in pieces compressed by Blosc, as AbacusSummit writes them ("blsc").
#pragma once

#include <array>
#include <cstdint>
#include <fstream>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace halobrush::catalog {

struct AsdfColumn {
  std::string type;                  ///< float32, int16, uint64, ...
  std::vector<std::uint64_t> shape;  ///< [rows] or [rows, numbers a row]
  bool big_endian = false;
  std::size_t block = 0;

  std::uint64_t rows() const { return shape.front(); }
  std::uint64_t width() const { return shape.size() > 1 ? shape[1] : 1; }
  std::uint64_t number_bytes() const;  ///< 0: no type that is known here
};

struct AsdfBlock {
  std::uint64_t start = 0, bytes = 0, inflated_bytes = 0;
  bool blosc = false;
  std::array<unsigned char, 16> md5{};  ///< of the bytes inflated; 0: not said
};

/// What an ASDF file says before its blocks; all of it was found to fit the file.
struct AsdfFile {
  std::string path;
  std::map<std::string, std::string> header;  ///< single values under `header`
  std::map<std::string, AsdfColumn> columns;  ///< arrays under `data`
  std::vector<AsdfBlock> blocks;
};

/// Whether a file begins as one does.
bool is_asdf(const std::array<char, 9>& start);

/// Throws io_error (unreadable) and data_error: no text in YAML, blocks that are cut short or overlap, arrays without
/// their block or of another size than it.
AsdfFile read_asdf(const std::string& path);

/// The bytes of a column from its first on, a piece at a time.
class AsdfReader {
 public:
  /// Throws data_error where there is no such column, or its type is not known here.
  AsdfReader(const AsdfFile& file, const std::string& column);

  /// Reads all of it once: throws data_error for bytes that are damaged. Begins anew.
  void check();

  /// The numbers of the next rows [rows, width], converted. Throws data_error (damaged), io_error.
  template <class T>
  std::vector<T> next(std::uint64_t rows);

 private:
  void begin();
  const std::vector<char>& fill(std::uint64_t bytes);
  std::vector<char> next_piece();
  [[noreturn]] void fail(const char* why) const;

  const AsdfFile& file_;
  std::string name_;
  AsdfColumn column_;
  AsdfBlock block_;
  std::ifstream stream_;
  std::uint64_t stored_left_ = 0, inflated_left_ = 0;
  std::vector<char> buffer_;
};

}  // namespace halobrush::catalog
