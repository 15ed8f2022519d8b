#include "halobrush/safetensors/safetensors.hpp"

#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <span>

#include "halobrush/core/error.hpp"
#include "halobrush/core/files.hpp"
#include "halobrush/core/hash.hpp"

namespace halobrush::safetensors {

using nlohmann::ordered_json;

namespace {

std::vector<char> read_bytes(const std::string& path) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  if (!file || std::filesystem::is_directory(path))
    throw std::runtime_error("it cannot be read: no such file, or no permission");
  std::vector<char> bytes(static_cast<std::size_t>(file.tellg()));
  file.seekg(0);
  file.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  return bytes;
}

NamedTensor tensor_from(const std::string& name, const ordered_json& entry, std::span<const char> data) {
  if (entry.at("dtype") != "F32") throw std::runtime_error(fmt::format("tensor '{}' is not F32", name));
  NamedTensor tensor{name, entry.at("shape").get<std::vector<std::int64_t>>(), {}};
  const std::size_t begin = entry.at("data_offsets").at(0), end = entry.at("data_offsets").at(1);
  std::size_t count = 1;
  for (const auto n : tensor.shape) {
    if (n < 0) throw std::runtime_error(fmt::format("tensor '{}' has a negative size", name));
    count *= static_cast<std::size_t>(n);
  }
  if (begin > end || end > data.size() || end - begin != count * sizeof(float))
    throw std::runtime_error(fmt::format("tensor '{}' lies outside the file (truncated?)", name));
  tensor.values.resize(count);
  std::memcpy(tensor.values.data(), data.data() + begin, end - begin);
  for (const float v : tensor.values)
    if (!std::isfinite(v)) throw std::runtime_error(fmt::format("tensor '{}' is not finite", name));
  return tensor;
}

}  // namespace

File read(const std::string& path) {
  const auto bytes = read_bytes(path);
  File file;
  file.sha256 = sha256_hex(std::as_bytes(std::span(bytes)));
  std::uint64_t header_size = 0;
  if (bytes.size() < sizeof header_size) throw std::runtime_error("it is shorter than a safetensors header");
  std::memcpy(&header_size, bytes.data(), sizeof header_size);
  if (header_size > bytes.size() - sizeof header_size)
    throw std::runtime_error("it is truncated, or no safetensors file");
  const auto header =
      ordered_json::parse(bytes.data() + sizeof header_size, bytes.data() + sizeof header_size + header_size);
  file.metadata = header.at("__metadata__").at("halobrush").get<std::string>();
  const auto data = std::span(bytes).subspan(sizeof header_size + header_size);
  for (const auto& [name, entry] : header.items())
    if (name != "__metadata__") file.tensors.push_back(tensor_from(name, entry, data));
  return file;
}

void write(const std::string& path, const std::string& metadata, const std::vector<NamedTensor>& tensors) {
  ordered_json header;
  header["__metadata__"] = {{"halobrush", metadata}};
  std::size_t offset = 0;
  for (const auto& tensor : tensors) {
    const std::size_t bytes = tensor.values.size() * sizeof(float);
    header[tensor.name] = {
        {"dtype", "F32"}, {"shape", tensor.shape}, {"data_offsets", {offset, offset + bytes}}};
    offset += bytes;
  }
  std::string text = header.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');  // safetensors aligns its data to eight bytes
  const std::uint64_t size = text.size();
  const auto target = behind_links(path);
  const std::string partial = target.string() + ".partial";
  {
    std::ofstream file(partial, std::ios::binary);
    file.write(reinterpret_cast<const char*>(&size), sizeof size);
    file.write(text.data(), static_cast<std::streamsize>(text.size()));
    for (const auto& tensor : tensors)
      file.write(reinterpret_cast<const char*>(tensor.values.data()),
                 static_cast<std::streamsize>(tensor.values.size() * sizeof(float)));
    file.flush();
    if (!file)
      throw io_error("{}: cannot be written (no permission, or disk full); choose another path", partial);
  }
  publish(partial, target);
}

}  // namespace halobrush::safetensors
