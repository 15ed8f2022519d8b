#include <gtest/gtest.h>
#include <zlib.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <numeric>
#include <sstream>

#include "catalog/support.hpp"
#include "halobrush/catalog/mock.hpp"
#include "halobrush/catalog/reader.hpp"
#include "halobrush/core/hash.hpp"

namespace halobrush::catalog {
namespace {

const std::string demo = HALOBRUSH_SOURCE_DIR "/data/demo/rockstar_z0_pid.list.gz";
const std::string shared_data = HALOBRUSH_SOURCE_DIR "/../shared/data";

const std::string small_names =
    "#ID DescID M200b Vmax Vrms R200b Rs Np X Y Z VX VY VZ JX JY JZ Spin Mvir b_to_a c_to_a A[x] A[y] A[z] "
    "b_to_a(500c) c_to_a(500c) A[x](500c) A[y](500c) A[z](500c) PID\n";
const std::string small_comments =
    "#a = 0.500000\n#Om = 0.300000; Ol = 0.700000; h = 0.680000\n#Particle mass: 4.0e+10 Msun/h\n#Box size: "
    "100.000000 Mpc/h\n"
    "#Units: Masses in Msun / h\n#Units: Positions in Mpc / h (comoving)\n#Units: Velocities in km / s "
    "(physical, peculiar)\n"
    "#Units: Halo Distances, Lengths, and Radii in kpc / h (comoving)\n";
const std::vector<std::string> small_rows = {
    "7 -1 1e12 200 180 250 25 50 10 20 30 1 2 3 4 5 6 0.05 2e12 0.8 0.6 0 3 4 0.1 0.1 9 9 9 -1\n",
    "3 -1 2e11 100 90 150 15 20 100 0 50 -1 -2 -3 0 0 1 0.04 3e11 0 0 0 0 0 0 0 0 0 0 7\n",
    "5 -1 3e11 110 95 160 16 25 99.99 1e-3 50 -1 -2 -3 0 0 1 0.04 3e11 0.5 0 1 1 1 0 0 0 0 0 7\n"};

std::string small_file(const std::string& rows) {
  return small_names + small_comments + rows;
}
std::string small_file() {
  return small_file(small_rows[0] + small_rows[1] + small_rows[2]);
}

std::string replaced(std::string text, const std::string& what, const std::string& by) {
  const auto at = text.find(what);
  EXPECT_NE(at, std::string::npos) << what;
  return text.replace(at, what.size(), by);
}

std::string inflated(const std::string& path) {
  const auto file = gzopen(path.c_str(), "rb");
  std::string text, buffer(1 << 20, '\0');
  for (int n; (n = gzread(file, buffer.data(), 1 << 20)) > 0;)
    text.append(buffer, 0, static_cast<std::size_t>(n));
  gzclose(file);
  return text;
}

class Rockstar : public testing::Test {
 protected:
  HaloCatalog read(const std::string& text) {
    return read_halos(folder_.write("halos.list", text), {}, world_);
  }
  void expect_refused(const std::string& text, const std::string& message, ExitCode code = ExitCode::data) {
    const auto path = folder_.write("halos.list", text);
    expect_error(code, path + message, [&] { read_halos(path, {}, world_); });
  }

