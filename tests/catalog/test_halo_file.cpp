#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "catalog/support.hpp"
#include "halobrush/catalog/mock.hpp"
#include "halobrush/catalog/reader.hpp"

namespace halobrush::catalog {
namespace {

const std::string demo = HALOBRUSH_SOURCE_DIR "/data/demo/rockstar_z0_pid.list.gz";

class HaloFile : public testing::Test {
 protected:
  // Rows of three halos on rank 0, those of the others are empty.
  HaloCatalog small() const {
    HaloCatalog catalog;
    const auto n = static_cast<std::size_t>(world_.root() ? 3 : 0);
    for (const auto& column : halo_schema()) {
      if (!column.required) continue;
      if (column.integer)
        catalog.halos.add(column.spec, std::vector<std::int64_t>(n, -1));
      else
        catalog.halos.add(column.spec, std::vector<double>(n, 5));
    }
    for (std::size_t i = 0; i < n; ++i)
      catalog.halos.get<std::int64_t>("id")[i] = 10 - static_cast<std::int64_t>(i);
    catalog.simulation.box = {10, 20, 30};
    catalog.simulation.omega_m = 0.3;
    catalog.simulation.omega_l = 0.7;
    catalog.simulation.h = 0.7;
    return catalog;
  }
  void expect_refused(const HaloCatalog& catalog, const std::string& message) {
    write_halos(path_, catalog, world_);
    expect_error(ExitCode::data, path_ + message, [&] { read_halos(path_, {}, world_); });
  }

