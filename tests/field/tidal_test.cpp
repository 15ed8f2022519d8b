#include <gtest/gtest.h>

#include <Eigen/LU>

#include <complex>
#include <numbers>

#include "field/support.hpp"

namespace halobrush::field_test {
namespace {

constexpr double pi = std::numbers::pi;
const domain::Box box{{40, 60, 50}};

double sinc2(double x) {
  return x == 0 ? 1 : std::pow(std::sin(x) / x, 2);
}

// One whole number of waves along each axis of the box.
struct Wave {
  std::array<int, 3> m;
  Vec3 k(const domain::Box& b) const { return Vec3(m[0], m[1], m[2]).cwiseQuotient(b.side) * 2 * pi; }
  double window(std::int64_t n) const {
    double w = 1;
    for (const int i : m) w *= sinc2(pi * i / static_cast<double>(n));
    return w;
  }
};

// k_i k_j / k^2 exp(-k^2 R^2 / 2).
Mat3 kernel(const Vec3& k, double radius) {
  return k * k.transpose() / k.squaredNorm() * std::exp(-0.5 * k.squaredNorm() * radius * radius);
}

TEST(TidalTensor, OfAPlaneWaveIsItsKernelTimesTheWave) {
  const mpi::Communicator world(MPI_COMM_WORLD);
  const double radius = 2.5;
  for (const std::int64_t n : {15, 16})
    for (const Wave wave : {Wave{{1, 0, 0}}, Wave{{0, -1, 0}}, Wave{{0, 0, 2}}, Wave{{1, 2, 0}},
                            Wave{{2, -1, 3}}, Wave{{-1, 1, 1}}}) {
      const Vec3 k = wave.k(box);
      auto mesh = field::empty_mesh(n, world);
      for_each_cell(mesh, box,
                    [&](std::size_t i, const Vec3& centre) { mesh.values[i] = std::cos(k.dot(centre)); });
      const auto halos = share_of(random_halos(30, box, 3), world);
      auto table = table_of(halos);
      field::add_tidal_tensor(table, mesh, field::Window::none, box, {radius}, world);
      auto compensated_twice = table_of(halos);
      field::add_tidal_tensor(compensated_twice, mesh, field::Window::cloud_in_cell, box, {radius}, world);
      for (std::size_t row = 0; row < halos.size(); ++row) {
        double interpolated = 0;
        const auto whole = field::empty_mesh(n, mpi::Communicator(MPI_COMM_SELF));
        for_each_cell(whole, box, [&](std::size_t, const Vec3& centre) {
          interpolated += cic_weight(halos[row].pos, centre, n, box) * std::cos(k.dot(centre));
        });
        const Mat3 tide = tide_of(table, radius, row),
                   expected = kernel(k, radius) * interpolated / wave.window(n);
        EXPECT_LT((tide - expected).norm(), 1e-13) << "n " << n << "\n" << tide << "\n" << expected;
        EXPECT_LT((tide_of(compensated_twice, radius, row) - expected / wave.window(n)).norm(), 1e-13);
        // A compensated linear interpolation is the wave itself up to 1/W - 1 (at the cell centres).
        const Mat3 continuous = kernel(k, radius) * std::cos(k.dot(halos[row].pos));
        EXPECT_LT((tide - continuous).norm(), kernel(k, radius).norm() * (1 / wave.window(n) - 1) * 1.2);
      }
    }
}

// Direct Fourier sums over an arbitrary mesh. Where n is even the Nyquist mode stands for both signs, half
// each.
class DirectSum {
 public:
  DirectSum(const field::Mesh& mesh, double radius) : n_(mesh.n), radius_(radius) {
    const auto half = static_cast<int>(n_ / 2);
    std::array<int, 3> m{};
    for (m[0] = -half; m[0] <= half; ++m[0])
      for (m[1] = -half; m[1] <= half; ++m[1])
        for (m[2] = -half; m[2] <= half; ++m[2])
          if (m != std::array<int, 3>{}) modes_.push_back({{m}, amplitude({m}, mesh)});
  }

