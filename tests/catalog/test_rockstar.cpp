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
  EXPECT_EQ(halos.vectors("")[row], Vec3(47.90687, 69.84875, 38.13341));
  EXPECT_EQ(halos.vectors("v")[row], Vec3(-407.35, 457.69, 636.84));
  EXPECT_EQ(halos.vectors("j")[row], Vec3(3.274e15, 1.003e16, -7.589e15));
  EXPECT_EQ(halos.get<double>("spin")[row], 0.07979);
  EXPECT_EQ(halos.get<double>("b_to_a")[row], 0.41105);
  EXPECT_EQ(halos.get<double>("c_to_a")[row], 0.28726);
  EXPECT_LT((halos.vectors("axis_")[row] - Vec3(6.40395, 74.21708, 129.88634).normalized()).norm(), 1e-15);

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
    const double length = catalog.halos.vectors("axis_")[i].norm();
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
  EXPECT_EQ(halos.vectors("")[1], Vec3(0, 0, 50));
}

TEST_F(Rockstar, KnowsAShapeOnlyWhereNoAxisVanishes) {
  const auto halos = gather(read(small_file()).halos, world_);
  EXPECT_EQ(halos.vectors("axis_")[0], Vec3(0, 0.6, 0.8));
  EXPECT_EQ(halos.vectors("axis_")[1], Vec3(0, 0, 0));
  EXPECT_EQ(halos.vectors("axis_")[2], Vec3(0, 0, 0));
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
            "warning: no column PID or UPID: every halo is taken for a host, satellites for centrals; Rockstar's find_parents "
            "adds PID");
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
  expect_refused(replaced(small_file(), "#Units: Positions in Mpc / h (comoving)\n", ""),
                 ": no comment line says the unit of positions (column 'X'); where it is so, add the line '#Units: "
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

TEST_F(Rockstar, ConvertsEveryUnitThatALineSays) {
  const auto value = [&](const std::string& what, const std::string& by, const std::string& column) {
    return gather(read(replaced(small_file(), what, by)).halos, world_).get<double>(column)[0];
  };
  EXPECT_EQ(value("Masses in Msun / h", "Masses in 1e10 Msun / h", "mass"), 1e22);
  EXPECT_EQ(value("Masses in Msun / h", "Masses in 1e10 Msun / h", "bound_mass"), 1e22);
  EXPECT_EQ(value("Masses in Msun / h", "Masses in Msun", "mass"), 0.68e12);
  EXPECT_EQ(value("Positions in Mpc / h", "Positions in kpc / h", "x"), 0.01);
  EXPECT_DOUBLE_EQ(value("Positions in Mpc / h (comoving)", "Positions in Mpc", "x"), 6.8);
  EXPECT_EQ(value("Radii in kpc / h (comoving)", "Radii in kpc / h (physical)", "radius"), 0.5);
  EXPECT_EQ(value("Radii in kpc / h (comoving)", "Radii in Mpc / h (comoving)", "scale_radius"), 25);
  for (const char* words : {"Radii", "Halo radii", "Distances and Radii"})
    EXPECT_EQ(value("Halo Distances, Lengths, and Radii", words, "radius"), 0.25) << words;
  EXPECT_EQ(value("#Units: Halo Distances, Lengths, and Radii in", "#Halo radii in", "radius"), 0.25);
  const auto positions = "#Units: Positions in Mpc / h (comoving)\n";
  EXPECT_EQ(value(positions, "#X/Y/Z: Halo position (kpc/h comoving).\n", "x"), 0.01);
  const auto velocities = "#Units: Velocities in km / s (physical, peculiar)\n";
  EXPECT_EQ(value(velocities, "#VX/VY/VZ: Halo velocity (100 km/s).\n#Vmax: maximum (km/s)\n#Vrms: all (km/s).\n", "vx"),
            100);
}

TEST_F(Rockstar, ConvertsTheBoxAndTheMassOfParticles) {
  const auto simulation = [&](const std::string& what, const std::string& by) {
    return read(replaced(small_file(), what, by)).simulation;
  };
  const std::string box = "Box size: 100.000000 Mpc/h";
  EXPECT_EQ(simulation(box, "Box size: 100000.0 kpc/h").box[2], 100);
  EXPECT_DOUBLE_EQ(simulation(box, "Box size: 200 Mpc").box[0], 136);
  EXPECT_DOUBLE_EQ(simulation(box, "Full box size = 50 Mpc/h (physical)").box[0], 100);
  EXPECT_EQ(simulation(box, "Box size: 100").box[0], 100);
  EXPECT_EQ(simulation("4.0e+10 Msun/h", "4 1e10 Msun/h").particle_mass, 4e10);
}

TEST_F(Rockstar, RefusesUnitsThatItDoesNotKnowNamingTheLine) {
  const auto refuse = [&](const std::string& what, const std::string& by, const std::string& line) {
    const auto path = folder_.write("halos.list", replaced(small_file(), what, by));
    try {
      read_halos(path, {}, world_);
      ADD_FAILURE() << by << " was read";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::data);
      EXPECT_TRUE(std::string(error.what()).starts_with(path + ": " + line)) << error.what();
    }
  };
  refuse("Masses in Msun / h", "Masses in 1e10 Msn / h", "line 6 ('#Units: Masses in 1e10 Msn / h'): unit '1e10 Msn / h'");
  refuse("Masses in Msun / h", "Masses in kpc / h", "line 6");
  refuse("Masses in Msun / h", "Masses Msun", "line 6");
  refuse("100.000000 Mpc/h", "100 furlongs", "line 5 ('#Box size: 100 furlongs'): unit 'furlongs'");
  refuse("100.000000 Mpc/h", "100 100 50 Mpc/h", "line 5");
  refuse("4.0e+10 Msun/h", "4.0e+10 g/h3", "line 4");
  refuse("Velocities in km / s", "Velocities in 100 km / s", "line 8 ('#Units: Velocities in 100 km / s (physical, "
         "peculiar)'): says nothing of column 'Vmax'");
  refuse("Velocities in km / s (physical, peculiar)", "Velocities in km / s (comoving)", "line 8");
  refuse("h = 0.680000", "h = 68.0", "line 3 ('#Om = 0.300000; Ol = 0.700000; h = 68.0'): h is 68");
  refuse("#Box size", "#Box size: 50 Mpc/h\n#Box size", "line 6 ('#Box size: 100.000000 Mpc/h') does not agree with line 5");
  refuse("#Units: Masses", "#Units: Masses in 1e10 Msun/h\n#Units: Masses", "line 7");
}

