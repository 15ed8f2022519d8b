#include "asdf.hpp"

#include <openssl/evp.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <limits>
#include <memory>
#include <span>
#include <string_view>

#include "blosc_buffer.hpp"
#include "halobrush/core/error.hpp"
#include "halobrush/core/text.hpp"

namespace halobrush::catalog {
namespace {

constexpr std::uint64_t largest_text = 64 << 20, largest_piece = std::uint64_t{1} << 31, plain_piece = 1 << 20;

Error damaged_asdf(const std::string& path, const std::string& why) {
  return data_error("{}: the ASDF file is damaged ({}); copy the file again", path, why);
}

std::ifstream open_asdf(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  if (!stream) throw io_error("{}: cannot be opened ({}); check the path", path, std::strerror(errno));
  return stream;
}

// Up to and with the line "..." that ends it.
std::string yaml_text(const std::string& path, std::ifstream& stream) {
  std::string text;
  for (std::string line; std::getline(stream, line);) {
    text += line + '\n';
    if (line == "..." || line == "...\r") return text;
    if (text.size() > largest_text) break;
  }
  throw damaged_asdf(path, "its text in YAML does not end");
}

YAML::Node tree_of(const std::string& path, const std::string& text) {
  try {
    return YAML::Load(text);
  } catch (const YAML::Exception& error) {
    throw damaged_asdf(path, fmt::format("its text is no YAML: {}", printable(error.what())));
  }
}

template <class T>
T big_endian_at(std::span<const char> bytes, std::size_t at) {
  T value = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i)
    value = static_cast<T>((value << 8) | static_cast<unsigned char>(bytes[at + i]));
  return value;
}

// Blocks stand one behind the other; what follows them, an index, is not needed.
std::vector<AsdfBlock> blocks_in(const std::string& path, std::ifstream& stream) {
  constexpr std::size_t preamble = 6, needed = 48;
  const std::uint64_t file_bytes = std::filesystem::file_size(path);
  std::vector<AsdfBlock> blocks;
  const auto end_of_text = stream.tellg();
  for (std::uint64_t at = end_of_text < 0 ? file_bytes : static_cast<std::uint64_t>(end_of_text);
       file_bytes - at >= preamble + needed;) {
    std::array<char, preamble + needed> head{};
    stream.seekg(static_cast<std::streamoff>(at));
    if (!stream.read(head.data(), head.size())) throw io_error("{}: cannot be read; check the file", path);
    if (std::string_view(head.data(), 4) !=
        "\xd3"
        "BLK")
      break;
    const auto fields = std::span<const char>(head).subspan(preamble);
    const std::uint64_t size = big_endian_at<std::uint16_t>(head, 4), start = at + preamble + size;
    const auto flags = big_endian_at<std::uint32_t>(fields, 0);
    const auto allocated = big_endian_at<std::uint64_t>(fields, 8);
    AsdfBlock block{
        start, big_endian_at<std::uint64_t>(fields, 16), big_endian_at<std::uint64_t>(fields, 24), false, {}};
    const std::string_view compression(fields.data() + 4, 4);
    block.blosc = compression == "blsc";
    std::memcpy(block.md5.data(), fields.data() + 32, block.md5.size());
    if (flags != 0)
      throw data_error("{}: block {} is a stream without an end; write it as a block", path, blocks.size());
    if (!block.blosc && compression != std::string_view("\0\0\0\0", 4))
      throw data_error("{}: block {} is compressed by '{}' (blsc is read); write it with that, or with none", path,
                       blocks.size(), compression);
    if (size < needed || start > file_bytes || allocated > file_bytes - start || block.bytes > allocated)
      throw damaged_asdf(path, fmt::format("block {} would have {} bytes from byte {} on, the file has {}",
                                           blocks.size(), allocated, start, file_bytes));
    if (!block.blosc && block.inflated_bytes != block.bytes)
      throw damaged_asdf(
          path, fmt::format("block {} has {} bytes, {} of numbers", blocks.size(), block.bytes, block.inflated_bytes));
    blocks.push_back(block);
    at = start + allocated;
  }
  return blocks;
}

AsdfColumn column_of(const YAML::Node& node) {
  AsdfColumn column{node["datatype"].as<std::string>(), node["shape"].as<std::vector<std::uint64_t>>(),
                    node["byteorder"].as<std::string>() == "big", node["source"].as<std::size_t>()};
  if (column.shape.empty() || column.shape.size() > 2)
    throw YAML::Exception(YAML::Mark::null_mark(), "its shape is no list of rows");
  return column;
}

void check_size(const AsdfFile& file, const std::string& name, const AsdfColumn& column) {
  if (column.block >= file.blocks.size())
    throw damaged_asdf(file.path, fmt::format("column '{}' is in block {}, but there are {}: the file was cut short",
                                              name, column.block, file.blocks.size()));
  const auto size = column.number_bytes(), held = file.blocks[column.block].inflated_bytes;
  const auto row_bytes = column.width() > held ? 0 : column.width() * size;
  const bool unknown = size == 0, none = column.rows() == 0 && held == 0;
  if (!unknown && !none && (row_bytes == 0 || held % row_bytes != 0 || held / row_bytes != column.rows()))
    throw damaged_asdf(file.path, fmt::format("column '{}' has {} rows of {} numbers, its block {} bytes", name,
                                              column.rows(), column.width(), held));
}

struct EndDigest {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};

class Md5 {
 public:
  Md5() : context_(EVP_MD_CTX_new()) {
    if (!context_ || EVP_DigestInit_ex(context_.get(), EVP_md5(), nullptr) != 1)
      throw internal_error("OpenSSL has no MD5");
  }
  void add(const std::vector<char>& bytes) { EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()); }
  std::array<unsigned char, 16> value() {
    std::array<unsigned char, 16> digest{};
    EVP_DigestFinal_ex(context_.get(), digest.data(), nullptr);
    return digest;
  }

