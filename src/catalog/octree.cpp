#include "halobrush/catalog/octree.hpp"

#include <algorithm>
#include <cmath>

namespace halobrush::catalog {

Octree::Octree(double side, std::uint64_t rows) : side_(side) {
  constexpr std::uint64_t rows_per_cell = 128;
  constexpr int deepest = 7;  // 2 million cells
  while (level_ < deepest && rows >= rows_per_cell << (3 * (level_ + 1))) ++level_;
}

std::int64_t Octree::cell_of(const Vec3& position) const {
  const auto slices = std::int64_t{1} << level_;
  std::int64_t cell = 0;
  for (int axis = 0; axis < 3; ++axis) {
    const auto slice = std::clamp<std::int64_t>(static_cast<std::int64_t>(std::floor(position[axis] / (side_ / static_cast<double>(slices)))), 0, slices - 1);
    for (int bit = 0; bit < level_; ++bit) cell |= (slice >> bit & 1) << (3 * bit + axis);
  }
  return cell;
}

}  // namespace halobrush::catalog
