// Lines of a plain or gzip-compressed text file, read as a stream: memory does not grow with the file.
#pragma once

#include <zlib.h>

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace halobrush::catalog {

class TextFile {
 public:
  /// Throws io_error when the file cannot be opened.
  explicit TextFile(const std::string& path);

  /// The next line without its end, valid until the next call; nothing at the end. Throws io_error
  /// (unreadable) and data_error (a gzip stream that is damaged or cut off).
  std::optional<std::string_view> next_line();

  /// Where the next line begins, in bytes of (uncompressed) text.
  std::uint64_t offset() const { return buffer_offset_ + begin_; }

  /// Goes on at the first line that begins at or after `offset`; gzip is inflated up to there.
  void seek_line(std::uint64_t offset);

  /// The next lines with their ends, about `bytes` of them, and none that begins at or after `end`; empty where there
  /// are no more. Valid until the next call. Throws as next_line.
  std::string_view next_lines(std::size_t bytes, std::uint64_t end = std::numeric_limits<std::uint64_t>::max());

  bool compressed();

  /// Share of the file that lies behind offset(), 0 to 1; for gzip an estimate.
  double fraction_read() const;

 private:
  bool fill();
  [[noreturn]] void fail() const;
  void seek(std::uint64_t offset);

  struct Close {
    void operator()(gzFile file) const { gzclose_r(file); }
  };
  std::string path_;
  std::unique_ptr<gzFile_s, Close> file_;
  std::vector<char> buffer_;
  std::size_t begin_ = 0, end_ = 0;
  std::uint64_t buffer_offset_ = 0;
};

/// Calls `take` with every line of some lines, without its end, until it returns false.
template <class Take>
void for_each_line(std::string_view lines, Take&& take) {
  while (!lines.empty()) {
    const auto newline = lines.find('\n');
    auto line = lines.substr(0, newline);
    lines.remove_prefix(newline == std::string_view::npos ? lines.size() : newline + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (!take(line)) return;
  }
}

}  // namespace halobrush::catalog
