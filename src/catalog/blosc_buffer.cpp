#include "blosc_buffer.hpp"

#include <blosc.h>

namespace halobrush::catalog {

std::optional<std::uint64_t> blosc_bytes(std::span<const char> buffer) {
  std::size_t inflated = 0;
  if (buffer.size() < BLOSC_MIN_HEADER_LENGTH || blosc_cbuffer_validate(buffer.data(), buffer.size(), &inflated) < 0)
    return std::nullopt;
  return inflated;
}

std::optional<std::vector<char>> blosc_inflate(std::span<const char> buffer, std::uint64_t bytes) {
  if (blosc_bytes(buffer) != bytes) return std::nullopt;
  std::vector<char> inflated(bytes);
  constexpr int threads = 1;
  if (bytes > 0 && blosc_decompress_ctx(buffer.data(), inflated.data(), bytes, threads) != static_cast<int>(bytes))
    return std::nullopt;
  return inflated;
}

}  // namespace halobrush::catalog
