#include "columns.hpp"

#include "halobrush/core/error.hpp"
#include "halobrush/mpi/directory.hpp"

namespace halobrush::domain {
namespace {

struct Position {
  double x, y, z;
};

}  // namespace

std::vector<Vec3> host_centres(const catalog::Table& halos, const mpi::Communicator& comm) {
  const auto ids = halos.get<std::int64_t>("id"), host_ids = halos.get<std::int64_t>("host_id");
  const auto pos = halos.vectors("");

  std::vector<Vec3> centres(halos.rows());
  std::vector<std::int64_t> hosts, wanted;
  std::vector<std::size_t> host_rows, satellites;
  for (std::size_t row = 0; row < halos.rows(); ++row) {
    centres[row] = pos[row];
    const bool host = host_ids[row] == ids[row];
    (host ? hosts : wanted).push_back(host_ids[row]);
    (host ? host_rows : satellites).push_back(row);
  }
  const auto position = [&](std::size_t k) {
    const Vec3& p = centres[host_rows[k]];
    return Position{p[0], p[1], p[2]};
  };
  const mpi::Directory<Position> directory(hosts, position, comm);
  directory.visit(wanted, [&](std::size_t k, const Position* host) {
    if (host == nullptr) throw internal_error("halo {}: host {} is not resolved", ids[satellites[k]], wanted[k]);
    centres[satellites[k]] = {host->x, host->y, host->z};
  });
  return centres;
}

}  // namespace halobrush::domain