TEST_F(Rockstar, TakesTheFirstOfTwoColumnsForTheMainMass) {
  auto catalog = read(replaced(small_file(), " Mvir ", " M200b "));
  EXPECT_EQ(gather(catalog.halos, world_).get<double>("mass")[0], 1e12);
  EXPECT_EQ(catalog.simulation.mass_definition, "200b");
  EXPECT_EQ(std::ranges::count(catalog.remarks, "several columns M200b: the first, number 3, is taken for the main mass"), 1);
  catalog = read(replaced(replaced(small_file(), " M200b ", " M500c "), " R200b ", " R500c "));
  EXPECT_EQ(catalog.simulation.mass_definition, "500c");
  // The radius of another definition beside it.
  catalog = read(replaced(small_file(), " Spin ", " Rvir "));
  EXPECT_EQ(catalog.simulation.mass_definition, "200b");
}

TEST_F(Rockstar, RefusesTwoCatalogsInOneFile) {
  std::string rows;  // the second header lies in another rank's share
  for (int i = 0; i < 40; ++i) rows += std::to_string(100 + i) + replaced(small_rows[0], "7 ", " ");
  std::string more;
  for (int i = 0; i < 400; ++i) more += std::to_string(200 + i) + replaced(small_rows[0], "7 ", " ");
  const auto joined = [&](const std::string& header) { return small_file(rows + header + more); };
  const auto same = read(joined(small_names + small_comments + "#between\n"));
  EXPECT_EQ(world_.sum<std::uint64_t>(same.halos.rows()), 440u);
  const auto refuse = [&](const std::string& header, const std::string& message) {
    expect_refused(joined(header), message + " (two catalogs in one file); read one at a time");
  };
  refuse("#a = 0.7\n", ": line 50: '#a = 0.7' does not agree with line 2 ('#a = 0.500000')");
  refuse("#Box size: 50 Mpc/h\n", ": line 50: '#Box size: 50 Mpc/h' does not agree with line 5 ('#Box size: 100.000000 Mpc/h')");
  refuse("#Units: Masses in 1e10 Msun/h\n", ": line 50: '#Units: Masses in 1e10 Msun/h' does not agree with line 6 "
         "('#Units: Masses in Msun / h')");
  const auto swapped = replaced(small_names, " X Y ", " Y X ");
  refuse(swapped, ": line 50: '" + swapped.substr(0, swapped.size() - 1) + "' does not agree with line 1 ('the names')");
}

TEST_F(Rockstar, RefusesRowsOfTwoScaleFactors) {
  auto names = replaced(small_names, " Spin ", " scale ");
  auto row = [](const std::string& id, const std::string& scale) {
    return id + " -1 1e12 200 180 250 25 50 10 20 30 1 2 3 4 5 6 " + scale + " 2e12 0.8 0.6 0 3 4 0.1 0.1 9 9 9 -1\n";
  };
  const auto comments = replaced(small_comments, "#a = 0.500000\n", "");
  EXPECT_EQ(read(names + comments + row("1", "0.25") + row("2", "0.25")).simulation.scale_factor, 0.25);
  expect_refused(names + comments + row("1", "0.25") + row("2", "0.5"),
                 ": line 10: column 'scale' is 0.5, but 0.25 in the first row (two snapshots in one file); read one at a time");
  expect_refused(names + comments + row("1", "0.25") + row("2", "0.25p00"),
                 ": line 10: column 'scale' is '0.25p00' (not a number); repair or remove the row");
}

TEST_F(Rockstar, TakesNumbersThatAreTooSmallForZero) {
  const auto halos = gather(read(replaced(small_file(), " 100 0 50 ", " 100 -1e-400 50 ")).halos, world_);
  EXPECT_EQ(halos.vectors("")[1][1], 0);
}

