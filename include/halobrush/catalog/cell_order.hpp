// The order of rows in which OpenCosmo finds those of a region: by cells of space, each cell's rows together, with an index of
// cells at several levels. https://opencosmo.readthedocs.io, spatial queries; docs/formats.md.
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

class CellOrder {
 public:
  virtual ~CellOrder() = default;
  virtual std::size_t cells() const = 0;
  /// The cell of a position, Mpc/h.
  virtual std::int64_t cell_of(const Vec3& position) const = 0;

  /// The rows (columns x, y, z) by cell; those of one cell stay in their order.
  Table sorted(const Table& rows) const;
  /// Of rows in that order.
  std::vector<CellRows> count(std::int64_t tile, const Table& sorted) const;
  /// [cells] rows of all tiles.
  std::vector<std::uint64_t> sizes(const std::vector<CellRows>& counts) const;

 private:
  std::vector<std::int64_t> cells_of(const Table& rows) const;
};

}  // namespace halobrush::catalog
