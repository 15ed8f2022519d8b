#include <gtest/gtest.h>
#include <hdf5.h>
#include <unistd.h>

#include <filesystem>
#include <limits>
#include <numeric>
#include <span>

#include "field/support.hpp"
#include "halobrush/core/error.hpp"

namespace halobrush::field_test {
namespace {

const domain::Box box{{40, 60, 50}};

TEST(HaloOverdensity, IsTheBruteForceCloudInCellSumOverItsMean) {
  const mpi::Communicator world(MPI_COMM_WORLD);
  auto halos = random_halos(50, box, 1);
  halos[0].pos = {0, 0, 0};
  halos[1].pos = {39.999999, 0.01, 49.99};
  for (const std::int64_t n : {1, 2, 5, 8}) {
    const auto mesh = field::halo_overdensity(table_of(share_of(halos, world)), box, n, world);
    double total = 0;
    for (const auto& halo : halos) total += halo.mass;
    const double mean = total / std::pow(static_cast<double>(n), 3);
    for_each_cell(mesh, box, [&](std::size_t index, const Vec3& centre) {
      double sum = 0;
      for (const auto& halo :
           halos)  // a cell that is its own neighbour takes both halves, the triangle sees one
        sum += halo.mass * (n == 1 ? 1 : cic_weight(halo.pos, centre, n, box));
      EXPECT_NEAR(mesh.values[index], sum / mean - 1, 1e-10) << "n " << n << " cell " << index;
    });
    EXPECT_EQ(world.sum(mesh.planes), n);
    EXPECT_NEAR(world.sum(std::accumulate(mesh.values.begin(), mesh.values.end(), 0.0)), 0, 1e-8);
  }
}

TEST(HaloOverdensity, HasTheSameBitsForAnyRanksAndRowOrder) {
  const mpi::Communicator world(MPI_COMM_WORLD), self(MPI_COMM_SELF);
  const auto halos = random_halos(3000, box, 2);
  for (const std::int64_t n : {3, 12, 30}) {
    const auto alone = field::halo_overdensity(table_of(halos), box, n, self);
    const auto shared = field::halo_overdensity(table_of(share_of(halos, world)), box, n, world);
    const auto offset = static_cast<std::ptrdiff_t>(shared.first_plane * n * n);
    EXPECT_TRUE(std::equal(shared.values.begin(), shared.values.end(), alone.values.begin() + offset))
        << "n " << n;
  }
}

TEST(HaloOverdensity, IsZeroWithoutHalos) {
  const mpi::Communicator world(MPI_COMM_WORLD);
  const auto mesh = field::halo_overdensity(table_of({}), box, 6, world);
  EXPECT_EQ(world.sum(static_cast<std::uint64_t>(mesh.values.size())), 216u);
  for (const double value : mesh.values) EXPECT_EQ(value, 0);
}

// An HDF5 file made by rank 0, removed at the end.
class MeshFile : public testing::Test {
 protected:
  void SetUp() override {
    int process = static_cast<int>(getpid());
    world_.broadcast(std::span(&process, 1));
    path_ = std::filesystem::temp_directory_path() / fmt::format("halobrush_mesh_{}.h5", process);
    if (world_.root()) {
      const hid_t file = H5Fcreate(path_.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
      for (std::size_t i = 0; i < good_.size(); ++i) good_[i] = 0.01f * static_cast<float>(i % 7) - 0.03f;
      write(file, "delta", {5, 5, 5}, good_);
      write(file, "flat", {5, 5, 4}, good_);
      auto broken = good_;
      broken[124] = std::numeric_limits<float>::quiet_NaN();
      write(file, "broken", {5, 5, 5}, broken);
      broken[124] = -1.5F;
      write(file, "negative", {5, 5, 5}, broken);
      H5Gclose(H5Gcreate2(file, "group", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
      write(file, "density", {5, 5, 5}, std::vector<float>(125, 1e9f));
      H5Fclose(file);
    }
    world_.barrier();
  }
  void TearDown() override {
    world_.barrier();
    if (world_.root()) std::filesystem::remove(path_);
  }
  std::string error_of(const std::string& dataset, ExitCode code) const {
    return error_of(path_, dataset, code);
  }
  std::string error_of(const std::string& file, const std::string& dataset, ExitCode code) const {
    try {
      field::read_overdensity(file, dataset, world_);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), code);
      return error.what();
    }
    ADD_FAILURE() << "no error for " << dataset;
    return "";
  }

  const mpi::Communicator world_{MPI_COMM_WORLD};
  std::filesystem::path path_;
  std::vector<float> good_ = std::vector<float>(125);

 private:
  static void write(hid_t file, const char* name, const std::vector<hsize_t>& shape,
                    const std::vector<float>& values) {
    const hid_t space = H5Screate_simple(3, shape.data(), nullptr);
    const hid_t data = H5Dcreate2(file, name, H5T_IEEE_F32LE, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    H5Dwrite(data, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data());
    H5Dclose(data);
    H5Sclose(space);
  }
};

TEST_F(MeshFile, GivesEveryRankItsPlanes) {
  const auto mesh = field::read_overdensity(path_, "delta", world_);
  EXPECT_EQ(mesh.n, 5);
  EXPECT_EQ(world_.sum(mesh.planes), 5);
  for (std::size_t i = 0; i < mesh.values.size(); ++i) {
    const auto cell = static_cast<std::size_t>(mesh.first_plane) * 25 + i;
    EXPECT_EQ(mesh.values[i], static_cast<double>(0.01f * static_cast<float>(cell % 7) - 0.03f));
  }
}

TEST_F(MeshFile, ErrorsNameFileAndDataset) {
  EXPECT_NE(error_of("group", ExitCode::data).find("column '/group' is a group"), std::string::npos);
  for (const auto& [dataset, value] : {std::pair("broken", "nan"), {"negative", "-1.5"}})
    EXPECT_NE(error_of(dataset, ExitCode::data).find(fmt::format("cell [4,4,4] is {}", value)), std::string::npos);
  for (const auto* dataset : {"absent", "flat", "broken", "negative", "density"}) {
    const auto text = error_of(dataset, ExitCode::data);
    EXPECT_NE(text.find(path_.string() + ": " + dataset), std::string::npos) << text;
  }
  EXPECT_NE(error_of("/nowhere/mesh.h5", "delta", ExitCode::io).find("/nowhere/mesh.h5"), std::string::npos);
}

}  // namespace
}  // namespace halobrush::field_test
