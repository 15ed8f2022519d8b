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

 private:
  int level_;
};

}  // namespace halobrush::catalog
