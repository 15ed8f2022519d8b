#include <algorithm>
#include <array>
#include <cmath>
#include <complex>
#include <numbers>
#include <span>

#include "cloud_in_cell.hpp"
#include "halobrush/catalog/tidal_column.hpp"
#include "halobrush/core/error.hpp"
#include "halobrush/field/mesh.hpp"
#include "halobrush/mpi/agree.hpp"
#include "halobrush/mpi/routes.hpp"
#include "transform.hpp"

namespace halobrush::field {
namespace {

using Position = std::array<double, 3>;    // Mpc/h
constexpr std::array<std::array<std::size_t, 2>, 6> axes_of = {
    {{0, 0}, {1, 1}, {2, 2}, {0, 1}, {0, 2}, {1, 2}}};

// One axis of Fourier space, by the index m of a mode.
struct WaveAxis {
  std::vector<double> k;       // h/Mpc, 2 pi m / L with m in (-n/2, n/2]
  std::vector<double> odd_k;   // for odd powers: zero at the Nyquist mode, which stands for both signs
  std::vector<double> factor;  // this axis' share of smoothing and window, exp(-k^2 R^2 / 2) / W^p
};

// W(k) = sinc^2(k L / 2n) for each cloud-in-cell step (Hockney & Eastwood 1981). At the corner of Fourier
// space 1/W^2 is 226: the Gaussian outweighs it wherever the smoothing radius is about a cell or more, so
// nothing else bounds it.
WaveAxis wave_axis(std::int64_t n, double side, double smoothing_mpc_h, int window_power) {
  WaveAxis axis;
  for (std::int64_t index = 0; index < n; ++index) {
    const std::int64_t m = index <= n / 2 ? index : index - n;
    const double k = 2 * std::numbers::pi * static_cast<double>(m) / side;
    const double phase = std::numbers::pi * static_cast<double>(m) / static_cast<double>(n);
    const double window = m == 0 ? 1 : std::pow(std::sin(phase) / phase, 2);
    axis.k.push_back(k);
    axis.odd_k.push_back(2 * m == n ? 0 : k);
    axis.factor.push_back(std::exp(-0.5 * k * k * smoothing_mpc_h * smoothing_mpc_h) /
                          std::pow(window, window_power));
  }
  return axis;
}

using WaveSpace = std::array<WaveAxis, 3>;

// Component ij of the tidal tensor in Fourier space, from delta(k); both [planes, ky][n, kx][modes, kz].
void apply_kernel(const std::complex<double>* delta, std::complex<double>* tide, const WaveSpace& space,
                  std::size_t component, const Transform& transform) {
  const auto [a, b] = axes_of[component];
  const auto& ka = a == b ? space[a].k : space[a].odd_k;
  const auto& kb = a == b ? space[b].k : space[b].odd_k;
  const auto n = static_cast<std::size_t>(transform.slabs().n()),
             modes = static_cast<std::size_t>(transform.modes());
  const double per_cell = 1 / std::pow(static_cast<double>(n), 3);  // FFTW's transforms are not normalised
  std::array<std::size_t, 3> m{};
  std::size_t i = 0;
  const auto first = static_cast<std::size_t>(transform.first());
  for (m[1] = first; m[1] < first + static_cast<std::size_t>(transform.planes()); ++m[1])
    for (m[0] = 0; m[0] < n; ++m[0])
      for (m[2] = 0; m[2] < modes; ++m[2], ++i) {
        const double kx = space[0].k[m[0]], ky = space[1].k[m[1]], kz = space[2].k[m[2]];
        const double k2 = kx * kx + ky * ky + kz * kz;
        const double factor = space[0].factor[m[0]] * space[1].factor[m[1]] * space[2].factor[m[2]];
        tide[i] = k2 > 0 ? delta[i] * (ka[m[a]] * kb[m[b]] / k2 * factor * per_cell) : 0;
      }
}

Transform::Buffer spectrum_of(const Mesh& mesh, const Transform& transform, const mpi::Communicator& comm) {
  auto buffer = mpi::agree(comm, [&] { return transform.make_buffer(); });
  for (std::int64_t row = 0; row < mesh.planes * mesh.n; ++row)
    std::copy_n(mesh.values.data() + row * mesh.n, mesh.n, buffer.get() + row * transform.row());
  transform.forward(buffer);
  return buffer;
}

// The plane above the last one, from the rank that holds it: interpolation needs it.
void fetch_upper_plane(Transform::Buffer& buffer, const Transform& transform, const mpi::Communicator& comm) {
  const auto& slabs = transform.slabs();
  std::vector<std::size_t> counts(static_cast<std::size_t>(comm.size()));
  const auto size = static_cast<std::size_t>(transform.plane());
  if (transform.planes() > 0) {
    const std::int64_t below = (transform.first() + slabs.n() - 1) % slabs.n();
    counts[static_cast<std::size_t>(slabs.owner(below))] = size;
  }
  const std::span<const double> mine(buffer.get(), transform.planes() > 0 ? size : 0);
  const auto arrived = comm.exchange(mine, counts);
  std::copy(arrived.data.begin(), arrived.data.end(), buffer.get() + transform.planes() * transform.plane());
}

// The points whose lower plane this rank holds, and the way back to the ranks that asked.
class Interpolation {
 public:
  Interpolation(const catalog::Table& halos, const domain::Box& box, const Transform& transform,
                const mpi::Communicator& comm)
      : box_(box), transform_(transform), comm_(comm), routes_(owners(halos), comm.size()) {
    points_ = routes_.send(std::span<const Position>(positions(halos)), comm);
  }

