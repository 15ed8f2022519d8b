// Buffers compressed by Blosc (c-blosc 1), as GenericIO and ASDF files hold them.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace halobrush::catalog {

/// Bytes of the buffer inflated, by its header; nothing where this is no buffer of c-blosc 1.
std::optional<std::uint64_t> blosc_bytes(std::span<const char> buffer);

/// The bytes that were compressed; nothing where the buffer is damaged or does not inflate to `bytes`.
std::optional<std::vector<char>> blosc_inflate(std::span<const char> buffer, std::uint64_t bytes);

}  // namespace halobrush::catalog
