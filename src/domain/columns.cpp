#include "columns.hpp"

#include "halobrush/core/error.hpp"
#include "halobrush/mpi/directory.hpp"
#include "halobrush/mpi/agree.hpp"

namespace halobrush::domain {
namespace {

struct Position {
  double x, y, z;
};

}  // namespace

std::vector<Vec3> host_centres(const catalog::Table& halos, const mpi::Communicator& comm) {
  const auto ids = halos.get<std::int64_t>("id"), host_ids = halos.get<std::int64_t>("host_id");
  const VectorColumns pos(halos, "");

  std::vector<Vec3> centres(halos.rows());
  std::vector<std::int64_t> hosts, wanted;
  std::vector<Position> host_positions;
  std::vector<std::size_t> satellites;
  for (std::size_t row = 0; row < halos.rows(); ++row) {
    centres[row] = pos[row];
    if (host_ids[row] == ids[row]) {
      hosts.push_back(ids[row]);
      host_positions.push_back({pos[row][0], pos[row][1], pos[row][2]});
    } else {
      satellites.push_back(row);
      wanted.push_back(host_ids[row]);
    }
  }
  const mpi::Directory<Position> directory(hosts, host_positions, comm);
  const auto found = directory.lookup(wanted);
  mpi::agree(comm, [&] {
    for (std::size_t k = 0; k < found.size(); ++k) {
      if (!found[k]) throw internal_error("halo {}: host {} is not resolved", ids[satellites[k]], wanted[k]);
      centres[satellites[k]] = {found[k]->x, found[k]->y, found[k]->z};
    }
  });
  return centres;
}

}  // namespace halobrush::domain
