#include "text_file.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "halobrush/core/error.hpp"

namespace halobrush::catalog {
namespace {
constexpr std::size_t buffer_bytes = std::size_t{1} << 20;
}

TextFile::TextFile(const std::string& path)
    : path_(path), file_(gzopen(path.c_str(), "rb")), buffer_(buffer_bytes) {
  if (!file_) throw io_error("{}: cannot be opened ({}); check the path", path, std::strerror(errno));
  gzbuffer(file_.get(), buffer_bytes / 8);  // small enough that zlib inflates straight into ours
}

std::optional<std::string_view> TextFile::next_line() {
  for (std::size_t searched = 0;;) {
    const std::string_view rest(buffer_.data() + begin_, end_ - begin_);
    const auto newline = rest.find('\n', searched);
    if (newline == std::string_view::npos) {
      searched = rest.size();
      if (fill()) continue;
      if (rest.empty()) return std::nullopt;
    }
    auto line = std::string_view(buffer_.data() + begin_, end_ - begin_).substr(0, newline);
    const bool first = buffer_offset_ + begin_ == 0;
    begin_ = std::min(begin_ + line.size() + 1, end_);
    if (first && line.starts_with("\xef\xbb\xbf")) line.remove_prefix(3);  // a byte-order mark
    if (line.ends_with('\r')) line.remove_suffix(1);
    return line;
  }
}

bool TextFile::fill() {
  std::copy(buffer_.begin() + static_cast<std::ptrdiff_t>(begin_),
            buffer_.begin() + static_cast<std::ptrdiff_t>(end_), buffer_.begin());
  buffer_offset_ += begin_;
  end_ -= begin_;
  begin_ = 0;
  if (end_ == buffer_.size()) buffer_.resize(2 * buffer_.size());
  const int got = gzread(file_.get(), buffer_.data() + end_, static_cast<unsigned>(buffer_.size() - end_));
  int code = Z_OK;
  gzerror(file_.get(), &code);
  if (got < 0 || (code != Z_OK && code != Z_STREAM_END)) fail();
  end_ += static_cast<std::size_t>(got);
  return got > 0;
}

void TextFile::fail() const {
  int code = Z_OK;
  const std::string text = gzerror(file_.get(), &code);
  if (code == Z_BUF_ERROR)
    throw data_error(
        "{}: the gzip stream is truncated (the file ends before the stream does); copy the file again", path_);
  if (code == Z_ERRNO) throw io_error("{}: cannot be read ({}); check the path", path_, std::strerror(errno));
  throw data_error("{}: the gzip stream is damaged ({}); copy the file again", path_, text);
}

void TextFile::seek(std::uint64_t offset) {
  if (gzseek(file_.get(), static_cast<z_off_t>(offset), SEEK_SET) < 0) fail();
  begin_ = end_ = 0;
  buffer_offset_ = offset;
}

void TextFile::seek_line(std::uint64_t offset) {
  seek(offset == 0 ? 0 : offset - 1);
  if (offset != 0) next_line();
}

// Up to the end of the line in which the last of the bytes lies.
std::string_view TextFile::next_lines(std::size_t bytes, std::uint64_t end) {
  const auto want = static_cast<std::size_t>(std::min<std::uint64_t>(bytes, end - std::min(end, offset())));
  if (want == 0) return {};
  for (std::size_t searched = want - 1;;) {
    const std::string_view rest(buffer_.data() + begin_, end_ - begin_);
    const auto newline = rest.size() < want ? std::string_view::npos : rest.find('\n', searched);
    if (newline == std::string_view::npos) {
      searched = std::max(searched, rest.size());
      if (fill()) continue;
    }
    const auto lines = std::string_view(buffer_.data() + begin_, end_ - begin_).substr(0, newline == std::string_view::npos ? newline : newline + 1);
    begin_ += lines.size();
    return lines;
  }
}

bool TextFile::compressed() {
  return gzdirect(file_.get()) == 0;
}

double TextFile::fraction_read() const {
  const auto size = static_cast<double>(std::filesystem::file_size(path_));
  const auto inflated = static_cast<double>(buffer_offset_ + end_);
  if (size == 0 || inflated == 0) return 1;
  return static_cast<double>(gzoffset(file_.get())) / size * static_cast<double>(offset()) / inflated;
}

}  // namespace halobrush::catalog
