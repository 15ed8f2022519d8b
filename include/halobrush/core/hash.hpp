// Checksums: XXH3-64 for speed (staged tiles, columns), SHA-256 for identity (models, inputs).
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

namespace halobrush {

std::uint64_t xxh3(std::span<const std::byte> bytes);
std::string sha256_hex(std::span<const std::byte> bytes);
/// Throws io_error when the file cannot be read.
std::string sha256_hex_of_file(const std::filesystem::path& path);
/// Of some of its bytes. Throws io_error, also where the file ends before them.
std::string sha256_hex_of_part(const std::filesystem::path& path, std::uint64_t begin, std::uint64_t bytes);

}  // namespace halobrush