  mpi::Communicator world_{MPI_COMM_WORLD};
  mpi::Communicator self_{MPI_COMM_SELF};
  SharedFolder folder_{world_};
};

TEST_F(Rockstar, ReadsTheDemoCatalogAsItsProvenanceDescribesIt) {
  const auto catalog = read_halos(demo, {}, world_);
  const auto halos = gather(catalog.halos, world_);
  ASSERT_EQ(halos.rows(), 25'667u);
  const auto parent = halos.get<std::int64_t>("parent_id");
  EXPECT_EQ(std::ranges::count_if(parent, [](auto p) { return p != -1; }), 1'941);
  // Counted in the file: |A| = 0, b_to_a = 0 or c_to_a = 0.
  EXPECT_EQ(std::ranges::count(halos.get<std::uint8_t>("shape_resolved"), 0), 1'233);
  const auto ids = halos.get<std::int64_t>("id");
  EXPECT_EQ(std::accumulate(ids.begin(), ids.end(), std::int64_t{0}), 329'384'611);

  const auto row = static_cast<std::size_t>(std::ranges::find(ids, 3232) - ids.begin());
  EXPECT_EQ(row, 3u);
  EXPECT_EQ(parent[1], 3232);
  EXPECT_EQ(halos.get<double>("mass")[row], 1.1051e14);
  EXPECT_DOUBLE_EQ(halos.get<double>("radius")[row], 0.975658);
  EXPECT_DOUBLE_EQ(halos.get<double>("scale_radius")[row], 0.260218);
  EXPECT_EQ(halos.get<std::int64_t>("n_particles")[row], 2120);
  EXPECT_EQ(halos.vector("", row), Vec3(47.90687, 69.84875, 38.13341));
  EXPECT_EQ(halos.vector("v", row), Vec3(-407.35, 457.69, 636.84));
  EXPECT_EQ(halos.vector("j", row), Vec3(3.274e15, 1.003e16, -7.589e15));
  EXPECT_EQ(halos.get<double>("spin")[row], 0.07979);
  EXPECT_EQ(halos.get<double>("b_to_a")[row], 0.41105);
  EXPECT_EQ(halos.get<double>("c_to_a")[row], 0.28726);
  EXPECT_LT((halos.vector("axis_", row) - Vec3(6.40395, 74.21708, 129.88634).normalized()).norm(), 1e-15);

  const auto& s = catalog.simulation;
  EXPECT_EQ(s.box, (std::array{150., 150., 150.}));
  EXPECT_EQ(s.scale_factor, 1);
  EXPECT_EQ(s.omega_m, 0.3089);
  EXPECT_EQ(s.omega_l, 0.6911);
  EXPECT_EQ(s.h, 0.6774);
  EXPECT_EQ(s.particle_mass, 4.08828e10);
  EXPECT_TRUE(std::isnan(s.sigma_8));
  EXPECT_EQ(catalog.source.format, "rockstar");
  EXPECT_EQ(catalog.source.bytes, std::filesystem::file_size(demo));
  EXPECT_EQ(catalog.source.sha256, sha256_hex_of_file(demo));
  EXPECT_EQ(catalog.remarks,
            (std::vector<std::string>{"the halos' major axes are known, the roll about them is not",
                                      "1233 of 25667 halos have no shape (A, b_to_a or c_to_a is 0)"}));
}

TEST_F(Rockstar, HasAUnitAxisOrNullAndFiniteValuesEverywhere) {
  const auto catalog = read_halos(demo, {}, world_);
  const auto resolved = catalog.halos.get<std::uint8_t>("shape_resolved");
  for (std::size_t i = 0; i < catalog.halos.rows(); ++i) {
    const double length = catalog.halos.vector("axis_", i).norm();
    ASSERT_NEAR(length, resolved[i], 1e-15);
    ASSERT_EQ(catalog.halos.get<double>("b_to_a")[i] > 0, resolved[i] != 0);
    ASSERT_EQ(catalog.halos.get<double>("c_to_a")[i] > 0, resolved[i] != 0);
  }
}

TEST_F(Rockstar, GivesTheSameRowsInTheSameOrderPlainOrCompressedOnAnyNumberOfRanks) {
  const auto plain_path = folder_.write("plain", world_.root() ? inflated(demo) : "");
  const auto alone = read_halos(demo, {}, self_).halos;
  expect_equal(gather(read_halos(demo, {}, world_).halos, world_), alone);
  const auto plain = read_halos(plain_path, {}, world_).halos;
  expect_equal(gather(plain, world_), alone);
  EXPECT_LT(world_.max<std::uint64_t>(plain.rows()),
            alone.rows() / static_cast<std::size_t>(world_.size()) + 100);
}

TEST_F(Rockstar, LosesNoRowWhereARanksShareBeginsWithALine) {
  std::string rows;  // of one length, so that shares of 1, 2, 3 and 4 ranks are cut between rows
  for (int i = 10; i < 22; ++i) rows += std::to_string(i) + small_rows[0].substr(1);
  const auto catalog = read(small_file(rows));
  EXPECT_EQ(catalog.halos.rows(), 12u / static_cast<unsigned>(world_.size()));
  const auto ids = gather(catalog.halos, world_).columns()[0].data;
  EXPECT_EQ(ids, ColumnData(std::vector<std::int64_t>{10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21}));
}

TEST_F(Rockstar, FindsColumnsByNameWhateverTheirOrder) {
  std::istringstream lines(small_file());
  std::string shuffled;
  for (std::string line; std::getline(lines, line);) {
    const bool names = line.starts_with("#ID");
    if (line[0] == '#' && !names) {
      shuffled += line + "\n";
      continue;
    }
    std::istringstream words(names ? line.substr(1) : line);
    std::vector<std::string> fields{std::istream_iterator<std::string>(words), {}};
    std::ranges::reverse(fields);
    std::rotate(fields.begin(), fields.begin() + 5, fields.end());
    shuffled += names ? "#" : "";
    for (const auto& field : fields) shuffled += field + " ";
    shuffled += "\n";
  }
  const auto straight = read(small_file());
  const auto other = read(shuffled);
  expect_equal(other.halos, straight.halos);
  EXPECT_EQ(gather(straight.halos, world_).get<double>("mass")[0], 1e12);
  EXPECT_EQ(gather(straight.halos, world_).get<double>("radius")[0], 0.25);
}

TEST_F(Rockstar, TakesThePositionOnTheUpperEdgeToTheLowerOne) {
  const auto halos = gather(read(small_file()).halos, world_);
  EXPECT_EQ(halos.vector("", 1), Vec3(0, 0, 50));
}

TEST_F(Rockstar, KnowsAShapeOnlyWhereNoAxisVanishes) {
  const auto halos = gather(read(small_file()).halos, world_);
  EXPECT_EQ(halos.vector("axis_", 0), Vec3(0, 0.6, 0.8));
  EXPECT_EQ(halos.vector("axis_", 1), Vec3(0, 0, 0));
  EXPECT_EQ(halos.vector("axis_", 2), Vec3(0, 0, 0));
  EXPECT_EQ(halos.get<double>("b_to_a")[2], 0);
  const auto resolved = halos.get<std::uint8_t>("shape_resolved");
  EXPECT_EQ(std::vector(resolved.begin(), resolved.end()), (std::vector<std::uint8_t>{1, 0, 0}));
}

TEST_F(Rockstar, ReadsAFileWithoutRows) {
  const auto catalog = read(small_file(""));
  EXPECT_EQ(catalog.halos.rows(), 0u);
  EXPECT_TRUE(catalog.halos.has("shape_resolved"));
  EXPECT_EQ(catalog.simulation.scale_factor, 0.5);
}

TEST_F(Rockstar, ReadsALastLineWithoutAnEndWindowsEndsAndCommentsBetweenRows) {
  auto text = small_file(small_rows[0] + "#between\n\n" + small_rows[1] + small_rows[2]);
  text.pop_back();
  expect_equal(gather(read(text).halos, world_), gather(read(small_file()).halos, world_));
  std::string windows;
  for (const char c : text) windows += c == '\n' ? "\r\n" : std::string(1, c);
  expect_equal(gather(read(windows).halos, world_), gather(read(small_file()).halos, world_));
}

TEST_F(Rockstar, TakesEveryHaloForAHostWithoutAParentColumn) {
  const auto catalog = read(replaced(small_file(), " PID\n", " other\n"));
  const auto halos = gather(catalog.halos, world_);
  EXPECT_EQ(std::ranges::count(halos.get<std::int64_t>("parent_id"), -1), 3);
  EXPECT_EQ(catalog.remarks.at(0),
            "no column PID or UPID: every halo is taken for a host (Rockstar's find_parents adds PID)");
}

TEST_F(Rockstar, ReadsItsOwnHeaderWithoutRows) {
  const auto header = read_header(demo, {});
  EXPECT_NEAR(static_cast<double>(header.rows), 25'667, 0.02 * 25'667);
  EXPECT_FALSE(header.rows_exact);
  EXPECT_EQ(header.simulation.box[0], 150);
  const auto path = folder_.write("halos.list", small_file());
  EXPECT_EQ(read_header(path, {}).rows, 3u);
  EXPECT_TRUE(read_header(path, {}).rows_exact);
  const auto catalog = read_halos(path, {}, world_);
  std::vector<std::string> read_columns;
  for (const auto& column : catalog.halos.columns()) read_columns.push_back(column.spec.name);
  auto columns = read_header(path, {}).columns;
  std::ranges::sort(columns);
  std::ranges::sort(read_columns);
  EXPECT_EQ(columns, read_columns);
}

TEST_F(Rockstar, RefusesRowsOfAnotherLength) {
  expect_refused(
      small_file(small_rows[0] + small_rows[1].substr(0, small_rows[1].size() - 3) + "\n" + small_rows[2]),
      ": line 11: 29 fields, but line 1 names 30 columns (values would land in the wrong ones); make the "
      "names "
      "fit the rows");
  const auto trap = shared_data + "/nbody/find_parents_raw_z0.list.gz";
  if (!std::filesystem::exists(trap)) GTEST_SKIP() << "no " << trap;
  expect_error(
      ExitCode::data,
      trap +
          ": line 17: 34 fields, but line 1 names 41 columns (values would land in the wrong ones); make the "
          "names fit the rows",
      [&] { read_halos(trap, {}, world_); });
}

TEST_F(Rockstar, RefusesMissingAndRepeatedColumnsByName) {
  expect_refused(
      replaced(small_file(), " VX ", " VX_pec "),
      ": line 1: no column 'VX' (the velocity) (nearest known: 'X'); rename the column that holds it");
  expect_refused(
      replaced(small_file(), "#ID ", "#Number "),
      ": line 1: no column 'ID' (the halo's number) (nearest known: 'PID'); rename the column that holds it");
  expect_refused(replaced(small_file(), " R200b ", " Radius "),
                 ": line 1: no column 'R200b' (the radius of the main mass) (nearest known: 'M200b'); rename "
                 "the column that holds it");
  expect_refused(replaced(small_file(), " M200b ", " M200a "),
                 ": line 1: no column 'M200b' (the main mass) (nearest known: 'M200a'); rename the column "
                 "that holds it");
  expect_refused(
      replaced(small_file(), " Rs ", " x "),
      ": line 1: column 'X' occurs 2 times (upper and lower case are not told apart); rename all but one");
}

TEST_F(Rockstar, RefusesAFileThatDoesNotSayItsSimulationOrUnits) {
  expect_refused(replaced(small_file(), "#Om = 0.300000; Ol = 0.700000; h = 0.680000\n", "#h = 0.7\n"),
                 ": the cosmology is incomplete (no comment line as '#Om = 0.3' or '#Ol = 0.7'); add what is "
                 "missing below "
                 "line 1");
  expect_refused(replaced(small_file(), "#Box size: 100.000000 Mpc/h\n", ""),
                 ": no comment line says the box ('#Box size: 100.0 Mpc/h'); add it or set input.box_size");
  expect_refused(replaced(small_file(), "Lengths, and Radii in kpc / h", "Lengths, and Radii in Mpc / h"),
                 ": no comment line says the unit of radii; where it is so, add the line '#Units: Halo "
                 "Distances, Lengths, "
                 "and Radii in kpc / h (comoving)', else convert them");
  expect_refused(replaced(small_file(), "#Units: Positions in Mpc / h (comoving)\n", ""),
                 ": no comment line says the unit of positions; where it is so, add the line '#Units: "
                 "Positions in Mpc / h "
                 "(comoving)', else convert them");
  const auto path = folder_.write("halos.list", small_file().substr(1));
  ReadOptions options;
  options.format = "rockstar";
  expect_error(
      ExitCode::data,
      path + ": line 1: does not begin with '#' (a Rockstar list names its columns there); check input.path",
      [&] { read_halos(path, options, world_); });
}

TEST_F(Rockstar, TakesTheBoxFromTheOptionsWhereTheFileDoesNotSay) {
  const auto path = folder_.write("halos.list", replaced(small_file(), "#Box size: 100.000000 Mpc/h\n", ""));
  ReadOptions options;
  options.box_size = 120;
  EXPECT_EQ(read_halos(path, options, world_).simulation.box[2], 120);
}

TEST_F(Rockstar, RefusesImpossibleValuesWithLineAndColumn) {
  const auto bad = [&](const std::string& row) { return small_file(small_rows[0] + small_rows[2] + row); };
  const std::string row = small_rows[1];
  expect_refused(bad(replaced(row, "2e11", "0")),
                 ": line 12: column 'M200b' is 0 (a mass is positive); repair or remove the row");
  expect_refused(bad(replaced(row, "150", "-1")),
                 ": line 12: column 'R200b' is -1 (a radius is positive); repair or remove the row");
  expect_refused(bad(replaced(row, "100 0 50", "100.01 0 50")),
                 ": line 12: column 'X' is 100.01 (outside the box of 100 Mpc/h); check box and units");
  expect_refused(bad(replaced(row, "100 0 50", "100 -0.01 50")),
                 ": line 12: column 'Y' is -0.01 (outside the box of 100 Mpc/h); check box and units");
  expect_refused(bad(replaced(row, " -2 ", " nan ")),
                 ": line 12: column 'VY' is nan (not finite); repair or remove the row");
  expect_refused(bad(replaced(row, " 0.04 ", " -inf ")),
                 ": line 12: column 'Spin' is -inf (not finite); repair or remove the row");
  expect_refused(bad(replaced(row, " -3 ", " 3,0 ")),
                 ": line 12: column 'VZ' is '3,0' (not a number); repair or remove the row");
  expect_refused(bad(replaced(row, "3 ", "3.5 ")),
                 ": line 12: column 'ID' is '3.5' (not an integer); repair or remove the row");
  expect_refused(bad(replaced(row, "3 ", "-3 ")),
                 ": line 12: column 'ID' is -3 (an id is not negative); repair or remove the row");
  expect_refused(bad(replaced(row, "3 ", "7 ")),
                 ": id 7 occurs more than once (ids name halos); keep one of the rows");
}

TEST_F(Rockstar, ReportsTheFirstOfSeveralFaults) {
  std::string rows;
  for (int i = 0; i < 400; ++i) rows += std::to_string(i) + replaced(small_rows[0], "7 ", " ");
  for (int i = 400; i < 800; ++i)
    rows += std::to_string(i) +
            replaced(replaced(small_rows[0], "7 ", " "), "1e12", i % 100 == 50 ? "-1e12" : "1e12");
  expect_refused(
      small_file(rows),
      ": line 460: column 'M200b' is -1000000000000 (a mass is positive); repair or remove the row");
}

TEST_F(Rockstar, RefusesGzipThatIsCutOffOrDamaged) {
  const auto whole = contents(demo);
  expect_refused(whole.substr(0, whole.size() / 2),
                 ": the gzip stream is truncated (the file ends before the stream does); copy the file again");
  expect_refused(whole.substr(0, whole.size() - 4),
                 ": the gzip stream is truncated (the file ends before the stream does); copy the file again");
  auto damaged = whole;
  for (std::size_t i = 0; i < 64; ++i) damaged[damaged.size() / 2 + i] = '\xff';
  const auto path = folder_.write("halos.list", damaged);
  try {
    read_halos(path, {}, world_);
    ADD_FAILURE() << "a damaged stream was read";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::data);
    EXPECT_TRUE(std::string(error.what()).starts_with(path + ": the gzip stream is damaged ("))
        << error.what();
  }
}

TEST_F(Rockstar, ReportsAFileThatIsAbsentOrAFolder) {
  expect_error(ExitCode::io,
               folder_ / "absent" + ": cannot be opened (No such file or directory); check the path",
               [&] { read_halos(folder_ / "absent", {}, world_); });
  std::filesystem::create_directory(folder_ / "folder");
  expect_error(ExitCode::data,
               folder_ / "folder" + ": is a folder without HDF5 files (only group catalogs are folders); check the path",
               [&] { read_halos(folder_ / "folder", {}, world_); });
}

TEST_F(Rockstar, ReadsRockstarListsOfOtherRunsAndConsistentTrees) {
  if (!std::filesystem::exists(shared_data + "/rockstar"))
    GTEST_SKIP() << "no " << shared_data << "/rockstar";
  const auto list = read_halos(shared_data + "/rockstar/HaloDataManager_out_163.list", {}, world_);
  EXPECT_EQ(world_.sum<std::uint64_t>(list.halos.rows()), 4'764u);
  EXPECT_EQ(list.simulation.box[0], 25);

  const auto trees = read_halos(shared_data + "/rockstar/halotools_dummy_hlist_0.07812.list", {}, world_);
  const auto halos = gather(trees.halos, world_);
  EXPECT_EQ(trees.simulation.scale_factor, 0.07812);
  EXPECT_EQ(trees.simulation.box[0], 250);
  EXPECT_EQ(trees.simulation.omega_m, 0.307115);
  EXPECT_TRUE(std::isnan(trees.simulation.particle_mass));
  EXPECT_EQ(halos.get<std::int64_t>("id")[1], 979524);
  EXPECT_EQ(halos.get<double>("mass")[1], 8.213e9);
  EXPECT_DOUBLE_EQ(halos.get<double>("radius")[1], 0.050583);
  EXPECT_DOUBLE_EQ(halos.get<double>("scale_radius")[1], 0.008392);
  EXPECT_EQ(halos.vector("", 1), Vec3(33.64788, 42.47028, 20.39977));
  EXPECT_EQ(halos.get<double>("b_to_a")[1], 0.8535);
}

}  // namespace
}  // namespace halobrush::catalog
