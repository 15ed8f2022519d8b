// Cells of a light cone: nested pixels of HEALPix (Gorski et al. 2005, doi:10.1086/427976) about the observer at the origin.
#pragma once

#include "halobrush/catalog/cell_order.hpp"

namespace halobrush::catalog {

class SkyPixels : public CellOrder {
 public:
  /// 12 x 4^level pixels; 6: 0.84 square degrees each.
  explicit SkyPixels(int level) : level_(level) {}

  std::size_t cells() const override { return std::size_t{12} << (2 * level_); }
  std::int64_t cell_of(const Vec3& position) const override;

  /// Towards the middle of a pixel, unit length.
  Vec3 direction_of(std::int64_t cell) const;
  /// Its number in HEALPix's other order, by which DESC names files.
  std::int64_t ring_number(std::int64_t cell) const;

 private:
  int level_;
};

}  // namespace halobrush::catalog