  std::size_t points() const { return points_.data.size(); }

  // Trilinear, the transpose of the cloud-in-cell assignment; always the same order of additions.
  double at(std::size_t point, const Transform::Buffer& mesh) const {
    const auto n = transform_.slabs().n();
    const Cic c = cloud_in_cell(points_.data[point], box_, n);
    const std::int64_t lower = c[0].cell[0] - transform_.first();
    double sum = 0;
    for (std::size_t i = 0; i < 2; ++i)
      for (std::size_t j = 0; j < 2; ++j)
        for (std::size_t k = 0; k < 2; ++k) {
          const std::int64_t plane = lower + static_cast<std::int64_t>(i);
          const double value = mesh[static_cast<std::size_t>(plane * transform_.plane() +
                                                             c[1].cell[j] * transform_.row() + c[2].cell[k])];
          sum += c[0].weight[i] * c[1].weight[j] * c[2].weight[k] * value;
        }
    return sum;
  }

  // @collective Results [points] here to results [rows] where the halos are.
  std::vector<double> to_rows(std::span<const double> results) const {
    return routes_.answer(results, points_.counts, comm_);
  }

 private:
  static std::vector<Position> positions(const catalog::Table& halos) {
    const auto x = halos.get<double>("x"), y = halos.get<double>("y"), z = halos.get<double>("z");
    std::vector<Position> pos(halos.rows());
    for (std::size_t row = 0; row < pos.size(); ++row) pos[row] = {x[row], y[row], z[row]};
    return pos;
  }
  std::vector<int> owners(const catalog::Table& halos) const {
    std::vector<int> owner;
    for (const double x : halos.get<double>("x"))
      owner.push_back(transform_.slabs().owner(cic_axis(x, box_.side[0], transform_.slabs().n()).cell[0]));
    return owner;
  }

  const domain::Box& box_;
  const Transform& transform_;
  const mpi::Communicator& comm_;
  mpi::Routes routes_;
  mpi::Received<Position> points_;
};

void add_column(catalog::Table& halos, double smoothing_mpc_h, std::size_t component, std::span<const double> values) {
  const auto name = catalog::tidal_column(smoothing_mpc_h, static_cast<int>(component));
  if (halos.has(name)) halos.remove(name);  // of the file that the halos are from
  const auto description =
      fmt::format("tidal tensor d_i d_j phi / (4 pi G mean density), Gaussian smoothing radius {:g} Mpc/h",
                  smoothing_mpc_h);
  catalog::add_reals(halos, {name, "", description}, "mass", [&](std::size_t row) { return values[row]; });
}

void check_slab(const Mesh& mesh, const mpi::Communicator& comm) {
  const Slabs slabs(mesh.n, comm.size());
  const bool good = mesh.first_plane == slabs.first(comm.rank()) &&
                    mesh.planes == slabs.planes(comm.rank()) &&
                    mesh.values.size() == static_cast<std::size_t>(mesh.planes * mesh.n * mesh.n);
  if (!good)
    throw internal_error("a mesh of {} cells a side does not have the planes of rank {}", mesh.n,
                         comm.rank());
}

}  // namespace

void add_tidal_tensor(catalog::Table& halos, const Mesh& overdensity, Window filled, const domain::Box& box,
                      const std::vector<double>& smoothing_mpc_h, const mpi::Communicator& comm) {
  mpi::agree(comm, [&] { check_slab(overdensity, comm); });
  const Transform transform(overdensity.n, comm);
  auto delta = spectrum_of(overdensity, transform, comm);
  auto tide = mpi::agree(comm, [&] { return transform.make_buffer(); });
  const Interpolation interpolation(halos, box, transform, comm);
  const int window_power = filled == Window::cloud_in_cell ? 2 : 1;
  for (const double radius : smoothing_mpc_h) {
    WaveSpace space;
    for (int axis = 0; axis < 3; ++axis)
      space[static_cast<std::size_t>(axis)] = wave_axis(overdensity.n, box.side[axis], radius, window_power);
    for (std::size_t component = 0; component < axes_of.size(); ++component) {
      apply_kernel(transform.spectrum(delta), transform.spectrum(tide), space, component, transform);
      transform.backward(tide);
      fetch_upper_plane(tide, transform, comm);
      std::vector<double> values(interpolation.points());
      for (std::size_t point = 0; point < values.size(); ++point) values[point] = interpolation.at(point, tide);
      add_column(halos, radius, component, interpolation.to_rows(values));
    }
  }
}

}  // namespace halobrush::field
