// How rows and bytes are divided among ranks.
#pragma once

#include <cstdint>
#include <vector>

namespace halobrush::catalog {

/// The part [begin, end) of rows, or of bytes of text.
struct Share {
  std::uint64_t begin = 0, end = 0;
  std::uint64_t size() const { return end - begin; }
};

inline Share share_of(Share all, int rank, int ranks) {
  const auto n = static_cast<std::uint64_t>(ranks), r = static_cast<std::uint64_t>(rank);
  // Not size * r / n, which could overflow.
  const auto cut = [&](std::uint64_t i) { return all.begin + all.size() / n * i + all.size() % n * i / n; };
  return {cut(r), cut(r + 1)};
}

/// Ranks [begin, end).
struct Ranks {
  int begin = 0, end = 0;
  int size() const { return end - begin; }
};

/// The ranks that read each of some files, in order, by their sizes: one rank for every file where there are enough files,
/// else one rank at least, and each rank for one file.
std::vector<Ranks> deal(const std::vector<std::uint64_t>& sizes, int ranks);

}  // namespace halobrush::catalog
