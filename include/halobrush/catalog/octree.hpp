// The order of rows in which OpenCosmo finds those of a region: by the cells of an octree over the box, in z-order (x is the
// lowest bit), each cell's rows together. https://opencosmo.readthedocs.io, spatial queries; docs/formats.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "halobrush/catalog/table.hpp"

namespace halobrush::catalog {

/// How many rows of a tile lie in a cell; cells without any are left out.
struct CellRows {
  std::int64_t tile = 0, cell = 0;
  std::uint64_t rows = 0;
};

class Octree {
 public:
  /// Of a cubic box of this side in Mpc/h: as deep as cells of 128 of `rows` in the mean, or more, allow; 8^7 cells at most.
  Octree(double side, std::uint64_t rows);

  std::size_t cells() const { return std::size_t{1} << (3 * level_); }
  /// The cell of a position in the box, Mpc/h.
  std::int64_t cell_of(const Vec3& position) const;
  /// The rows (columns x, y, z) by cell; those of one cell stay in their order.
  Table sorted(const Table& rows) const;
  /// Of rows in that order.
  std::vector<CellRows> count(std::int64_t tile, const Table& sorted) const;

 private:
  std::vector<std::int64_t> cells_of(const Table& rows) const;
  double side_;
  int level_ = 0;
};

}  // namespace halobrush::catalog
