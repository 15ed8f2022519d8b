// Cells of a snapshot: an octree over its cubic box, in z-order (x is the lowest bit).
#pragma once

#include "halobrush/catalog/cell_order.hpp"

namespace halobrush::catalog {

class Octree : public CellOrder {
 public:
  /// Of a cubic box of this side in Mpc/h: as deep as cells of 128 of `rows` in the mean, or more, allow; 8^7 cells at most.
  Octree(double side, std::uint64_t rows);

  std::size_t cells() const override { return std::size_t{1} << (3 * level_); }
  std::int64_t cell_of(const Vec3& position) const override;

 private:
  double side_;
  int level_ = 0;
};

}  // namespace halobrush::catalog
