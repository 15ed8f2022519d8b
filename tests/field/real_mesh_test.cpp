// Does the tidal field of the halos alone follow that of all the matter? Measured on a real N-body run.
#include <fmt/core.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>

#include "field/support.hpp"
#include "halobrush/catalog/reader.hpp"

namespace halobrush::field_test {
namespace {

class Correlation {
 public:
  void add(double a, double b) {
    const std::array<double, 6> terms = {1, a, b, a * a, b * b, a * b};
    for (std::size_t i = 0; i < terms.size(); ++i) sums_[i] += terms[i];
  }
  double over(const mpi::Communicator& comm) {
    comm.sum_in_place(std::span<double>(sums_));
    const auto [n, a, b, aa, bb, ab] = sums_;
    return (ab / n - a * b / n / n) / std::sqrt((aa / n - a * a / n / n) * (bb / n - b * b / n / n));
  }

 private:
  std::array<double, 6> sums_{};
};

TEST(RealMesh, TheTideOfTheHalosFollowsThatOfTheMatter) {
  const mpi::Communicator world(MPI_COMM_WORLD);
  const std::string density = HALOBRUSH_SOURCE_DIR "/../shared/data/nbody/density_cic256_z0.h5";
  if (!std::filesystem::exists(density))
    GTEST_SKIP() << "the density mesh of the demo run is not here: " << density;
  const auto catalog =
      catalog::read_halos(HALOBRUSH_SOURCE_DIR "/data/demo/rockstar_z0_pid.list.gz", {}, world);
  const auto& side = catalog.simulation.box;
  const domain::Box box{{side[0], side[1], side[2]}};
  auto from_matter = catalog.halos, from_halos = catalog.halos;
  field::add_tidal_tensor(from_matter, field::read_overdensity(density, "delta", world),
                          field::Window::cloud_in_cell, box, {4}, world);
  field::add_tidal_tensor(from_halos, field::halo_overdensity(catalog.halos, box, 128, world),
                          field::Window::cloud_in_cell, box, {4}, world);
  Correlation diagonal, off_diagonal;
  double cosine = 0;
  for (std::size_t row = 0; row < catalog.halos.rows(); ++row) {
    const Mat3 a = tide_of(from_matter, 4, row), b = tide_of(from_halos, 4, row);
    const Mat3 a0 = a - a.trace() / 3 * Mat3::Identity(), b0 = b - b.trace() / 3 * Mat3::Identity();
    cosine += a0.cwiseProduct(b0).sum() / (a0.norm() * b0.norm());
    for (int i = 0; i < 3; ++i) {
      diagonal.add(a(i, i), b(i, i));
      off_diagonal.add(a(i, (i + 1) % 3), b(i, (i + 1) % 3));
    }
  }
  const double r_diagonal = diagonal.over(world), r_off = off_diagonal.over(world);
  cosine =
      world.sum(cosine) / static_cast<double>(world.sum(static_cast<std::uint64_t>(catalog.halos.rows())));
  if (world.root())
    fmt::print(
        "tide of halos against tide of matter at 4 Mpc/h: correlation {:.4f} (diagonal), {:.4f} "
        "(off-diagonal), "
        "mean cosine between traceless parts {:.4f}\n",
        r_diagonal, r_off, cosine);
  EXPECT_GT(r_diagonal, 0.95);
  EXPECT_GT(r_off, 0.95);
  EXPECT_GT(cosine, 0.95);
}

}  // namespace
}  // namespace halobrush::field_test
