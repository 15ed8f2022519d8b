#include "h5_heap.hpp"

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <set>
#include <string_view>

#include "halobrush/core/error.hpp"

namespace halobrush::catalog::h5 {
namespace {

constexpr std::string_view signature("GCOL\1\0\0\0", 8);  // and the version
constexpr std::size_t header = 16;                         // of a collection, and of a text in it

std::uint64_t number_at(std::string_view bytes, std::size_t at, std::size_t size) {
  std::uint64_t value = 0;
  for (std::size_t i = size; i-- > 0;) value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
  return value;
}

// Whether texts follow each other within the collection; number 0 is the space that is left.
bool is_whole(std::string_view collection) {
  for (std::size_t at = header; at + header <= collection.size();) {
    const auto number = number_at(collection, at, 2), size = number_at(collection, at + 8, 8);
    const auto left = collection.size() - at;
    if (size > left) return false;
    if (number == 0) return true;
    const auto taken = header + (size + 7) / 8 * 8;
    if (taken > left) return false;
    at += taken;
  }
  return true;
}

void check_piece(std::string_view piece, const std::string& path) {
  for (auto at = piece.find(signature); at != piece.npos; at = piece.find(signature, at + 1)) {
    if (at + header > piece.size()) return;
    const auto size = number_at(piece, at + 8, 8);
    if (size > piece.size() - at) continue;  // goes on behind this piece, or is damaged itself: HDF5 sees that
    if (!is_whole(piece.substr(at, size)))
      throw data_error("{}: texts of its attributes reach beyond the place that the file has for them; the file is damaged, fetch or make it again", path);
  }
}

}  // namespace

void check_heaps(const std::string& path) {
  constexpr std::uint64_t most = 1 << 20;
  static std::set<std::string> checked;
  if (checked.contains(path)) return;
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  if (!file) return;
  const auto size = static_cast<std::uint64_t>(file.tellg());
  const auto check = [&](std::uint64_t begin, std::uint64_t length) {
    std::string piece(length, '\0');
    file.seekg(static_cast<std::streamoff>(begin));
    if (file.read(piece.data(), static_cast<std::streamsize>(length))) check_piece(piece, path);
  };
  check(0, std::min(size, most));
  if (size > most) check(std::max(size - most, most), size - std::max(size - most, most));
  checked.insert(path);
}

}  // namespace halobrush::catalog::h5