 private:
  std::unique_ptr<EVP_MD_CTX, EndDigest> context_;
};

template <class Stored, class T>
void convert(const std::vector<char>& bytes, bool big_endian, std::vector<T>& values) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    std::array<char, sizeof(Stored)> own{};
    std::memcpy(own.data(), bytes.data() + i * sizeof(Stored), sizeof(Stored));
    if (big_endian != (std::endian::native == std::endian::big)) std::ranges::reverse(own);
    values[i] = static_cast<T>(std::bit_cast<Stored>(own));
  }
}

}  // namespace

std::uint64_t AsdfColumn::number_bytes() const {
  static const std::map<std::string, std::uint64_t> sizes = {{"int8", 1},    {"uint8", 1},  {"int16", 2}, {"uint16", 2},
                                                             {"int32", 4},   {"uint32", 4}, {"int64", 8}, {"uint64", 8},
                                                             {"float32", 4}, {"float64", 8}};
  const auto found = sizes.find(type);
  return found == sizes.end() ? 0 : found->second;
}

bool is_asdf(const std::array<char, 9>& start) {
  return std::string_view(start.data(), 6) == "#ASDF ";
}

AsdfFile read_asdf(const std::string& path) {
  auto stream = open_asdf(path);
  const auto tree = tree_of(path, yaml_text(path, stream));
  AsdfFile file{path, {}, {}, blocks_in(path, stream)};
  try {
    if (const auto header = tree["header"])
      for (const auto& entry : header)
        if (entry.second.IsScalar()) file.header[entry.first.as<std::string>()] = entry.second.as<std::string>();
    if (const auto data = tree["data"])
      for (const auto& entry : data)
        if (entry.second.IsMap() && entry.second["source"])
          file.columns[entry.first.as<std::string>()] = column_of(entry.second);
  } catch (const YAML::Exception& error) {
    throw data_error(
        "{}: what the ASDF file says of its arrays is not understood ({}); give a file as AbacusSummit writes them",
        path, printable(error.what()));
  }
  for (const auto& [name, column] : file.columns) check_size(file, name, column);
  return file;
}

