// Small catalogs for the field tests, whole or cut into shares of ranks, and cloud-in-cell by its definition.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "halobrush/catalog/tidal_column.hpp"
#include "halobrush/catalog/table.hpp"
#include "halobrush/core/random.hpp"
#include "halobrush/domain/box.hpp"
#include "halobrush/field/mesh.hpp"
#include "halobrush/mpi/communicator.hpp"

namespace halobrush::field_test {

struct Halo {
  std::int64_t id;
  Vec3 pos;  // Mpc/h
  double mass;
};

inline std::vector<Halo> random_halos(std::size_t count, const domain::Box& box, std::uint64_t seed) {
  std::vector<Halo> halos;
  for (std::size_t i = 0; i < count; ++i) {
    RandomStream random(seed, static_cast<std::int64_t>(i), Purpose::test);
    Vec3 pos;
    for (int k = 0; k < 3; ++k) pos[k] = random.uniform() * box.side[k];
    halos.push_back({static_cast<std::int64_t>(i), pos, std::pow(10, 11 + 3 * random.uniform())});
  }
  return halos;
}

inline catalog::Table table_of(const std::vector<Halo>& halos) {
  std::vector<std::int64_t> id;
  std::vector<double> x, y, z, mass;
  for (const auto& halo : halos) {
    id.push_back(halo.id);
    x.push_back(halo.pos[0]);
    y.push_back(halo.pos[1]);
    z.push_back(halo.pos[2]);
    mass.push_back(halo.mass);
  }
  catalog::Table table;
  table.add({"id", "", ""}, std::move(id));
  table.add({"x", "Mpc/h", ""}, std::move(x));
  table.add({"y", "Mpc/h", ""}, std::move(y));
  table.add({"z", "Mpc/h", ""}, std::move(z));
  table.add({"mass", "Msun/h", ""}, std::move(mass));
  return table;
}

/// This rank's halos: dealt out unevenly and in reverse order, rank 1 gets none.
inline std::vector<Halo> share_of(const std::vector<Halo>& all, const mpi::Communicator& comm) {
  std::vector<Halo> mine;
  for (const auto& halo : all) {
    const auto owner = static_cast<int>((halo.id * halo.id + halo.id / 3) % comm.size());
    if ((owner == 1 ? 0 : owner) == comm.rank()) mine.push_back(halo);
  }
  std::reverse(mine.begin(), mine.end());
  return mine;
}

inline Vec3 cell_centre(std::int64_t i, std::int64_t j, std::int64_t k, std::int64_t n,
                        const domain::Box& box) {
  const Vec3 index(static_cast<double>(i) + 0.5, static_cast<double>(j) + 0.5, static_cast<double>(k) + 0.5);
  return index.cwiseProduct(box.side) / static_cast<double>(n);
}

/// By definition: the product of triangles of the distance to the cell's centre.
inline double cic_weight(const Vec3& pos, const Vec3& centre, std::int64_t n, const domain::Box& box) {
  const Vec3 d = box.nearest_image(pos - centre).cwiseQuotient(box.side) * static_cast<double>(n);
  return std::max(0.0, 1 - std::abs(d[0])) * std::max(0.0, 1 - std::abs(d[1])) *
         std::max(0.0, 1 - std::abs(d[2]));
}

/// @param visit called with (index in values, cell centre) for each cell of this rank
template <class Visit>
void for_each_cell(const field::Mesh& mesh, const domain::Box& box, Visit&& visit) {
  std::size_t index = 0;
  for (std::int64_t i = 0; i < mesh.planes; ++i)
    for (std::int64_t j = 0; j < mesh.n; ++j)
      for (std::int64_t k = 0; k < mesh.n; ++k)
        visit(index++, cell_centre(mesh.first_plane + i, j, k, mesh.n, box));
}

inline Mat3 tide_of(const catalog::Table& halos, double smoothing_mpc_h, std::size_t row) {
  Sym3 t;
  for (int i = 0; i < 6; ++i) t[i] = halos.get<double>(catalog::tidal_column(smoothing_mpc_h, i))[row];
  return to_matrix(t);
}

}  // namespace halobrush::field_test