  mpi::Communicator world_{MPI_COMM_WORLD};
  SharedFolder folder_{world_};
  std::string path_ = folder_ / "halos.hdf5";
};

TEST_F(HaloFile, HoldsWhatTheRockstarReaderGave) {
  const auto catalog = read_halos(demo, {}, world_);
  write_halos(path_, catalog, world_);
  EXPECT_EQ(kind_of(path_), FileKind::halo_catalog);
  const auto back = read_halos(path_, {}, world_);
  expect_equal(gather(back.halos, world_), gather(catalog.halos, world_));
  EXPECT_EQ(back.simulation.box, catalog.simulation.box);
  EXPECT_EQ(back.simulation.omega_l, catalog.simulation.omega_l);
  EXPECT_EQ(back.simulation.particle_mass, catalog.simulation.particle_mass);
  EXPECT_TRUE(std::isnan(back.simulation.sigma_8));
  EXPECT_EQ(back.source.format, "halobrush");
  auto remarks = catalog.remarks;
  remarks.push_back("made from " + demo + " (rockstar, sha256 " + catalog.source.sha256 + ")");
  EXPECT_EQ(back.remarks, remarks);

  const auto header = read_header(path_, {});
  EXPECT_EQ(header.rows, 25'667u);
  EXPECT_TRUE(header.rows_exact);
  ASSERT_EQ(header.columns.size(), catalog.halos.columns().size());
  EXPECT_EQ(header.columns[0], "id");
}

TEST_F(HaloFile, MayHaveEmptyRanksNoRowsAndOtherColumns) {
  auto catalog = small();
  catalog.halos.add<double>({"tidal_1_xx", "", "tidal tensor"});
  write_halos(path_, catalog, world_);
  expect_equal(gather(read_halos(path_, {}, world_).halos, world_), gather(catalog.halos, world_));
  catalog.halos.resize(0);
  write_halos(path_, catalog, world_);
  EXPECT_EQ(read_halos(path_, {}, world_).halos.rows(), 0u);
}

TEST_F(HaloFile, IsRefusedWithImpossibleValuesByRowAndColumn) {
  auto catalog = small();
  if (world_.root()) catalog.halos.get<double>("y")[2] = 20.5;
  expect_refused(catalog, ": row 2: column 'y' is 20.5 (0.5 outside the box of 20 Mpc/h, where rounding explains 2e-05); check box and units");
  if (world_.root()) catalog.halos.get<double>("mass")[1] = 0;
  expect_refused(catalog, ": row 1: column 'mass' is 0 (a mass is positive); repair or remove the row");
  catalog = small();
  if (world_.root()) catalog.halos.get<std::int64_t>("id")[2] = 10;
  expect_refused(catalog, ": id 10 occurs more than once (ids name halos); keep one of the rows");
}

TEST_F(HaloFile, IsConvertedFromAnotherTypeOrUnitOrRefusedWithoutARequiredColumn) {
  auto catalog = small();
  catalog.halos.remove("vy");
  expect_refused(catalog, ": no column 'vy' (nearest known: 'y'); add it");
  const auto rows = catalog.halos.rows();
  catalog.halos.add({"vy", "km/s", ""}, std::vector<float>(rows, 2.5F));
  catalog.halos.remove("radius");
  catalog.halos.add({"radius", "comoving kpc/h", ""}, std::vector<double>(rows, 250));
  write_halos(path_, catalog, world_);
  const auto back = read_halos(path_, {}, world_);
  const auto halos = gather(back.halos, world_);
  EXPECT_EQ(halos.get<double>("vy")[1], 2.5);
  EXPECT_EQ(halos.get<double>("radius")[2], 0.25);
  EXPECT_EQ(back.remarks, std::vector<std::string>{"radius: 'kpc/h' in the file, 'Mpc/h' here"});
  catalog.halos.remove("vy");
  catalog.halos.add({"vy", "kpc/h", ""}, std::vector<double>(rows));
  expect_refused(catalog,
                 ": column 'vy': unit 'kpc/h': 'km/s' is needed, which is something else; write it as 'km/s' or the "
                 "like, or convert the numbers");
}

TEST_F(HaloFile, HasPureNumbersAndUnitsWhereTheyBelong) {
  auto catalog = small();
  const auto rows = catalog.halos.rows();
  catalog.halos.add({"jx", "kpc km/s", ""}, std::vector<double>(rows, 1));  // only its direction is used
  catalog.halos.add({"jy", "kpc km/s", ""}, std::vector<double>(rows, 2));
  catalog.halos.add({"jz", "kpc km/s", ""}, std::vector<double>(rows, 3));
  catalog.halos.add({"specific_spin", "(kpc/h) (km/s)", ""}, std::vector<double>(rows, 250));
  catalog.halos.add({"spin", "dimensionless", ""}, std::vector<double>(rows, .04));
  write_halos(path_, catalog, world_);
  const auto halos = gather(read_halos(path_, {}, world_).halos, world_);
  EXPECT_EQ(halos.get<double>("specific_spin")[1], 0.25);
  EXPECT_EQ(halos.get<double>("spin")[1], .04);
  EXPECT_EQ(halos.get<double>("jz")[1], 3);
  catalog.halos.remove("spin");
  catalog.halos.add({"spin", "km", ""}, std::vector<double>(rows, .04));
  expect_refused(catalog, ": column 'spin': unit 'km': a pure number is needed, which is something else; write it as 'dimensionless' or the "
                          "like, or convert the numbers");
  expect_error(ExitCode::data, path_ + ": column 'spin': unit 'km': a pure number is needed, which is something else; write it as 'dimensionless' or the "
               "like, or convert the numbers", [&] { read_header(path_, {}); });
}

TEST_F(HaloFile, KnowsEveryIdTwice) {
  auto catalog = small();
  const auto ids = catalog.halos.get<std::int64_t>("id");
  for (std::size_t i = 1; i < ids.size(); ++i) ids[i] = std::numeric_limits<std::int64_t>::max();
  expect_refused(catalog, ": id 9223372036854775807 occurs more than once (ids name halos); keep one of the rows");
}

TEST_F(HaloFile, IsNotTakenForAMockNorTheOtherWayRound) {
  write_halos(path_, small(), world_);
  expect_error(
      ExitCode::data,
      path_ +
          ": holds 'halo_properties', a galaxy catalog ('synthetic_galaxies') is needed; give another file",
      [&] { read_mock(path_, {}, world_); });
  const auto text = folder_.write("text", "hello");
  expect_error(ExitCode::data,
               text +
                   ": is no halo catalog of a format that is read here (they are in docs/formats.md); check input.path, or set "
                   "input.format to learn what is missing; HDF5 of any layout is read by input.columns",
               [&] { read_halos(text, {}, world_); });
}

}  // namespace
}  // namespace halobrush::catalog
