#include "halobrush/core/random.hpp"

#include <Random123/philox.h>

#include <cmath>
#include <numbers>

namespace halobrush {

RandomStream::RandomStream(std::uint64_t seed, std::int64_t id, Purpose purpose, std::uint32_t step)
    : counter_{static_cast<std::uint32_t>(id),
               static_cast<std::uint32_t>(static_cast<std::uint64_t>(id) >> 32), step,
               static_cast<std::uint32_t>(purpose) << 24},
      key_{static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)} {}

double RandomStream::uniform() {
  if (used_ == 4) {
    r123::Philox4x32 philox;
    const auto out = philox({{counter_[0], counter_[1], counter_[2], counter_[3]}}, {{key_[0], key_[1]}});
    for (int i = 0; i < 4; ++i) block_[i] = out[i];
    ++counter_[3];  // the draw number: the low 24 bits, below the purpose
    used_ = 0;
  }
  const std::uint64_t high = block_[used_], low = block_[used_ + 1];
  used_ += 2;
  const std::uint64_t bits = ((high << 32) | low) >> 12;
  return (static_cast<double>(bits) + 0.5) *
         0x1p-52;  // 52 bits, so that adding a half is exact and 1 is never reached
}

double RandomStream::normal() {
  if (has_spare_) {
    has_spare_ = false;
    return spare_normal_;
  }
  const double radius = std::sqrt(-2 * std::log(uniform()));
  const double angle = 2 * std::numbers::pi * uniform();
  spare_normal_ = radius * std::sin(angle);
  has_spare_ = true;
  return radius * std::cos(angle);
}

Vec3 RandomStream::normal3() {
  const double x = normal(), y = normal(), z = normal();
  return {x, y, z};
}

Vec3 RandomStream::unit_vector() {
  const double z = 2 * uniform() - 1, angle = 2 * std::numbers::pi * uniform();
  const double r = std::sqrt(1 - z * z);
  return {r * std::cos(angle), r * std::sin(angle), z};
}

}  // namespace halobrush