TEST_F(Rockstar, WrapsWhatLiesARoundingStepOutsideTheBox) {
  auto halos = gather(read(replaced(small_file(), " 100 0 50 ", " 100.00001 -1e-17 -0.00001 ")).halos, world_);
  EXPECT_NEAR(halos.vectors("")[1][0], 1e-5, 1e-12);
  EXPECT_EQ(halos.vectors("")[1][1], 0);
  EXPECT_NEAR(halos.vectors("")[1][2], 99.99999, 1e-12);
}

TEST_F(Rockstar, ReadsIdsThatAreWrittenAsFloats) {
  const auto ids = [&](const std::string& text) {
    return gather(read(small_file(text + small_rows[0].substr(1))).halos, world_).get<std::int64_t>("id")[0];
  };
  EXPECT_EQ(ids("1.000000000000000000e+03"), 1000);
  EXPECT_EQ(ids("7.0"), 7);
  EXPECT_EQ(ids("9007199254740993"), 9007199254740993);
  const auto refuse = [&](const std::string& text, const std::string& why) {
    expect_refused(small_file(text + small_rows[0].substr(1)),
                   ": line 10: column 'ID' is '" + text + "' (" + why + "); repair or remove the row");
  };
  refuse("1e17", "not an integer");
  refuse("9223372036854775808", "beyond what 64 bits hold");
  refuse("0x10", "not an integer");
  refuse("1D3", "not an integer");
}

TEST_F(Rockstar, WarnsOfAPieceOfTheBox) {
  const auto count = [](const std::vector<std::string>& remarks) { return std::ranges::count_if(remarks, is_warning); };
  const auto bounds = [](const std::string& x) { return "#Bounds: (0.0, 0.0, 0.0) - (" + x + ", 100.0, 100.0)\n"; };
  const auto piece = folder_.write("piece.list", small_names + bounds("50.0") + small_comments + small_rows[0]);
  EXPECT_EQ(count(read_halos(piece, {}, world_).remarks), 1);
  EXPECT_EQ(count(read_header(piece, {}).remarks), 1);
  EXPECT_EQ(count(read(small_names + bounds("100.0") + small_comments + small_rows[0]).remarks), 0);
  // Two pieces that fill the box together.
  EXPECT_EQ(count(read(small_names + bounds("50.0") + small_comments + small_rows[0] +
                       "#Bounds: (50.0, 0.0, 0.0) - (100.0, 100.0, 100.0)\n" + small_rows[2]).remarks), 0);
  // Without such a line: an empty half, a missing octant; a full box and a small sample are silent.
  const auto random = [&](int hosts, auto&& kept) {
    std::string rows;
    std::uint64_t state = 1;
    const auto next = [&] {
      state = state * 6364136223846793005u + 1442695040888963407u;
      return static_cast<double>(state >> 40) / (1 << 24) * 100;
    };
    for (int i = 0; i < hosts;) {
      const double x = next(), y = next(), z = next();
      if (!kept(x, y, z)) continue;
      std::ostringstream row;
      row << 10 + i++ << " -1 1e12 200 180 250 25 50 " << x << ' ' << y << ' ' << z
          << " 1 2 3 4 5 6 0.05 2e12 0.8 0.6 0 3 4 0.1 0.1 9 9 9 -1\n";
      rows += row.str();
    }
    const auto path = folder_.write("random.list", small_file(rows));
    const auto found = count(read_halos(path, {}, world_).remarks);
    EXPECT_EQ(found, count(read_header(path, {}).remarks));
    return found;
  };
  EXPECT_EQ(random(600, [](double x, double, double) { return x < 50; }), 1);
  EXPECT_EQ(random(600, [](double, double y, double) { return y > 30 && y < 90; }), 1);
  EXPECT_EQ(random(2000, [](double x, double y, double z) { return x > 50 || y > 50 || z > 50; }), 1);
  EXPECT_EQ(random(2000, [](double, double, double) { return true; }), 0);
  EXPECT_EQ(random(5, [](double x, double, double) { return x < 50; }), 0);
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
                 ": line 12: column 'R200b' is -0.001 (a radius is positive); repair or remove the row (read: '-1')");
  expect_refused(bad(replaced(row, "100 0 50", "100.01 0 50")),
                 ": line 12: column 'X' is 100.01 (0.01 outside the box of 100 Mpc/h, where rounding explains 0.0001); "
                 "check box and units");
  expect_refused(bad(replaced(row, "100 0 50", "100 -0.01 50")),
                 ": line 12: column 'Y' is -0.01 (0.01 outside the box of 100 Mpc/h, where rounding explains 0.0001); "
                 "check box and units");
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
               folder_ / "folder" + ": is a folder without a halo catalog; check input.path",
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
  EXPECT_EQ(halos.vectors("")[1], Vec3(33.64788, 42.47028, 20.39977));
  EXPECT_EQ(halos.get<double>("b_to_a")[1], 0.8535);
}

}  // namespace
}  // namespace halobrush::catalog
