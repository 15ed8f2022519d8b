#include "halobrush/domain/hosts.hpp"

#include <limits>
#include <optional>
#include <utility>

#include "columns.hpp"
#include "halobrush/core/error.hpp"
#include "halobrush/mpi/directory.hpp"

namespace halobrush::domain {
namespace {

constexpr auto no_id = std::numeric_limits<std::int64_t>::max();

// What a satellite needs to know of its host.
struct Host {
  double x, y, z, vx, vy, vz, mass, radius;
};

// Throws on every rank when any rank has such an id: the same text whatever the number of ranks.
void check_not_negative(std::span<const std::int64_t> ids, const mpi::Communicator& comm) {
  const auto smallest = comm.min(ids.empty() ? no_id : *std::min_element(ids.begin(), ids.end()));
  if (smallest < 0)
    throw data_error(
        "halo {}: its id is negative (ids name galaxies in the output and -1 means none); number halos from "
        "0",
        smallest);
}

mpi::Directory<Host> make_directory(const catalog::Table& halos, const mpi::Communicator& comm) {
  const auto ids = halos.get<std::int64_t>("id");
  check_not_negative(ids, comm);
  const VectorColumns pos(halos, ""), vel(halos, "v");
  const auto mass = halos.get<double>("mass"), radius = halos.get<double>("radius");
  std::vector<Host> hosts(halos.rows());
  for (std::size_t row = 0; row < hosts.size(); ++row) {
    const Vec3 x = pos[row], v = vel[row];
    hosts[row] = {x[0], x[1], x[2], v[0], v[1], v[2], mass[row], radius[row]};
  }
  mpi::Directory<Host> directory(ids, hosts, comm);
  if (const auto id = directory.duplicate())
    throw data_error(
        "halo {}: its id is there more than once (random numbers and groups go by id); make ids unique", *id);
  return directory;
}

// The halo of smallest id among the orphans, with its parent, and how many there are.
struct Orphans {
  std::int64_t count, id, parent;
};
Orphans survey(std::span<const std::size_t> orphans, std::span<const std::int64_t> ids,
               std::span<const std::int64_t> parents, const mpi::Communicator& comm) {
  std::int64_t id = no_id, parent = -1;
  for (const auto row : orphans)
    if (ids[row] <= id) std::tie(id, parent) = std::pair(ids[row], parents[row]);
  const auto smallest = comm.min(id);
  return {comm.sum(static_cast<std::int64_t>(orphans.size())), smallest,
          comm.max(id == smallest ? parent : -1)};
}

std::vector<std::size_t> rows_without_parent(const catalog::Table& halos, const mpi::Directory<Host>& directory) {
  std::vector<std::size_t> rows;
  std::vector<std::int64_t> wanted;
  const auto parents = halos.get<std::int64_t>("parent_id");
  for (std::size_t row = 0; row < parents.size(); ++row)
    if (parents[row] >= 0) {
      rows.push_back(row);
      wanted.push_back(parents[row]);
    }
  const auto found = directory.lookup(wanted);
  std::vector<std::size_t> orphans;
  for (std::size_t k = 0; k < rows.size(); ++k)
    if (!found[k]) orphans.push_back(rows[k]);
  return orphans;
}

void settle_orphans(catalog::HaloCatalog& catalog, const mpi::Directory<Host>& directory, OrphanPolicy policy,
                    const mpi::Communicator& comm) {
  auto& halos = catalog.halos;
  const auto orphan_rows = rows_without_parent(halos, directory);
  const auto parents = halos.get<std::int64_t>("parent_id");
  const auto orphans = survey(orphan_rows, halos.get<std::int64_t>("id"), parents, comm);
  if (orphans.count == 0) return;
  if (policy == OrphanPolicy::error)
    throw data_error(
        "halo {}: its host {} is not in the catalog{} (so for {} of {} halos); add the host, or set "
        "input.orphans: promote",
        orphans.id, orphans.parent,
        catalog.left_out.total() > 0 ? ", or left out by input.min_particles, min_mass or min_vmax" : "",
        orphans.count, comm.sum(static_cast<std::int64_t>(halos.rows())));
  for (const auto row : orphan_rows) parents[row] = -1;
  catalog.remarks.push_back(
      fmt::format("{} halos whose host is not in the catalog are taken as hosts (input.orphans: promote).",
                  orphans.count));
}

// The top of each row's chain of parents, by pointer jumping: after round k every row points 2^k generations
// up.
std::vector<std::int64_t> climb(std::span<const std::int64_t> ids, std::span<const std::int64_t> parents,
                                const mpi::Communicator& comm) {
  constexpr int most_rounds = 64;  // 2^64 generations: only a cycle is longer
  std::vector<std::int64_t> top(ids.begin(), ids.end()), sub_ids, above;
  std::vector<std::size_t> subs;
  for (std::size_t row = 0; row < ids.size(); ++row)
    if (parents[row] >= 0) {
      subs.push_back(row);
      sub_ids.push_back(ids[row]);
      above.push_back(parents[row]);
    }
  std::int64_t climbing = no_id, count = 0;
  for (int round = 0; round < most_rounds; ++round) {
    const auto next = mpi::Directory<std::int64_t>(sub_ids, above, comm).lookup(above);
    climbing = no_id, count = 0;
    for (std::size_t k = 0; k < subs.size(); ++k)
      if (next[k]) {  // what is above is a subhalo itself
        above[k] = *next[k];
        climbing = std::min(climbing, sub_ids[k]);
        ++count;
      }
    climbing = comm.min(climbing), count = comm.sum(count);
    if (count == 0) break;
  }
  if (count > 0)
    throw data_error(
        "halo {}: following parent_id never reaches a host (a cycle of parents); repair parent_id", climbing);
  for (std::size_t k = 0; k < subs.size(); ++k) top[subs[k]] = above[k];
  return top;
}

// Columns of the file under the names that are worked out here.
void leave_out_theirs(catalog::HaloCatalog& catalog) {
  for (const char* name : {"host_id", "host_mass", "host_radius", "host_dx", "host_dy", "host_dz", "host_dvx", "host_dvy",
                           "host_dvz"})
    if (catalog.halos.has(name)) {
      catalog.halos.remove(name);
      catalog.remarks.push_back(fmt::format("column '{}' of the file is left out: it follows from parent_id", name));
    }
}

void add_host_columns(catalog::Table& halos, const Box& box, std::vector<std::int64_t> host_ids,
                      const mpi::Directory<Host>& directory) {
  const auto hosts = directory.lookup(host_ids);
  const VectorColumns pos(halos, ""), vel(halos, "v");
  std::vector<double> mass(halos.rows()), radius(halos.rows()), displacement[3], velocity[3];
  for (int k = 0; k < 3; ++k) {
    displacement[k].resize(halos.rows());
    velocity[k].resize(halos.rows());
  }
  for (std::size_t row = 0; row < halos.rows(); ++row) {
    const Host& host = hosts[row].value();
    mass[row] = host.mass;
    radius[row] = host.radius;
    const Vec3 dx = box.nearest_image(pos[row] - Vec3(host.x, host.y, host.z));
    const Vec3 dv = vel[row] - Vec3(host.vx, host.vy, host.vz);
    for (int k = 0; k < 3; ++k) {
      displacement[k][row] = dx[k];
      velocity[k][row] = dv[k];
    }
  }
  halos.add({"host_id", "", "id of the host halo at the top of the chain of parents; a host's own id"},
            std::move(host_ids));
  halos.add({"host_mass", "Msun/h", "mass of the host halo"}, std::move(mass));
  halos.add({"host_radius", "Mpc/h", "radius of the host halo"}, std::move(radius));
  const std::string axis[] = {"x", "y", "z"};
  for (int k = 0; k < 3; ++k)
    halos.add({"host_d" + axis[k], "Mpc/h", axis[k] + " from the host's centre, nearest periodic image"},
              std::move(displacement[k]));
  for (int k = 0; k < 3; ++k)
    halos.add({"host_dv" + axis[k], "km/s", axis[k] + " velocity relative to the host"},
              std::move(velocity[k]));
}

}  // namespace

void resolve_hosts(catalog::HaloCatalog& catalog, const Box& box, OrphanPolicy orphans,
                   const mpi::Communicator& comm) {
  auto& halos = catalog.halos;
  leave_out_theirs(catalog);
  const auto directory = make_directory(halos, comm);
  const auto ids = halos.get<std::int64_t>("id");
  const auto parents = halos.get<std::int64_t>("parent_id");
  for (std::size_t row = 0; row < ids.size(); ++row)
    if (parents[row] < 0 || parents[row] == ids[row]) parents[row] = -1;
  settle_orphans(catalog, directory, orphans, comm);
  add_host_columns(halos, box, climb(ids, parents, comm), directory);
}

}  // namespace halobrush::domain
