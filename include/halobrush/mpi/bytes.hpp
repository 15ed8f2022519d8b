// Values as bytes and back, for messages between processes of one program.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "halobrush/core/error.hpp"
#include "halobrush/mpi/communicator.hpp"

namespace halobrush::mpi {

using Bytes = std::vector<std::byte>;

/// Appends arrays to a message, each behind its length.
class Packer {
 public:
  template <Plain T>
  Packer& put(std::span<const T> values) {
    const std::uint64_t count = values.size();
    append(std::as_bytes(std::span(&count, 1)));
    append(std::as_bytes(values));
    return *this;
  }
  template <Plain T>
  Packer& put(const T& value) {
    return put(std::span<const T>(&value, 1));
  }
  Bytes take() { return std::move(bytes_); }

 private:
  void append(std::span<const std::byte> more) { bytes_.insert(bytes_.end(), more.begin(), more.end()); }
  Bytes bytes_;
};

/// Takes them out again, in the same order.
class Unpacker {
 public:
  explicit Unpacker(std::span<const std::byte> bytes) : rest_(bytes) {}

  template <Plain T>
  std::vector<T> take() {
    std::uint64_t count = 0;
    copy(&count, sizeof count);
    if (count > rest_.size() / sizeof(T)) throw internal_error("a message is shorter than it says");
    std::vector<T> values(count);
    copy(values.data(), count * sizeof(T));
    return values;
  }
  template <Plain T>
  T take_one() {
    return take<T>().at(0);
  }

 private:
  void copy(void* target, std::size_t bytes) {
    if (bytes > rest_.size()) throw internal_error("a message is shorter than it says");
    if (bytes > 0) std::memcpy(target, rest_.data(), bytes);
    rest_ = rest_.subspan(bytes);
  }
  std::span<const std::byte> rest_;
};

}  // namespace halobrush::mpi