  Mat3 interpolated(const Vec3& pos) const {
    Mat3 sum = Mat3::Zero();
    for (std::int64_t i = 0; i < n_; ++i)
      for (std::int64_t j = 0; j < n_; ++j)
        for (std::int64_t k = 0; k < n_; ++k)
          if (const Vec3 centre = cell_centre(i, j, k, n_, box); cic_weight(pos, centre, n_, box) > 0)
            sum += cic_weight(pos, centre, n_, box) * at(centre);
    return sum;
  }

 private:
  struct Mode {
    Wave wave;
    std::complex<double> amplitude;
  };
  std::complex<double> amplitude(const Wave& wave, const field::Mesh& mesh) const {
    std::complex<double> sum = 0;
    for_each_cell(mesh, box, [&](std::size_t i, const Vec3& centre) {
      sum += mesh.values[i] * std::polar(1.0, -wave.k(box).dot(centre));
    });
    for (const int m : wave.m)
      if (2 * std::abs(m) == n_) sum /= 2;
    return sum / std::pow(static_cast<double>(n_), 3) / std::pow(wave.window(n_), 2);
  }
  Mat3 at(const Vec3& centre) const {
    Mat3 sum = Mat3::Zero();
    for (const auto& [wave, value] : modes_) {
      const Vec3 k = wave.k(box);
      sum += kernel(k, radius_) * (value * std::polar(1.0, k.dot(centre))).real();
    }
    return sum;
  }

