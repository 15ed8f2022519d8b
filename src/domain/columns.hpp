// Shared by this module: vectors made of three columns, and the centres that decide where a group belongs.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "halobrush/catalog/table.hpp"
#include "halobrush/core/geometry.hpp"
#include "halobrush/mpi/communicator.hpp"

namespace halobrush::domain {

/// The columns prefix + x, y, z as vectors, looked up once.
class VectorColumns {
 public:
  VectorColumns(const catalog::Table& table, const std::string& prefix)
      : x_(table.reals(prefix + "x")), y_(table.reals(prefix + "y")), z_(table.reals(prefix + "z")) {}
  Vec3 operator[](std::size_t row) const { return {x_[row], y_[row], z_[row]}; }

 private:
  catalog::Reals x_, y_, z_;
};

/// @collective The position of each row's host, exactly as the host's own row has it: position minus
/// displacement would differ in the last bits and could put a group into two tiles.
std::vector<Vec3> host_centres(const catalog::Table& halos, const mpi::Communicator& comm);

}  // namespace halobrush::domain