AsdfReader::AsdfReader(const AsdfFile& file, const std::string& column)
    : file_(file), name_(column), stream_(open_asdf(file.path)) {
  const auto found = file.columns.find(column);
  if (found == file.columns.end()) throw data_error("{}: no column '{}'; give a file that has it", file.path, column);
  column_ = found->second;
  block_ = file.blocks[column_.block];
  if (column_.number_bytes() == 0)
    throw data_error("{}: column '{}' has the type {}, which is not read; write it as another", file.path, column,
                     column_.type);
  begin();
}

void AsdfReader::fail(const char* why) const {
  throw data_error("{}: column '{}' is damaged ({}); copy the file again", file_.path, name_, why);
}

void AsdfReader::begin() {
  stream_.clear();
  stream_.seekg(static_cast<std::streamoff>(block_.start));
  stored_left_ = block_.bytes;
  inflated_left_ = block_.inflated_bytes;
  buffer_.clear();
}

// A compressed piece has its length before it.
std::vector<char> AsdfReader::next_piece() {
  const auto stored = [&](std::uint64_t bytes) {
    if (bytes > stored_left_) fail("a compressed piece ends beyond its block");
    std::vector<char> piece(bytes);
    if (!stream_.read(piece.data(), static_cast<std::streamsize>(bytes)))
      throw io_error("{}: cannot be read to its end; check the file", file_.path);
    stored_left_ -= bytes;
    return piece;
  };
  if (stored_left_ == 0 || inflated_left_ == 0) fail("it ends before its last row");
  std::vector<char> piece;
  if (block_.blosc) {
    const auto packed = stored(big_endian_at<std::uint32_t>(stored(4), 0));
    const auto bytes = blosc_bytes(packed);
    if (!bytes || *bytes == 0 || *bytes > std::min(inflated_left_, largest_piece))
      fail("a compressed piece has no sound header");
    auto inflated = blosc_inflate(packed, *bytes);
    if (!inflated) fail("BLOSC cannot inflate it");
    piece = std::move(*inflated);
  } else {
    piece = stored(std::min(plain_piece, stored_left_));
  }
  inflated_left_ -= piece.size();
  return piece;
}

void AsdfReader::check() {
  begin();
  Md5 digest;
  while (inflated_left_ > 0) digest.add(next_piece());
  if (stored_left_ > 0) fail("its block is longer than its rows");
  if (block_.md5 != std::array<unsigned char, 16>{} && digest.value() != block_.md5)
    fail("its checksum, MD5, is another");
  begin();
}

const std::vector<char>& AsdfReader::fill(std::uint64_t bytes) {
  while (buffer_.size() < bytes) {
    const auto piece = next_piece();
    buffer_.insert(buffer_.end(), piece.begin(), piece.end());
  }
  return buffer_;
}

template <class T>
std::vector<T> AsdfReader::next(std::uint64_t rows) {
  std::vector<T> values(rows * column_.width());
  const auto bytes = values.size() * column_.number_bytes();
  const auto& from = fill(bytes);
  const auto as = [&]<class Stored>(const char* type, Stored) {
    if (column_.type == type) convert<Stored>(from, column_.big_endian, values);
  };
  as("int8", std::int8_t{}), as("uint8", std::uint8_t{}), as("int16", std::int16_t{}), as("uint16", std::uint16_t{});
  as("int32", std::int32_t{}), as("uint32", std::uint32_t{}), as("int64", std::int64_t{}),
      as("uint64", std::uint64_t{});
  as("float32", float{}), as("float64", double{});
  buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(bytes));
  return values;
}

template std::vector<float> AsdfReader::next(std::uint64_t rows);
template std::vector<double> AsdfReader::next(std::uint64_t rows);
template std::vector<std::int64_t> AsdfReader::next(std::uint64_t rows);
template std::vector<std::uint64_t> AsdfReader::next(std::uint64_t rows);

}  // namespace halobrush::catalog
