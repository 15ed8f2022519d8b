#include "halobrush/core/hash.hpp"

#include <openssl/evp.h>
#include <xxhash.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <memory>
#include <vector>

#include "halobrush/core/error.hpp"

namespace halobrush {
namespace {

class Sha256 {
 public:
  Sha256() : context_(EVP_MD_CTX_new(), &EVP_MD_CTX_free) {
    EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr);
  }
  void update(const void* data, std::size_t size) { EVP_DigestUpdate(context_.get(), data, size); }
  std::string hex() {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned int size = 0;
    EVP_DigestFinal_ex(context_.get(), digest.data(), &size);
    std::string text;
    for (unsigned int i = 0; i < size; ++i) text += fmt::format("{:02x}", digest[i]);
    return text;
  }

 private:
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context_;
};

}  // namespace

std::uint64_t xxh3(std::span<const std::byte> bytes) {
  return XXH3_64bits(bytes.data(), bytes.size());
}

std::string sha256_hex(std::span<const std::byte> bytes) {
  Sha256 sha;
  sha.update(bytes.data(), bytes.size());
  return sha.hex();
}

std::string sha256_hex_of_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw io_error("{}: cannot be opened ({}); check the path", path.string(), std::strerror(errno));
  Sha256 sha;
  std::vector<char> buffer(1 << 20);
  while (file.read(buffer.data(), static_cast<std::streamsize>(buffer.size())) || file.gcount() > 0)
    sha.update(buffer.data(), static_cast<std::size_t>(file.gcount()));
  return sha.hex();
}

std::string sha256_hex_of_part(const std::filesystem::path& path, std::uint64_t begin, std::uint64_t bytes) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw io_error("{}: cannot be opened ({}); check the path", path.string(), std::strerror(errno));
  file.seekg(static_cast<std::streamoff>(begin));
  Sha256 sha;
  std::vector<char> buffer(1 << 20);
  while (bytes > 0) {
    file.read(buffer.data(), static_cast<std::streamsize>(std::min<std::uint64_t>(bytes, buffer.size())));
    if (file.gcount() == 0)
      throw io_error("{}: ends {} bytes too early (it became shorter, or the disk fails); check the file", path.string(), bytes);
    sha.update(buffer.data(), static_cast<std::size_t>(file.gcount()));
    bytes -= static_cast<std::uint64_t>(file.gcount());
  }
  return sha.hex();
}

}  // namespace halobrush
