#include "halobrush/domain/hosts.hpp"

#include <array>
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

class Hosts {
 public:
  explicit Hosts(const catalog::Table& halos)
      : pos_(halos.vectors("")), vel_(halos.vectors("v")), mass_(halos.reals("mass")), radius_(halos.reals("radius")) {}
  Host operator[](std::size_t row) const {
    const Vec3 x = pos_[row], v = vel_[row];
    return {x[0], x[1], x[2], v[0], v[1], v[2], mass_[row], radius_[row]};
  }

 private:
  catalog::Vectors pos_, vel_;
  catalog::Reals mass_, radius_;
};

// Where a halo's row is.
struct Place {
  std::int32_t rank;
  std::uint32_t row;
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

mpi::Directory<Place> make_directory(const catalog::Table& halos, const mpi::Communicator& comm) {
  const auto ids = halos.get<std::int64_t>("id");
  check_not_negative(ids, comm);
  if (ids.size() > std::numeric_limits<std::uint32_t>::max())
    throw internal_error("{} halos on a rank are too many; use more ranks", ids.size());
  const auto place = [&](std::size_t row) { return Place{comm.rank(), static_cast<std::uint32_t>(row)}; };
  mpi::Directory<Place> directory(ids, place, comm);
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

std::vector<std::size_t> rows_without_parent(const catalog::Table& halos, const mpi::Directory<Place>& directory) {
  std::vector<std::size_t> rows;
  std::vector<std::int64_t> wanted;
  const auto parents = halos.get<std::int64_t>("parent_id");
  for (std::size_t row = 0; row < parents.size(); ++row)
    if (parents[row] >= 0) {
      rows.push_back(row);
      wanted.push_back(parents[row]);
    }
  std::vector<std::size_t> orphans;
  directory.visit(wanted, [&](std::size_t k, const Place* host) {
    if (host == nullptr) orphans.push_back(rows[k]);
  });
  return orphans;
}

void settle_orphans(catalog::HaloCatalog& catalog, const mpi::Directory<Place>& directory, OrphanPolicy policy,
                    const mpi::Communicator& comm) {
  auto& halos = catalog.halos;
  const auto orphan_rows = rows_without_parent(halos, directory);
  const auto parents = halos.get<std::int64_t>("parent_id");
  const auto orphans = survey(orphan_rows, halos.get<std::int64_t>("id"), parents, comm);
  if (orphans.count == 0) return;
  if (policy == OrphanPolicy::error)
    throw data_error(
        "halo {}: its host {} is not in the catalog{} (so for {} of {} halos); add the host, write a parent_id of -1 where there is "
        "none, or set input.orphans: promote",
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

// As wide as the columns that they are made of. A host is its own: only satellites ask.
void add_host_columns(catalog::Table& halos, const Box& box, std::vector<std::int64_t> host_ids,
                      const mpi::Directory<Place>& directory, const mpi::Communicator& comm) {
  const std::string like = "mass", axis[] = {"x", "y", "z"};
  const auto mass = halos.reals("mass"), radius = halos.reals("radius");
  const auto none = [](std::size_t) { return 0.0; };
  catalog::add_reals(halos, {"host_mass", "Msun/h", "mass of the host halo"}, like, [&](auto row) { return mass[row]; });
  catalog::add_reals(halos, {"host_radius", "Mpc/h", "radius of the host halo"}, like, [&](auto row) { return radius[row]; });
  for (const auto& k : axis)
    catalog::add_reals(halos, {"host_d" + k, "Mpc/h", k + " from the host's centre, nearest periodic image"}, like, none);
  for (const auto& k : axis)
    catalog::add_reals(halos, {"host_dv" + k, "km/s", k + " velocity relative to the host"}, like, none);

  const auto ids = halos.get<std::int64_t>("id");
  std::vector<std::size_t> satellites;
  std::vector<std::int64_t> wanted;
  for (std::size_t row = 0; row < ids.size(); ++row)
    if (host_ids[row] != ids[row]) {
      satellites.push_back(row);
      wanted.push_back(host_ids[row]);
    }
  std::vector<Place> hosts(satellites.size());
  directory.visit(wanted, [&](std::size_t k, const Place* host) {
    if (host == nullptr) throw internal_error("halo {}: its host {} is not resolved", ids[satellites[k]], wanted[k]);
    hosts[k] = *host;
  });
  const Hosts own(halos);
  const auto fill = [&]<class T>(T) {
    const auto column = [&](const std::string& name) { return halos.get<T>(name); };
    const auto host_mass = column("host_mass"), host_radius = column("host_radius");
    const std::array d = {column("host_dx"), column("host_dy"), column("host_dz")},
                     dv = {column("host_dvx"), column("host_dvy"), column("host_dvz")};
    const auto take = [&](std::size_t k, const Host& host) {
      const auto row = satellites[k];
      const Host me = own[row];
      host_mass[row] = static_cast<T>(host.mass);
      host_radius[row] = static_cast<T>(host.radius);
      const Vec3 dx = box.nearest_image(Vec3(me.x - host.x, me.y - host.y, me.z - host.z)),
                 v(me.vx - host.vx, me.vy - host.vy, me.vz - host.vz);
      for (std::size_t i = 0; i < 3; ++i) {
        d[i][row] = static_cast<T>(dx[static_cast<int>(i)]);
        dv[i][row] = static_cast<T>(v[static_cast<int>(i)]);
      }
    };
    mpi::ask_ranks(
        std::span<const Place>(hosts), [](const Place& host) { return host.rank; },
        [&](std::span<const Place> asked) {
          std::vector<Host> answers;
          answers.reserve(asked.size());
          for (const auto& host : asked) answers.push_back(own[host.row]);
          return answers;
        },
        comm, take);
  };
  halos.is_single(like) ? fill(float{}) : fill(double{});
  halos.add({"host_id", "", "id of the host halo at the top of the chain of parents; a host's own id"},
            std::move(host_ids));
}

// Satellites so far from their host that one of the two is not where it was found: a group across an edge that was cut,
// or positions of another catalog.
void remark_on_torn_groups(catalog::HaloCatalog& catalog, const mpi::Communicator& comm) {
  constexpr double torn_radii = 20, torn_mpc_h = 10;
  const auto& halos = std::as_const(catalog.halos);
  const auto ids = halos.get<std::int64_t>("id");
  const auto from_host = halos.vectors("host_d");
  const auto radius = halos.reals("host_radius");
  std::int64_t id = no_id, count = 0;
  double farthest = 0;
  for (std::size_t row = 0; row < ids.size(); ++row) {
    const double distance = from_host[row].norm();
    if (distance < torn_mpc_h || distance < torn_radii * radius[row]) continue;
    ++count;
    id = std::min(id, ids[row]);
    farthest = std::max(farthest, distance);
  }
  count = comm.sum(count), id = comm.min(id), farthest = comm.max(farthest);
  if (count > 0)
    catalog.remarks.push_back(
        fmt::format("{} satellites are over {:g} Mpc/h and {:g} host radii from their host (halo {} is the first, {:.4g} Mpc/h "
                    "the farthest): their groups are torn",
                    count, torn_mpc_h, torn_radii, id, farthest));
}

void resolve(catalog::HaloCatalog& catalog, const Box& box, OrphanPolicy orphans, const mpi::Communicator& comm) {
  auto& halos = catalog.halos;
  leave_out_theirs(catalog);
  const auto directory = make_directory(halos, comm);
  const auto ids = halos.get<std::int64_t>("id");
  const auto parents = halos.get<std::int64_t>("parent_id");
  for (std::size_t row = 0; row < ids.size(); ++row)
    if (parents[row] < 0 || parents[row] == ids[row]) parents[row] = -1;
  settle_orphans(catalog, directory, orphans, comm);
  add_host_columns(halos, box, climb(ids, parents, comm), directory, comm);
  remark_on_torn_groups(catalog, comm);
}

}  // namespace

void resolve_hosts(catalog::HaloCatalog& catalog, const Box& box, OrphanPolicy orphans,
                   const mpi::Communicator& comm) {
  try {
    resolve(catalog, box, orphans, comm);
  } catch (const Error& error) {
    if (error.code() != ExitCode::data || catalog.source.brief.empty()) throw;
    throw data_error("{}: {}", catalog.source.brief, error.what());
  }
}

}  // namespace halobrush::domain
