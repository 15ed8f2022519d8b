#include "halobrush/field/mesh.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <span>
#include <utility>

#include "cloud_in_cell.hpp"
#include "halobrush/catalog/mesh_file.hpp"
#include "halobrush/core/error.hpp"
#include "halobrush/mpi/agree.hpp"
#include "halobrush/mpi/routes.hpp"
#include "slabs.hpp"

namespace halobrush::field {
namespace {

struct Particle {
  std::array<double, 3> pos;  // Mpc/h
  double mass;                // Msun/h
};

struct Outgoing {
  std::vector<Particle> particles;
  std::vector<int> destination;
};

// Each halo goes to the owners of the two planes that it reaches, once where they are the same.
Outgoing to_plane_owners(const catalog::Table& halos, const domain::Box& box, const Slabs& slabs) {
  const auto x = halos.get<double>("x"), y = halos.get<double>("y"), z = halos.get<double>("z");
  const auto mass = halos.reals("mass");
  Outgoing out;
  const auto send = [&](std::size_t row, int owner) {
    out.particles.push_back({{x[row], y[row], z[row]}, mass[row]});
    out.destination.push_back(owner);
  };
  for (std::size_t row = 0; row < halos.rows(); ++row) {
    const auto planes = cic_axis(x[row], box.side[0], slabs.n()).cell;
    const int lower = slabs.owner(planes[0]), upper = slabs.owner(planes[1]);
    send(row, lower);
    if (upper != lower) send(row, upper);
  }
  return out;
}

// A power of two that takes masses to integers. No sum can overflow 2^62, and nothing but the number of halos
// and the greatest mass decides it: both are exact whatever the order.
double fixed_point_scale(const catalog::Table& halos, const mpi::Communicator& comm) {
  double greatest = 0;
  const auto mass = halos.reals("mass");
  for (std::size_t row = 0; row < mass.size(); ++row) greatest = std::max(greatest, mass[row]);
  const auto count = static_cast<double>(comm.sum(static_cast<std::uint64_t>(halos.rows())));
  greatest = comm.max(greatest);
  return count * greatest > 0 ? std::ldexp(1.0, 60 - std::ilogb(count * greatest)) : 0;
}

class FixedPointMesh {
 public:
  FixedPointMesh(const Mesh& slab, const domain::Box& box, double scale)
      : slab_(slab), box_(box), scale_(scale), sums_(slab.values.size()) {}

  void deposit(const Particle& p) {
    const Cic c = cloud_in_cell(p.pos, box_, slab_.n);
    for (std::size_t i = 0; i < 2; ++i) {
      const std::int64_t plane = c[0].cell[i] - slab_.first_plane;
      if (plane < 0 || plane >= slab_.planes) continue;
      for (std::size_t j = 0; j < 2; ++j)
        for (std::size_t k = 0; k < 2; ++k) {
          const double mass = p.mass * c[0].weight[i] * c[1].weight[j] * c[2].weight[k];
          at(plane, c[1].cell[j], c[2].cell[k]) += std::llround(mass * scale_);
        }
    }
  }
  std::vector<std::int64_t> take() { return std::move(sums_); }

 private:
  std::int64_t& at(std::int64_t plane, std::int64_t y, std::int64_t z) {
    return sums_[static_cast<std::size_t>((plane * slab_.n + y) * slab_.n + z)];
  }
  const Mesh& slab_;
  const domain::Box& box_;
  double scale_;
  std::vector<std::int64_t> sums_;  // [planes, n, n]
};

double cells(std::int64_t n) {
  return std::pow(static_cast<double>(n), 3);
}

// No density is negative; single precision rounds.
void check_values(const Mesh& mesh, const std::string& file, const std::string& dataset) {
  constexpr double least = -1 - 1e-5;
  for (std::size_t i = 0; i < mesh.values.size(); ++i) {
    const double value = mesh.values[i];
    if (std::isfinite(value) && value >= least) continue;
    const auto n = static_cast<std::size_t>(mesh.n), first = static_cast<std::size_t>(mesh.first_plane);
    throw data_error(
        "{}: {}: the overdensity of cell [{},{},{}] is {} (it is finite, and -1 where there is nothing); check how the "
        "mesh was made",
        file, dataset, first + i / (n * n), i / n % n, i % n, value);
  }
}

// A density in other units would pass for an overdensity and make tides of any size.
void check_mean(const Mesh& mesh, const std::string& file, const std::string& dataset,
                const mpi::Communicator& comm) {
  const double mean = comm.sum(std::accumulate(mesh.values.begin(), mesh.values.end(), 0.0)) / cells(mesh.n);
  if (std::abs(mean) > 0.1)
    throw data_error(
        "{}: {}: the mean is {:.3g} (an overdensity, density over mean density minus one, has mean 0); "
        "give an overdensity",
        file, dataset, mean);
}

}  // namespace

Mesh empty_mesh(std::int64_t n, const mpi::Communicator& comm) {
  const Slabs slabs(n, comm.size());
  Mesh mesh{n, slabs.first(comm.rank()), slabs.planes(comm.rank()), {}};
  mesh.values.resize(static_cast<std::size_t>(mesh.planes * n * n));
  return mesh;
}

Mesh halo_overdensity(const catalog::Table& halos, const domain::Box& box, std::int64_t n,
                      const mpi::Communicator& comm) {
  Mesh mesh = mpi::agree(comm, [&] { return empty_mesh(n, comm); });
  const double scale = fixed_point_scale(halos, comm);
  const Slabs slabs(n, comm.size());
  const auto out = mpi::agree(comm, [&] { return to_plane_owners(halos, box, slabs); });
  const mpi::Routes routes(out.destination, comm.size());
  const auto arrived = routes.send(std::span<const Particle>(out.particles), comm);
  const auto sums = mpi::agree(comm, [&] {
    FixedPointMesh fixed(mesh, box, scale);
    for (const auto& particle : arrived.data) fixed.deposit(particle);
    return fixed.take();
  });
  const auto total = comm.sum(std::accumulate(sums.begin(), sums.end(), std::int64_t{0}));
  if (total == 0) return mesh;
  const double mean = static_cast<double>(total) / cells(n);
  for (std::size_t i = 0; i < sums.size(); ++i) mesh.values[i] = static_cast<double>(sums[i]) / mean - 1;
  return mesh;
}

Mesh read_overdensity(const std::string& file, const std::string& dataset, const mpi::Communicator& comm) {
  Mesh mesh = mpi::agree(comm, [&] {
    const auto n = static_cast<std::int64_t>(catalog::mesh_shape(file, dataset)[0]);
    Mesh local = empty_mesh(n, comm);
    local.values = catalog::read_mesh_planes(file, dataset, static_cast<std::uint64_t>(local.first_plane),
                                             static_cast<std::uint64_t>(local.planes));
    check_values(local, file, dataset);
    return local;
  });
  check_mean(mesh, file, dataset, comm);
  return mesh;
}

}  // namespace halobrush::field