  std::int64_t n_;
  double radius_;
  std::vector<Mode> modes_;
};

TEST(TidalTensor, OfAnyMeshIsTheDirectFourierSum) {
  const mpi::Communicator world(MPI_COMM_WORLD), self(MPI_COMM_SELF);
  const auto sources = random_halos(20, box, 4);
  for (const std::int64_t n : {5, 6}) {
    const double radius = 5;
    const auto whole = field::halo_overdensity(table_of(sources), box, n, self);
    const DirectSum direct(whole, radius);
    const auto halos = share_of(random_halos(6, box, 5), world);
    auto table = table_of(halos);
    field::add_tidal_tensor(table, field::halo_overdensity(table_of(share_of(sources, world)), box, n, world),
                            field::Window::cloud_in_cell, box, {radius}, world);
    for (std::size_t row = 0; row < halos.size(); ++row) {
      const Mat3 expected = direct.interpolated(halos[row].pos), tide = tide_of(table, radius, row);
      EXPECT_LT((tide - expected).norm(), 1e-11) << "n " << n << "\n" << tide << "\n" << expected;
    }
  }
}

// Smoothing must act on the trace alone in the same way: the trace is the smoothed, compensated, interpolated
// overdensity.
TEST(TidalTensor, HasTheSmoothedOverdensityAsItsTrace) {
  const mpi::Communicator world(MPI_COMM_WORLD);
  const std::int64_t n = 12;
  const std::vector<Wave> waves = {{{1, 0, 0}}, {{0, 2, 1}}, {{-2, 1, 1}}, {{6, 0, 0}}, {{6, 1, 0}}};
  auto mesh = field::empty_mesh(n, world);
  for_each_cell(mesh, box, [&](std::size_t i, const Vec3& centre) {
    for (const auto& wave : waves) mesh.values[i] += std::cos(wave.k(box).dot(centre) + 0.3);
  });
  const std::vector<double> radii = {0.5, 3, 10};
  const auto halos = share_of(random_halos(20, box, 6), world);
  auto table = table_of(halos);
  field::add_tidal_tensor(table, mesh, field::Window::none, box, radii, world);
  for (const double radius : radii)
    for (std::size_t row = 0; row < halos.size(); ++row) {
      double expected = 0;
      const auto whole = field::empty_mesh(n, mpi::Communicator(MPI_COMM_SELF));
      for_each_cell(whole, box, [&](std::size_t, const Vec3& centre) {
        for (const auto& wave : waves) {
          const Vec3 k = wave.k(box);
          expected += cic_weight(halos[row].pos, centre, n, box) * std::cos(k.dot(centre) + 0.3) *
                      std::exp(-0.5 * k.squaredNorm() * radius * radius) / wave.window(n);
        }
      });
      EXPECT_NEAR(tide_of(table, radius, row).trace(), expected, 1e-12);
    }
}

// Hessian of the potential of a point mass smoothed with a Gaussian, phi = -V erf(r / (sqrt2 R)) / (4 pi r)
// where the mean density of a box of volume V is one: nabla^2 phi = V times the Gaussian.
Mat3 point_mass_tide(const Vec3& separation, double radius, double volume) {
  const double r = separation.norm(), u = r / radius;
  const Vec3 e = separation / r;
  const double enclosed = std::erf(u / std::sqrt(2)) - std::sqrt(2 / pi) * u * std::exp(-0.5 * u * u);
  const double gaussian = std::exp(-0.5 * u * u) / std::pow(2 * pi * radius * radius, 1.5);
  const double transverse = enclosed / (4 * pi * r * r * r);
  const Mat3 radial = e * e.transpose();
  return volume * (transverse * (Mat3::Identity() - radial) + (gaussian - 2 * transverse) * radial);
}

// All periodic images in a cube, less the mean density. The cubes' remainder falls with the square of their
// size: at 17^3 images it is below 1e-3 here.
Mat3 periodic_point_mass_tide(const Vec3& separation, double radius, double side) {
  Mat3 sum = -Mat3::Identity() / 3;
  for (int i = -8; i <= 8; ++i)
    for (int j = -8; j <= 8; ++j)
      for (int k = -8; k <= 8; ++k)
        sum += point_mass_tide(separation + side * Vec3(i, j, k), radius, side * side * side);
  return sum;
}

TEST(TidalTensor, OfAPointMassIsTheClosedForm) {
  const mpi::Communicator world(MPI_COMM_WORLD);
  const double side = 80, radius = 5;
  const domain::Box cube{{side, side, side}};
  const Halo mass{0, {13.3, 47.1, 79.4}, 1e14};
  std::vector<Halo> probes;
  for (const double r : {1.0, 4.0, 8.0, 12.0, 16.0, 25.0}) {
    RandomStream random(7, static_cast<std::int64_t>(r), Purpose::test);
    for (int i = 0; i < 3; ++i)
      probes.push_back(
          {static_cast<std::int64_t>(probes.size()), cube.wrap(mass.pos + r * random.unit_vector()), 0});
  }
  const auto halos = share_of(probes, world);
  const double at_centre =
      side * side * side / std::pow(2 * pi * radius * radius, 1.5);  // smoothed overdensity
  for (const std::int64_t n : {64, 128}) {
    const auto mesh = field::halo_overdensity(table_of(share_of({mass}, world)), cube, n, world);
    auto table = table_of(halos);
    field::add_tidal_tensor(table, mesh, field::Window::cloud_in_cell, cube, {radius}, world);
    // Linear interpolation of modes k ~ 1/R is off by about (k h)^2 / 12 (assignment, and again to the
    // probe).
    const double cell = side / static_cast<double>(n),
                 tolerance = 2 * std::pow(cell / radius, 2) / 12 * at_centre;
    for (std::size_t row = 0; row < halos.size(); ++row) {
      const Vec3 separation = cube.nearest_image(halos[row].pos - mass.pos);
      const Mat3 expected = periodic_point_mass_tide(separation, radius, side),
                 tide = tide_of(table, radius, row);
      EXPECT_LT((tide - expected).norm(), tolerance) << "n " << n << " r " << separation.norm() << "\n"
                                                     << tide << "\n"
                                                     << expected;
    }
  }
}

TEST(TidalTensor, HasTheSameBitsForAnyRanksAndRowOrder) {
  const mpi::Communicator world(MPI_COMM_WORLD), self(MPI_COMM_SELF);
  const auto halos = random_halos(500, box, 8);
  // FFTW-MPI's own plans differ between ranks on these meshes: 30, 36, 50 on 7, 50 on 3; 2 and 5 leave ranks
  // without planes.
  for (const std::int64_t n : {2, 5, 24, 30, 36, 50}) {
    const auto compute = [&](catalog::Table table, const mpi::Communicator& comm) {
      const auto mesh = field::halo_overdensity(table, box, n, comm);
      field::add_tidal_tensor(table, mesh, field::Window::cloud_in_cell, box, {1, 4}, comm);
      return table;
    };
    const auto alone = compute(table_of(halos), self);
    const auto mine = share_of(halos, world);
    const auto shared = compute(table_of(mine), world);
    for (std::size_t row = 0; row < mine.size(); ++row)
      for (const double radius : {1.0, 4.0})
        EXPECT_EQ(tide_of(shared, radius, row),
                  tide_of(alone, radius, static_cast<std::size_t>(mine[row].id)))
            << "n " << n << " halo " << mine[row].id;
  }
}

std::vector<Mat3> cube_rotations() {
  std::vector<Mat3> rotations;
  std::array<int, 3> axes = {0, 1, 2};
  do {
    for (int signs = 0; signs < 8; ++signs) {
      Mat3 q = Mat3::Zero();
      for (int i = 0; i < 3; ++i) q(i, axes[static_cast<std::size_t>(i)]) = (signs >> i) & 1 ? -1 : 1;
      if (q.determinant() > 0) rotations.push_back(q);
    }
  } while (std::next_permutation(axes.begin(), axes.end()));
  return rotations;
}

TEST(TidalTensor, TurnsWithTheCatalog) {
  const mpi::Communicator world(MPI_COMM_WORLD);
  const domain::Box cube{{50, 50, 50}};
  const auto halos = share_of(random_halos(60, cube, 9), world);
  const auto compute = [&](const Mat3& rotation) {
    auto turned = halos;
    const Vec3 centre = cube.side / 2;
    for (auto& halo : turned) halo.pos = cube.wrap(rotation * (halo.pos - centre) + centre);
    auto table = table_of(turned);
    const auto mesh = field::halo_overdensity(table, cube, 16, world);
    field::add_tidal_tensor(table, mesh, field::Window::cloud_in_cell, cube, {3}, world);
    return table;
  };
  const auto rotations = cube_rotations();
  ASSERT_EQ(rotations.size(), 24u);
  const auto original = compute(Mat3::Identity());
  for (const auto& q : rotations) {
    const auto turned = compute(q);
    for (std::size_t row = 0; row < halos.size(); ++row) {
      const Mat3 expected = q * tide_of(original, 3, row) * q.transpose();
      EXPECT_LT((tide_of(turned, 3, row) - expected).norm(), 1e-10);
    }
  }
}

TEST(TidalTensor, IsZeroInAnEmptyUniverseAndEmptyWithoutHalos) {
  const mpi::Communicator world(MPI_COMM_WORLD);
  const auto mesh = field::halo_overdensity(table_of({}), box, 8, world);
  auto table = table_of(share_of(random_halos(5, box, 10), world));
  field::add_tidal_tensor(table, mesh, field::Window::cloud_in_cell, box, {1, 4}, world);
  for (std::size_t row = 0; row < table.rows(); ++row) EXPECT_EQ(tide_of(table, 4, row), Mat3(Mat3::Zero()));
  auto empty = table_of({});
  field::add_tidal_tensor(empty, mesh, field::Window::cloud_in_cell, box, {1}, world);
  EXPECT_EQ(empty.get<double>("tidal_1_xy").size(), 0u);
}

TEST(TidalColumn, IsNamedByRadiusAndComponent) {
  EXPECT_EQ(catalog::tidal_column(4, 3), "tidal_4_xy");
  EXPECT_EQ(catalog::tidal_column(0.5, 2), "tidal_0.5_zz");
}

}  // namespace
}  // namespace halobrush::field_test
