#include "halobrush/core/text.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <numeric>
#include <string_view>
#include <utility>
#include <vector>

namespace halobrush {
namespace {

int lower(char c) {
  return std::tolower(static_cast<unsigned char>(c));
}

// Of words, capital letters or not.
std::size_t edit_distance(const std::string& a, const std::string& b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = diagonal + (lower(a[i - 1]) != lower(b[j - 1]));
      diagonal = row[j];
      row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row.back();
}

bool is_control(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}

// Bytes of the character that begins at `at` in UTF-8; 0: none does.
std::size_t character_at(const std::string& text, std::size_t at) {
  const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0; };
  const int first = byte(at);
  const std::size_t length = first < 0x80 ? 1 : first >= 0xc2 && first < 0xe0 ? 2 : first >= 0xe0 && first < 0xf0 ? 3 : first >= 0xf0 && first < 0xf5 ? 4 : 0;
  for (std::size_t i = 1; i < length; ++i)
    if ((byte(at + i) & 0xc0) != 0x80) return 0;
  return length;
}

std::string in_utf8(std::string text) {
  for (std::size_t at = 0; at < text.size();) {
    const auto length = character_at(text, at);
    if (length == 0) text[at] = '?';
    at += std::max<std::size_t>(length, 1);
  }
  return text;
}

// Byte-order marks, blanks of no width, and what turns the direction of writing (UTF-8).
std::string without_format_characters(std::string text) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 4> ranges = {
      {{"\u200b", "\u200f"}, {"\u202a", "\u202e"}, {"\u2060", "\u2064"}, {"\ufeff", "\ufeff"}}};
  for (std::size_t i = 0; i + 3 <= text.size(); ++i) {
    const std::string_view three(text.data() + i, 3);
    if (std::ranges::none_of(ranges, [&](const auto& range) { return range.first <= three && three <= range.second; })) continue;
    text[i] = '?';
    text.erase(i + 1, 2);
  }
  return text;
}

}  // namespace

std::string nearest_hint(const std::string& name, std::span<const std::string> known) {
  const std::string* best = nullptr;
  const auto word = name.size() - (name.rfind('/') + 1);  // the last of a path
  std::size_t best_distance = std::max<std::size_t>(2, word / 2) + 1;
  for (const auto& candidate : known)
    if (const auto d = edit_distance(name, candidate); d < best_distance) {
      best_distance = d;
      best = &candidate;
    }
  return best ? " (nearest known: '" + *best + "')" : "";
}

std::string printable(std::string text) {
  std::ranges::replace_if(text, is_control, '?');
  return without_format_characters(in_utf8(std::move(text)));
}

std::string printable_lines(std::string text) {
  std::ranges::replace_if(text, [](char c) { return is_control(c) && c != '\n'; }, '?');
  return without_format_characters(in_utf8(std::move(text)));
}

}  // namespace halobrush
