// Safetensors files: named float tensors and one text of metadata (huggingface/safetensors, format 0.x). They
// cannot run code; Python opens them with the `safetensors` package.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace halobrush::safetensors {

struct NamedTensor {
  std::string name;
  std::vector<std::int64_t> shape;
  std::vector<float> values;
};

struct File {
  std::string metadata;  ///< the entry "halobrush" of __metadata__: JSON
  std::vector<NamedTensor> tensors;
  std::string sha256;  ///< of the whole file, set on reading
};

/// Throws std::runtime_error that says what is wrong: no such file, truncated, no safetensors file, a tensor
/// out of bounds, not finite, not F32. What the file is for, and what to do, is the caller's to add.
File read(const std::string& path);
/// Writes to a temporary name and renames. Throws io_error.
void write(const std::string& path, const std::string& metadata, const std::vector<NamedTensor>& tensors);

}  // namespace halobrush::safetensors
