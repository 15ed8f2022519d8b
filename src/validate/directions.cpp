#include "directions.hpp"

#include <Eigen/Eigenvalues>
#include <algorithm>
#include <cmath>

#include "halobrush/catalog/tidal_column.hpp"
#include "halobrush/catalog/numbers.hpp"
#include "halobrush/mpi/directory.hpp"

namespace halobrush::validate {
namespace {

catalog::Table masses_of(const Galaxies& galaxies) {
  catalog::Table halos;
  const auto box = galaxies.box();
  auto positions = galaxies.positions();
  for (auto& p : positions) p = box.wrap(p);
  for (int k = 0; k < 3; ++k) {
    std::vector<double> values(positions.size());
    std::ranges::transform(positions, values.begin(), [k](const Vec3& p) { return p[k]; });
    halos.add({std::string(1, "xyz"[k]), "Mpc/h", ""}, std::move(values));
  }
  halos.add({"mass", "Msun/h", ""}, catalog::numbers(galaxies.table, "halo_mass"));
  return halos;
}

void add_tidal_axes(Environment& environment, const catalog::Table& halos) {
  std::array<std::span<const double>, 6> tidal;
  for (std::size_t k = 0; k < 6; ++k)
    tidal[k] = halos.get<double>(catalog::tidal_column(environment.smoothing, static_cast<int>(k)));
  for (std::size_t row = 0; row < halos.rows(); ++row) {
    Sym3 tensor;
    for (std::size_t k = 0; k < 6; ++k) tensor[static_cast<int>(k)] = tidal[k][row];
    const Mat3 axes = Eigen::SelfAdjointEigenSolver<Mat3>(to_matrix(tensor)).eigenvectors();
    environment.stretching_axis.push_back(axes.col(0));
    environment.compressing_axis.push_back(axes.col(2));
  }
}

struct Heaviest {
  double mass = -1;
  Vec3 position = Vec3::Zero();
};

// Of equal masses the one with the smallest position, so that the slice does not depend on ranks.
Heaviest heaviest_of(const Galaxies& galaxies, const mpi::Communicator& comm) {
  struct Candidate {
    double mass, x, y, z;
    bool operator<(const Candidate& other) const {
      return std::tie(mass, x, y, z) < std::tie(other.mass, other.x, other.y, other.z);
    }
  };
  const auto mass = catalog::numbers(galaxies.table, "halo_mass");
  const auto positions = galaxies.positions();
  Candidate best{-1, 0, 0, 0};
  for (std::size_t i = 0; i < mass.size(); ++i)
    best = std::max(best, Candidate{mass[i], positions[i][0], positions[i][1], positions[i][2]});
  const auto all = comm.gather_all(std::span<const Candidate>(&best, 1)).data;
  const auto top = *std::ranges::max_element(all, [](const auto& a, const auto& b) { return a < b; });
  return {top.mass, {top.x, top.y, top.z}};
}

// Mean overdensity along z of the cells in the slice, for every cell of x and y: [n,n].
std::vector<double> projected(const Environment& environment, const domain::Box& box, double centre_z,
                              double depth, const mpi::Communicator& comm) {
  const auto& mesh = environment.overdensity;
  const auto n = static_cast<std::size_t>(mesh.n);
  std::vector<double> sum(n * n);
  double cells = 0;
  for (std::size_t z = 0; z < n; ++z) {
    const double height = (static_cast<double>(z) + 0.5) * box.side[2] / static_cast<double>(n) - centre_z;
    if (std::abs(height - box.side[2] * std::round(height / box.side[2])) > depth / 2) continue;
    cells += 1;
    for (std::size_t x = 0; x < static_cast<std::size_t>(mesh.planes); ++x)
      for (std::size_t y = 0; y < n; ++y)
        sum[(x + static_cast<std::size_t>(mesh.first_plane)) * n + y] += mesh.values[(x * n + y) * n + z];
  }
  for (auto& s : sum) s /= std::max(cells, 1.0);
  comm.sum_in_place(std::span(sum));
  return sum;
}

}  // namespace

Environment environment_of(const Galaxies& galaxies, const config::Field& field,
                           const mpi::Communicator& comm) {
  Environment environment;
  environment.smoothing = *std::ranges::max_element(field.smoothing);
  auto halos = masses_of(galaxies);
  environment.overdensity = field::halo_overdensity(halos, galaxies.box(), field.mesh, comm);
  field::add_tidal_tensor(halos, environment.overdensity, field::Window::cloud_in_cell, galaxies.box(),
                          {environment.smoothing}, comm);
  add_tidal_axes(environment, halos);
  return environment;
}

std::vector<Vec3> host_directions(const Galaxies& galaxies, const mpi::Communicator& comm) {
  struct Point {
    double x, y, z;
  };
  const auto id = galaxies.table.get<std::int64_t>("halo_id"),
             host = galaxies.table.get<std::int64_t>("host_halo_id");
  const auto positions = galaxies.positions();
  std::vector<std::int64_t> known, wanted;
  std::vector<Point> points;
  std::vector<std::size_t> satellites;
  for (std::size_t i = 0; i < id.size(); ++i) {
    if (id[i] >= 0) {
      known.push_back(id[i]);
      points.push_back({positions[i][0], positions[i][1], positions[i][2]});
    }
    if (host[i] >= 0 && host[i] != id[i]) {
      satellites.push_back(i);
      wanted.push_back(host[i]);
    }
  }
  const auto hosts = mpi::Directory<Point>(known, points, comm).lookup(wanted);
  std::vector<Vec3> directions(id.size(), Vec3::Zero());
  for (std::size_t k = 0; k < satellites.size(); ++k) {
    if (!hosts[k]) continue;
    const Vec3 d =
        galaxies.box().nearest_image(Vec3(hosts[k]->x, hosts[k]->y, hosts[k]->z) - positions[satellites[k]]);
    if (d.norm() > 0) directions[satellites[k]] = d.normalized();
  }
  return directions;
}

std::vector<catalog::ResultArray> slice_of(const Galaxies& galaxies, const Environment& environment,
                                           const mpi::Communicator& comm) {
  constexpr double largest_side = 50, largest_depth = 15;  // Mpc/h
  const auto box = galaxies.box();
  const double side = std::min(largest_side, box.side.head<2>().minCoeff());
  const double depth = std::min(largest_depth, box.side[2]);
  const auto centre = heaviest_of(galaxies, comm).position;

  constexpr std::size_t columns =
      8;  // x, y, ellipticity_1, ellipticity_2, log M*, color, stretching axis x, y
  const auto column = [&](const char* name) {
    return galaxies.table.has(name) ? catalog::numbers(galaxies.table, name)
                                    : std::vector<double>(galaxies.table.rows(), unknown);
  };
  const auto e1 = column("ellipticity_1"), e2 = column("ellipticity_2"), mass = column("log_stellar_mass"),
             color = column("color_gr");
  const auto positions = galaxies.positions();
  std::vector<double> mine;
  for (std::size_t i = 0; i < positions.size(); ++i) {
    const Vec3 d = box.nearest_image(positions[i] - centre);
    if (std::abs(d[0]) > side / 2 || std::abs(d[1]) > side / 2 || std::abs(d[2]) > depth / 2) continue;
    const auto& axis = environment.stretching_axis[i];
    mine.insert(mine.end(), {d[0], d[1], e1[i], e2[i], mass[i], color[i], axis[0], axis[1]});
  }
  auto all = comm.gather_all(std::span<const double>(mine)).data;
  auto density = projected(environment, box, centre[2], depth, comm);
  if (!comm.root()) return {};
  const auto n = static_cast<std::uint64_t>(environment.overdensity.n);
  const auto rows = all.size() / columns;
  return {
      {"slice/galaxies",
       {rows, columns},
       std::move(all),
       {{"columns", "x y ellipticity_1 ellipticity_2 log_stellar_mass color_gr stretching_x stretching_y"},
        {"unit", "Mpc/h from the heaviest halo"}}},
      {"slice/overdensity", {n, n}, std::move(density), {{"meaning", "halo mass, mean over the depth"}}},
      {"slice/frame",
       {5},
       {centre[0], centre[1], side, depth, environment.smoothing},
       {{"columns", "centre_x centre_y side depth smoothing"}, {"unit", "Mpc/h"}}}};
}

}  // namespace halobrush::validate
