#include "rows.hpp"

#include <array>
#include <string>
#include <utility>

#include "halobrush/core/error.hpp"
#include "halobrush/so3/ellipsoid.hpp"
#include "turns.hpp"

namespace halobrush::lightcone {
namespace {

using catalog::Table;

constexpr double speed_of_light = 299792.458;  // km/s
constexpr std::array seen_on_the_sky = {"vx",           "vy",           "vz",           "galaxy_axisA_x", "galaxy_axisA_y", "galaxy_axisA_z", "galaxy_axisB_x",
                                        "galaxy_axisB_y", "galaxy_axisB_z", "galaxy_axisC_x", "galaxy_axisC_y", "galaxy_axisC_z", "b_to_a",         "c_to_a"};
constexpr const char* ellipticity_convention =
    "epsilon = (1-q)/(1+q) on the sky, times {} 2 psi, psi the angle of the major axis from west towards north: positive along {} on the celestial sphere seen "
    "from inside";

// Numbers of galaxies: (number of the image x rows of the snapshot + row), snapshot after snapshot.
std::vector<std::int64_t> first_ids(const Cone& cone, const Images& images) {
  std::vector<std::int64_t> first;
  double most = 0;
  std::int64_t next = 0;
  for (const auto& snapshot : cone.snapshots) {
    first.push_back(next);
    most += static_cast<double>(snapshot.rows) * static_cast<double>(images.count());
    if (most > 9e18) throw config_error("lightcone.redshift: galaxies in {} images of the box are too many to be numbered; make the range smaller", images.count());
    next += static_cast<std::int64_t>(snapshot.rows) * images.count();
  }
  return first;
}

template <class T, class ValueOf>
void put(Table& table, catalog::ColumnSpec spec, ValueOf&& value_of) {
  const auto column = table.add<T>(std::move(spec));
  for (std::size_t i = 0; i < column.size(); ++i) column[i] = static_cast<T>(value_of(i));
}

// What a row was in its snapshot, and where the observer sees it.
struct Seen {
  std::size_t row;
  std::int64_t row_of_host;  // in the snapshot
  Vec3 position;             // Mpc/h, the observer at the origin
};

// Directions of axes in the basis (west, north, towards the observer), in which an outline is seen along the third.
Mat3 on_the_sky(const Mat3& axes, const Vec3& position) {
  const auto sky = so3::sky_frame_at(position);
  Mat3 basis;
  basis << sky.west.transpose(), sky.north.transpose(), -sky.outwards.transpose();
  return basis * axes;
}

void put_place(Table& rows, std::span<const Seen> seen, const Cone& cone) {
  for (int k = 0; k < 3; ++k) {
    const std::string axis(1, "xyz"[k]);
    rows.remove(axis);
    put<double>(rows, {axis, "Mpc/h", "comoving position, the observer at the origin"}, [&](auto i) { return seen[i].position[k]; });
  }
  put<double>(rows, {"ra", "deg", "right ascension"}, [&](auto i) { return ra_of(seen[i].position); });
  put<double>(rows, {"dec", "deg", "declination"}, [&](auto i) { return dec_of(seen[i].position); });
  put<double>(rows, {"chi", "Mpc/h", "comoving distance"}, [&](auto i) { return seen[i].position.norm(); });
  std::vector<double> redshift;
  for (const auto& galaxy : seen) redshift.push_back(cone.distances.redshift(galaxy.position.norm()));
  const auto velocity = rows.vectors("v");
  put<double>(rows, {"redshift_true", "", "of the expansion"}, [&](auto i) { return redshift[i]; });
  put<double>(rows, {"redshift_obs", "", "with the peculiar velocity: (1 + redshift_true) (1 + v_r / c) - 1"}, [&](auto i) {
    const double v = velocity[i].dot(seen[i].position.normalized());
    return (1 + redshift[i]) * (1 + v / speed_of_light) - 1;
  });
}

void put_outline(Table& rows, std::span<const Seen> seen) {
  const std::array axes = {rows.vectors("galaxy_axisA_"), rows.vectors("galaxy_axisB_"), rows.vectors("galaxy_axisC_")};
  const auto b_to_a = rows.reals("b_to_a"), c_to_a = rows.reals("c_to_a");
  std::vector<std::array<double, 2>> ellipticity;
  for (std::size_t i = 0; i < seen.size(); ++i) {
    Mat3 frame;
    frame << axes[0][i], axes[1][i], axes[2][i];
    ellipticity.push_back(so3::projected_ellipticity(on_the_sky(frame, seen[i].position), b_to_a[i], c_to_a[i]));
  }
  for (const auto& [name, part] : {std::pair("ellipticity_1", 0), std::pair("ellipticity_2", 1)}) {
    if (rows.has(name)) rows.remove(name);
    const auto about = fmt::format(ellipticity_convention, part == 0 ? "cos" : "sin", part == 0 ? "east-west" : "southeast-northwest");
    put<float>(rows, {name, "", about}, [&](auto i) { return ellipticity[i][static_cast<std::size_t>(part)]; });
  }
}

struct Origin {
  std::int64_t first_id, image;
  double redshift;
};

void put_names(Table& rows, std::span<const Seen> seen, const Origin& from, std::uint64_t first_row) {
  const auto old = rows.get<std::int64_t>("galaxy_id");
  put<std::int64_t>(rows, {"snapshot_galaxy_id", "", "galaxy_id in the snapshot"}, [&](auto i) { return old[i]; });
  put<std::int64_t>(rows, {"replica", "", "number of the image of the box"}, [&](auto) { return from.image; });
  put<float>(rows, {"snapshot_redshift", "", "of the snapshot that the galaxy is from"}, [&](auto) { return from.redshift; });
  const auto set = [&](const char* name, const char* description, auto&& value_of) {
    rows.remove(name);
    put<std::int64_t>(rows, {name, "", description}, value_of);
  };
  const auto row_of = [&](auto i) { return from.first_id + static_cast<std::int64_t>(first_row + seen[i].row); };
  set("galaxy_id", "galaxy id, unique over snapshots and images", row_of);
  set("halo_id", "id of the (sub)halo that the galaxy lives in: the galaxy's", row_of);
  const auto row_of_host = [&](auto i) { return from.first_id + seen[i].row_of_host; };
  set("host_halo_id", "halo_id of the host halo; the halo itself for a central", row_of_host);
  put<std::int64_t>(rows, {"source_galaxy_upid", "", "host_halo_id, -1 for a central"}, [&](auto i) { return row_of(i) == row_of_host(i) ? -1 : row_of_host(i); });
}

void put_columns(Table& rows, std::span<const Seen> seen, const Cone& cone, const Origin& from, std::uint64_t first_row) {
  put_place(rows, seen, cone);
  put_outline(rows, seen);
  put_names(rows, seen, from, first_row);
}

// Of the observer's images of the galaxies in a block: those in the cone, by their own place, of hosts in the snapshot's shell.
std::vector<Seen> select(const Cone& cone, const Snapshot& snapshot, const Table& galaxies, const Table& hosts, const View& view) {
  const domain::Box box{cone.side};
  const auto position = galaxies.vectors(""), of_host = hosts.vectors("host_");
  const auto row_of_host = hosts.get<std::int64_t>("host_row");
  std::vector<Seen> seen;
  for (std::size_t row = 0; row < galaxies.rows(); ++row) {
    const Vec3 host = of_host[row];
    const double distance_of_host = view(host).norm();
    if (distance_of_host < snapshot.from || distance_of_host >= snapshot.to) continue;
    const Vec3 place = view(beside(box, host, position[row]));
    const double distance = place.norm();
    if (distance > 0 && distance >= cone.near && distance < cone.far && cone.sky.holds(place)) seen.push_back({row, row_of_host[row], place});
  }
  return seen;
}

}  // namespace

Rows::Rows(const Cone& cone, const std::vector<Block>& blocks, const Hosts& hosts)
    : cone_(cone), blocks_(blocks), hosts_(hosts), images_(cone), first_id_(first_ids(cone, images_)) {
  for (const auto& snapshot : cone.snapshots) mocks_.emplace_back(snapshot.path);
}

Table Rows::columns(const Cone& cone) {
  auto rows = catalog::MockRows(cone.snapshots.front().path).read(0, 0);
  put_columns(rows, {}, cone, {}, 0);
  return rows;
}

const Rows::Loaded& Rows::load(std::int64_t block) {
  if (!loaded_ || loaded_->block != block) {
    const auto& [snapshot, first, rows, low, high] = blocks_[static_cast<std::size_t>(block)];
    loaded_ = {block, mocks_[static_cast<std::size_t>(snapshot)].read(first, rows), hosts_.read(block)};
    check_finite(cone_.snapshots[static_cast<std::size_t>(snapshot)].path, loaded_->galaxies, seen_on_the_sky, first);
  }
  return *loaded_;
}

Table Rows::of(const Piece& piece) {
  const auto& block = blocks_[static_cast<std::size_t>(piece.block)];
  const auto s = static_cast<std::size_t>(block.snapshot);
  const auto& snapshot = cone_.snapshots[s];
  const auto& [unused, galaxies, hosts] = load(piece.block);
  const auto view = view_of(cone_, piece.image);
  const auto seen = select(cone_, snapshot, galaxies, hosts, view);
  std::vector<std::size_t> chosen;
  for (const auto& galaxy : seen) chosen.push_back(galaxy.row);
  auto rows = galaxies.select(chosen);
  if (cone_.turned) turn_vectors(rows, view.turn);
  const auto image = images_.number(piece.image);
  put_columns(rows, seen, cone_, {first_id_[s] + image * static_cast<std::int64_t>(snapshot.rows), image, snapshot.redshift}, block.first);
  return rows;
}

Table Rows::of(std::span<const Piece> pieces) {
  auto all = columns(cone_);
  for (const auto& piece : pieces) all.append(of(piece));
  return all;
}

}  // namespace halobrush::lightcone
