#include <gtest/gtest.h>
#include <hdf5.h>
#include <sys/mount.h>
#include <sys/resource.h>

#include <cmath>
#include <csignal>

#include "catalog/mpi_file.hpp"
#include "catalog/support.hpp"
#include "halobrush/catalog/mock.hpp"
#include "halobrush/core/text.hpp"

namespace halobrush::catalog {
namespace {

Table declared() {
  Table columns;
  columns.add<std::int64_t>({"galaxy_id", "", "galaxy id, unique"});
  columns.add<std::int64_t>({"halo_id", "", "id of the halo"});
  columns.add<double>({"x", "Mpc/h", "position"});
  columns.add<double>({"halo_mass", "Msun/h", "mass of the halo"});
  columns.add<float>({"log_stellar_mass", "dex(Msun)", "log10 of the stellar mass"});
  columns.add<std::uint8_t>({"is_central", "", "whether the halo is no subhalo"});
  return columns;
}

Table rows_from(std::uint64_t first, std::uint64_t n) {
  auto rows = declared();
  rows.resize(n);
  for (std::size_t i = 0; i < n; ++i) {
    const auto row = static_cast<std::int64_t>(first + i);
    rows.get<std::int64_t>("galaxy_id")[i] = (std::int64_t{1} << 60) + row;
    rows.get<std::int64_t>("halo_id")[i] = 7 * row;
    rows.get<double>("x")[i] = 0.1 * static_cast<double>(row);
    rows.get<double>("halo_mass")[i] = 1e12 / static_cast<double>(row + 3);
    rows.get<float>("log_stellar_mass")[i] = 9.5f + static_cast<float>(row) / 7;
    rows.get<std::uint8_t>("is_central")[i] = row % 3 == 0;
  }
  return rows;
}

RowBlock block_of(std::uint64_t first, std::uint64_t n) {
  return {first, n, [first, n](Table& rows) { rows = rows_from(first, n); }};
}

MockHeader header() {
  MockHeader h;
  h.simulation.box = {100, 110.5, 90};
  h.simulation.scale_factor = 0.8;
  h.simulation.omega_m = 0.3089;
  h.simulation.omega_l = 0.6912;
  h.simulation.h = 0.6774;
  h.simulation.omega_b = 0.0486;
  h.simulation.sigma_8 = 0.8159;
  h.simulation.n_s = 0.9667;
  h.simulation.particle_mass = 4.08828e10;
  h.provenance = {{"version", "0.1"},
                  {"config", "seed: 1\n# Ωm\n"},
                  {"aaa", "not first"},
                  {"empty", ""},
                  {"long", std::string(200'000, 'x') + "end"}};
  return h;
}

void expect_same(const MockHeader& a, const MockHeader& b) {
  EXPECT_EQ(a.provenance, b.provenance);
  EXPECT_EQ(a.simulation.box, b.simulation.box);
  EXPECT_EQ(a.simulation.scale_factor, b.simulation.scale_factor);
  EXPECT_EQ(a.simulation.omega_m, b.simulation.omega_m);
  EXPECT_EQ(a.simulation.omega_l, b.simulation.omega_l);
  EXPECT_EQ(a.simulation.h, b.simulation.h);
  EXPECT_EQ(a.simulation.omega_b, b.simulation.omega_b);
  EXPECT_EQ(a.simulation.sigma_8, b.simulation.sigma_8);
  EXPECT_EQ(a.simulation.n_s, b.simulation.n_s);
  EXPECT_EQ(a.simulation.particle_mass, b.simulation.particle_mass);
}

class MockFile : public testing::Test {
 protected:
  // Blocks of unlike size, handed out so that some ranks get several, some none, none in order.
  std::vector<RowBlock> my_blocks(std::uint64_t total) const {
    std::vector<RowBlock> mine;
    std::uint64_t first = 0;
    for (int b = 0; first < total || b < 3; ++b) {
      const auto n =
          std::min<std::uint64_t>(b % 4 == 2 ? 0 : static_cast<std::uint64_t>(3 + 5 * b), total - first);
      const int owner = b % 5 == 0 ? 0 : (b * b) % world_.size();
      if (owner == world_.rank() && owner != 2) mine.insert(mine.begin(), block_of(first, n));
      if (owner == 2 && world_.rank() == 0) mine.push_back(block_of(first, n));
      first += n;
    }
    return mine;
  }
  void write(std::uint64_t total) {
    write_mock(path_, header(), declared(), total, my_blocks(total), world_);
  }

  mpi::Communicator world_{MPI_COMM_WORLD};
  mpi::Communicator self_{MPI_COMM_SELF};
  SharedFolder folder_{world_};
  std::string path_ = folder_ / "mock.hdf5";
};

TEST_F(MockFile, ComesBackAsItWasWrittenOnAnyNumberOfRanks) {
  write(200);
  expect_equal(read_mock(path_, {}, self_).galaxies, rows_from(0, 200));
  const auto mock = read_mock(path_, {}, world_);
  expect_equal(gather(mock.galaxies, world_), rows_from(0, 200));
  expect_same(mock.header, header());
  world_.barrier();
  EXPECT_EQ(folder_.files(), std::vector<std::string>{"mock.hdf5"});
}

TEST_F(MockFile, ReadsTheColumnsAskedForInThatOrder) {
  write(20);
  const auto galaxies =
      gather(read_mock(path_, {"is_central", "halo_id", "x"}, world_).galaxies, world_);
  ASSERT_EQ(galaxies.columns().size(), 3u);
  EXPECT_EQ(galaxies.columns()[0].spec.name, "is_central");
  EXPECT_EQ(galaxies.get<std::int64_t>("halo_id")[19], 7 * 19);
  EXPECT_EQ(galaxies.columns()[2].data, rows_from(0, 20).columns()[2].data);
}

TEST_F(MockFile, MayHaveNoRowsAndFewerRowsThanRanks) {
  for (const std::uint64_t rows : {0, 1}) {
    write(rows);
    expect_equal(gather(read_mock(path_, {}, world_).galaxies, world_), rows_from(0, rows));
    EXPECT_EQ(summarise_mock(path_).rows, rows);
    world_.barrier();
  }
}

TEST_F(MockFile, KeepsAColumnOfItsOwnUnderTheSecondNameOfAPosition) {
  const auto with_centre = [](Table rows) {
    std::ranges::fill(rows.add<double>({"fof_halo_center_x", "Mpc/h", "of the halo"}), 7.);
    return rows;
  };
  const auto fill = [&](Table& rows) { rows = with_centre(rows_from(0, 4)); };
  write_mock(path_, header(), with_centre(declared()), 4, world_.root() ? std::vector{RowBlock{0, 4, fill}} : std::vector<RowBlock>{}, world_);
  expect_equal(gather(read_mock(path_, {}, world_).galaxies, world_), with_centre(rows_from(0, 4)));
}

TEST_F(MockFile, IsRefusedWhereIsCentralIsNeitherYesNorNo) {
  auto columns = declared();
  columns.remove("is_central");
  columns.add<float>({"is_central", "", "as another program writes it"});
  const auto write_central = [&](float value) {
    const auto fill = [value](Table& rows) {
      rows = rows_from(0, 4);
      rows.remove("is_central");
      rows.add({"is_central", "", "as another program writes it"}, std::vector<float>{0, 1, value, 1});
    };
    write_mock(path_, header(), columns, 4, world_.root() ? std::vector{RowBlock{0, 4, fill}} : std::vector<RowBlock>{}, world_);
  };
  write_central(0);
  EXPECT_EQ(gather(read_mock(path_, {}, world_).galaxies, world_).get<float>("is_central")[1], 1);
  write_central(1.5);
  expect_error(ExitCode::data, path_ + ": column 'is_central' holds 1.5, which is neither 0 nor 1; write 1 for centrals and 0 for satellites",
               [&] { read_mock(path_, {}, world_); });
}

TEST_F(MockFile, IsSummarisedWithoutReadingRows) {
  write(50);
  const auto summary = summarise_mock(path_);
  EXPECT_EQ(summary.rows, 50u);
  expect_same(summary.header, header());
  std::vector<ColumnSpec> specs;
  const auto expected = declared();
  for (const auto& column : expected.columns()) specs.push_back(column.spec);
  EXPECT_EQ(summary.columns, specs);
  EXPECT_EQ(kind_of(path_), FileKind::mock);
}

// What other programs rely on, seen through plain HDF5 calls.
class Raw {
 public:
  explicit Raw(const std::string& path) : file_(H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT)) {}
  ~Raw() { H5Fclose(file_); }
  std::string text(const char* object, const char* name) {
    const auto attribute = H5Aopen_by_name(file_, object, name, H5P_DEFAULT, H5P_DEFAULT);
    const auto type = H5Aget_type(attribute);
    EXPECT_GT(H5Tis_variable_str(type), 0);
    EXPECT_EQ(H5Tget_cset(type), H5T_CSET_UTF8);
    char* value = nullptr;
    H5Aread(attribute, type, &value);
    const std::string out(value);
    H5free_memory(value);
    H5Tclose(type);
    H5Aclose(attribute);
    return out;
  }
  double number(const char* object, const char* name) {
    double value = std::nan("");
    const auto attribute = H5Aopen_by_name(file_, object, name, H5P_DEFAULT, H5P_DEFAULT);
    H5Aread(attribute, H5T_NATIVE_DOUBLE, &value);
    H5Aclose(attribute);
    return value;
  }
  double scalar(const char* object) {
    double value = std::nan("");
    const auto dataset = H5Dopen2(file_, object, H5P_DEFAULT);
    H5Dread(dataset, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, &value);
    H5Dclose(dataset);
    return value;
  }
  haddr_t address(const char* object) {
    H5O_info_t info;
    H5Oget_info_by_name(file_, object, &info, H5P_DEFAULT);
    return info.addr;
  }
  H5T_class_t type_class(const char* object) {
    const auto dataset = H5Dopen2(file_, object, H5P_DEFAULT);
    const auto type = H5Dget_type(dataset);
    const auto kind = H5Tget_class(type);
    if (kind == H5T_ENUM) {
      char name[16];
      const std::int8_t yes = 1;
      H5Tenum_nameof(type, &yes, name, sizeof name);
      EXPECT_STREQ(name, "TRUE");
      EXPECT_EQ(H5Tget_size(type), 1u);
    }
    H5Tclose(type);
    H5Dclose(dataset);
    return kind;
  }
  haddr_t place(const char* object) const {
    const auto dataset = H5Dopen2(file_, object, H5P_DEFAULT);
    const auto place = H5Dget_offset(dataset);
    H5Dclose(dataset);
    return place;
  }
  bool has(const char* link) { return H5Lexists(file_, link, H5P_DEFAULT) > 0; }

 private:
  hid_t file_;
};

TEST_F(MockFile, KeepsTheColumnsThatOnlyGcrCatalogsAsksForApart) {
  Table columns;
  columns.add<std::int64_t>({"halo_id", "", "id of the halo"});
  columns.add<std::int64_t>({"upid", "", "id of the host halo, -1 for a central"});
  write_mock(path_, header(), columns, 0, {}, world_);
  if (!world_.root()) return;
  Raw file(path_);
  EXPECT_TRUE(file.has("/galaxyProperties/halo_id") && file.has("/galaxyProperties/upid"));
  EXPECT_TRUE(file.has("/data/halo_id"));
  EXPECT_FALSE(file.has("/data/upid"));
}

TEST_F(MockFile, HasTheLayoutThatOpenCosmoAndGcrCatalogsOpen) {
  write(50);
  if (!world_.root()) return;
  Raw file(path_);
  EXPECT_EQ(file.text("/header/file", "origin"), "halobrush");
  EXPECT_EQ(file.text("/header/file", "data_type"), "synthetic_galaxies");
  EXPECT_EQ(file.text("/header/file", "unit_convention"), "scalefree");
  EXPECT_EQ(file.number("/header/file", "redshift"), 1 / 0.8 - 1);
  EXPECT_FALSE(file.has("/index"));
  const auto cosmology = "/header/simulation/cosmology";
  EXPECT_EQ(file.number(cosmology, "omega_m") + file.number(cosmology, "omega_l"), 1.0);
  EXPECT_EQ(file.number(cosmology, "n_eff_massless"), 3.046);
  EXPECT_EQ(file.number(cosmology, "w_0"), -1);
  EXPECT_EQ(file.number(cosmology, "sigma_8"), 0.8159);
  EXPECT_EQ(file.text("/data/x", "unit"), "comoving Mpc/h");
  EXPECT_EQ(file.text("/data/x", "units"), "Mpc/h");
  EXPECT_EQ(file.text("/data/x", "description"), "position");
  EXPECT_EQ(file.address("/galaxyProperties/x"), file.address("/data/x"));
  EXPECT_EQ(file.type_class("/data/is_central"), H5T_ENUM);
  EXPECT_EQ(file.scalar("/metaData/versionMajor"), 1);
  EXPECT_EQ(file.scalar("/metaData/H_0"), 67.74);
  EXPECT_EQ(file.scalar("/metaData/Omega_b"), 0.0486);
  EXPECT_EQ(file.number("/provenance", "complete"), 1);
}

TEST_F(MockFile, KeepsAnyUnitAndWritesTheOneThatReadersUnderstand) {
  Table table;
  const std::vector<std::array<std::string, 2>> units = {
      {"Gyr", "Gyr"}, {"Msun/h/yr", "Msun/(littleh yr)"}, {"furlong", ""}, {"kpc/h", "comoving kpc/h"}};
  const auto name = [](std::size_t i) { return "c" + std::to_string(i); };
  for (std::size_t i = 0; i < units.size(); ++i) table.add<double>({name(i), units[i][0], ""});
  EXPECT_EQ(check_mock(table, {}),
            std::vector<std::string>{"column 'c2': its unit 'furlong' is not known here: readers are told it in the attribute "
                                     "units, and OpenCosmo takes it for a number without a unit"});
  write_mock(path_, header(), table, 0, {}, world_);
  Raw file(path_);
  for (std::size_t i = 0; i < units.size(); ++i) {
    EXPECT_EQ(file.text(("/data/" + name(i)).c_str(), "units"), units[i][0]);
    EXPECT_EQ(file.text(("/data/" + name(i)).c_str(), "unit"), units[i][1]);
  }
}

TEST_F(MockFile, IsNotReplacedWhenABlockFailsOnOneRank) {
  write(20);
  const auto before = contents(path_);
  world_.barrier();
  const int failing = world_.size() - 1;
  std::vector<RowBlock> blocks;
  if (world_.rank() == failing)
    blocks = {block_of(0, 10), {10, 10, [](Table&) { throw data_error("tile 3: gone"); }}};
  expect_error(ExitCode::data, "tile 3: gone",
               [&] { write_mock(path_, header(), declared(), 20, blocks, world_); });
  world_.barrier();
  EXPECT_EQ(folder_.files(), std::vector<std::string>{"mock.hdf5"});
  EXPECT_EQ(contents(path_), before);
}

TEST_F(MockFile, RefusesBlocksThatDoNotFit) {
  const auto refuse = [&](std::uint64_t total, const std::vector<RowBlock>& blocks, const Table& columns,
                          const std::string& text) {
    expect_error(ExitCode::internal, text, [&] {
      write_mock(path_, header(), columns, total, world_.root() ? blocks : std::vector<RowBlock>{}, world_);
    });
  };
  refuse(20, {block_of(0, 10), block_of(9, 11)}, declared(),
         "blocks of rows leave a gap or overlap at row 9");
  refuse(20, {block_of(0, 10)}, declared(), "blocks hold 10 rows of 20");
  refuse(10, {{0, 10, [](Table& rows) { rows = rows_from(0, 9); }}}, declared(), "a block of 10 rows at row 0 holds 9");
  refuse(10, {{0, 10, [](Table& rows) { rows = Table(); }}}, declared(),
         "table: rows are appended from a table with other columns");
  auto no_sigma = header();
  no_sigma.simulation.sigma_8 = std::nan("");
  expect_error(ExitCode::internal, path_ + ": a mock is written without sigma_8",
               [&] { write_mock(path_, no_sigma, declared(), 0, {}, world_); });
  world_.barrier();
  EXPECT_TRUE(folder_.files().empty());
}

TEST_F(MockFile, RefusesColumnsThatReadersWouldRefuse) {
  const auto refuse = [&](const ColumnSpec& spec, const std::string& text) {
    Table columns;
    columns.add<float>(spec);
    expect_error(ExitCode::data, text, [&] { check_mock(columns, {}); });
    expect_error(ExitCode::data, text, [&] { write_mock(path_, header(), columns, 0, {}, world_); });
  };
  const std::string bell = "M\x07sun", seen = printable(bell);
  refuse({"size", bell, ""}, "column 'size': its unit '" + seen +
                                 "' is no text that can be printed, and readers refuse it; mend it where the column comes from");
  refuse({bell, "", ""}, "column '" + seen + "': its name '" + seen +
                             "' is no text that can be printed, and readers refuse it; mend it where the column comes from");
  for (const std::string name : {"", ".", "a/b"})
    refuse({name, "", ""}, "column '" + name + "': HDF5 has no dataset of that name (it is empty, a dot or has a slash); "
                                               "rename it where it comes from");
  world_.barrier();
  EXPECT_TRUE(folder_.files().empty());
}

TEST_F(MockFile, IsTheSameWithHintsAndCollectiveWrites) {
  write_mock(path_, header(), declared(), 200, my_blocks(200), world_,
             {.hints = {{"romio_cb_write", "enable"}, {"no_such_hint", "7"}}});
  expect_equal(gather(read_mock(path_, {}, world_).galaxies, world_), rows_from(0, 200));
}

TEST_F(MockFile, HasColumnsAtMultiplesOfTheAlignment) {
  constexpr std::uint64_t alignment = 1 << 12, rows = 2000;  // of a column of booleans less
  write_mock(path_, header(), declared(), rows, my_blocks(rows), world_, {.alignment = alignment});
  expect_equal(gather(read_mock(path_, {}, world_).galaxies, world_), rows_from(0, rows));
  const Raw file(path_);
  for (const auto* name : {"/data/galaxy_id", "/data/x", "/data/log_stellar_mass"}) EXPECT_EQ(file.place(name) % alignment, 0u) << name;
}

TEST_F(MockFile, RefusesHintsThatMpiCannotBeTold) {
  const auto refuse = [&](const std::string& name, const std::string& value, const std::string& why) {
    expect_error(ExitCode::config, "output.hints: '" + name + "': its " + why + "; mend or remove it",
                 [&] { check_mock(declared(), {.hints = {{name, value}}}); });
  };
  const auto most = [](int limit) { return "MPI takes 1 to " + std::to_string(limit - 1); };
  refuse("", "1", "name has 0 characters, " + most(MPI_MAX_INFO_KEY));
  refuse(std::string(400, 'n'), "1", "name has 400 characters, " + most(MPI_MAX_INFO_KEY));
  refuse("cb_nodes", "", "value has 0 characters, " + most(MPI_MAX_INFO_VAL));
}

TEST(Hints, ThatMpiDoesNotTakeAreNamed) {
  EXPECT_EQ(remarks_on_hints({{"a", "1"}, {"b", "2"}, {"c", "3"}}, {{"a", "1"}, {"b", "4"}, {"other", "5"}}),
            (std::vector<std::string>{"output.hints: b is 4 in this MPI library, not 2",
                                      "output.hints: c is unknown to this MPI library, which passes over it"}));
}

TEST_F(MockFile, TakesAwayWhatIsStaleWhenItIsCompleteOnly) {
  const auto stale = folder_.write("mock.hdf5.json", "{}");
  const WriteOptions options{.stale = stale};
  std::vector<RowBlock> failing;
  if (world_.root()) failing = {{0, 20, [](Table&) { throw data_error("tile 3: gone"); }}};
  expect_error(ExitCode::data, "tile 3: gone",
               [&] { write_mock(path_, header(), declared(), 20, failing, world_, options); });
  EXPECT_TRUE(std::filesystem::exists(stale));
  world_.barrier();
  write_mock(path_, header(), declared(), 20, my_blocks(20), world_, options);
  EXPECT_EQ(folder_.files(), std::vector<std::string>{"mock.hdf5"});
}

// A rank whose file system takes no more than some bytes of a file, which nobody else notices.
TEST_F(MockFile, IsNotReplacedWhenTheRowsOfOneRankCannotBeWritten) {
  write(20);
  const auto before = contents(path_);
  world_.barrier();
  const bool failing = world_.size() > 1 && world_.rank() == world_.size() - 1;
  rlimit old{};
  getrlimit(RLIMIT_FSIZE, &old);
  const rlimit small{1000, old.rlim_max};
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  if (failing) setrlimit(RLIMIT_FSIZE, &small);
  if (world_.size() > 1) {
    const auto last = static_cast<std::uint64_t>(world_.size() - 1), rank = static_cast<std::uint64_t>(world_.rank());
    expect_error(ExitCode::io, path_ + ".partial: cannot be written (File too large); check the path and the file system", [&] {
      write_mock(path_, header(), declared(), 100 * (last + 1), {block_of(100 * rank, 100)}, world_);
    });
  }
  setrlimit(RLIMIT_FSIZE, &old);
  std::signal(SIGXFSZ, handler);
  world_.barrier();
  EXPECT_EQ(contents(path_), before);
  EXPECT_EQ(folder_.files(), std::vector<std::string>{"mock.hdf5"});
}

TEST_F(MockFile, SaysWhyAFolderCannotBeWritten) {
  const auto write_to = [&](const std::string& path) {
    write_mock(path, header(), declared(), 0, {}, world_);
  };
  expect_error(ExitCode::io,
               folder_ /
                   "absent/mock.hdf5.partial: cannot be written (No such file or directory); create the "
                   "folder or choose "
                   "another one",
               [&] { write_to(folder_ / "absent/mock.hdf5"); });
  folder_.write("file", "");
  expect_error(
      ExitCode::io,
      folder_ /
          "file/mock.hdf5.partial: cannot be written (Not a directory); check the path and the file system",
      [&] { write_to(folder_ / "file/mock.hdf5"); });
}

// A file system of 256 kB; only root may make one.
class SmallDisk {
 public:
  SmallDisk(const std::string& path, const mpi::Communicator& comm) : path_(path), comm_(comm) {
    int mounted = 0;
    if (comm.root()) {
      std::filesystem::create_directory(path);
      mounted = mount("tmpfs", path.c_str(), "tmpfs", 0, "size=256k") == 0;
    }
    comm.broadcast(std::span(&mounted, 1));
    mounted_ = mounted != 0;
  }
  ~SmallDisk() {
    comm_.barrier();
    if (mounted_ && comm_.root()) umount2(path_.c_str(), MNT_DETACH);
  }
  bool mounted() const { return mounted_; }

 private:
  std::string path_;
  const mpi::Communicator& comm_;
  bool mounted_ = false;
};

TEST_F(MockFile, IsNotReplacedWhenTheDiskIsFull) {
  const SmallDisk disk(folder_ / "disk", world_);
  if (!disk.mounted()) GTEST_SKIP() << "no right to mount a small file system";
  path_ = folder_ / "disk/mock.hdf5";
  auto small = header();
  small.provenance.pop_back();
  write_mock(path_, small, declared(), 20, my_blocks(20), world_);
  const auto before = contents(path_);
  world_.barrier();
  expect_error(ExitCode::io,
               path_ +
                   ".partial: cannot be written (No space left on device); free space or choose another "
                   "folder, then run again",
               [&] { write_mock(path_, small, declared(), 20'000, my_blocks(20'000), world_); });
  world_.barrier();
  EXPECT_EQ(contents(path_), before);
  EXPECT_FALSE(std::filesystem::exists(path_ + ".partial"));
}

TEST_F(MockFile, IsRefusedWhenItIsNone) {
  const auto text = folder_.write("text", "hello");
  expect_error(
      ExitCode::data,
      text + ": cannot be opened as HDF5 (file signature not found); it is damaged or of another format",
      [&] { read_mock(text, {}, world_); });
  expect_error(ExitCode::io, folder_ / "absent: cannot be opened (no such file); check the path",
               [&] { read_mock(folder_ / "absent", {}, world_); });
  write(20);
  expect_error(ExitCode::data, path_ + ": no column 'xx' (nearest known: 'x'); add it", [&] {
    read_mock(path_, {"x", "xx"}, world_);
  });
  const auto cut = folder_.write("cut.hdf5", contents(path_).substr(0, 3000));
  expect_error(
      ExitCode::data,
      cut + ": cannot be opened as HDF5 (truncated file: eof = 3000, sblock->base_addr = 0, stored_eof = " +
          std::to_string(std::filesystem::file_size(path_)) + "); it is damaged or of another format",
      [&] { read_mock(cut, {}, world_); });
}

TEST_F(MockFile, OfAnotherWriterNeedsTheHeaderAndHaloIdOnly) {
  if (world_.root()) {
    const auto file = H5Fcreate(path_.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    const auto group = [&](const char* name) {
      return H5Gcreate2(file, name, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    };
    const auto numbers = [](hid_t at, const char* name, std::vector<double> values) {
      const hsize_t n = values.size();
      const auto space = n == 1 ? H5Screate(H5S_SCALAR) : H5Screate_simple(1, &n, nullptr);
      const auto attribute = H5Acreate2(at, name, H5T_NATIVE_DOUBLE, space, H5P_DEFAULT, H5P_DEFAULT);
      H5Awrite(attribute, H5T_NATIVE_DOUBLE, values.data());
      H5Aclose(attribute);
      H5Sclose(space);
    };
    const auto header_group = group("/header"), about = group("/header/file"),
               simulation = group("/header/simulation"), cosmology = group("/header/simulation/cosmology"),
               data = group("/data");
    const auto type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, 18);
    const auto scalar = H5Screate(H5S_SCALAR);
    const auto text = H5Acreate2(about, "data_type", type, scalar, H5P_DEFAULT, H5P_DEFAULT);
    H5Awrite(text, type, "synthetic_galaxies");
    H5Aclose(text);
    numbers(about, "redshift", {1});
    numbers(about, "region_p1", {0, 0, 0});
    numbers(about, "region_p2", {75, 75, 75});
    for (const auto* name : {"omega_m", "omega_l", "h"}) numbers(cosmology, name, {0.5});
    const hsize_t rows = 5;
    const auto space = H5Screate_simple(1, &rows, nullptr);
    const auto ids = H5Dcreate2(data, "halo_id", H5T_STD_I32BE, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    const std::int64_t values[] = {4, 3, 2, 1, 0};
    H5Dwrite(ids, H5T_NATIVE_INT64, H5S_ALL, H5S_ALL, H5P_DEFAULT, values);
    for (const auto id : {header_group, about, simulation, cosmology, data}) H5Gclose(id);
    H5Sclose(space);
    H5Sclose(scalar);
    H5Tclose(type);
    H5Dclose(ids);
    H5Fclose(file);
  }
  world_.barrier();
  const auto mock = read_mock(path_, {}, world_);
  const auto ids = gather(mock.galaxies, world_).get<std::int64_t>("halo_id")[0];
  EXPECT_EQ(ids, 4);
  EXPECT_EQ(mock.header.simulation.box[1], 75);
  EXPECT_EQ(mock.header.simulation.scale_factor, 0.5);
  EXPECT_TRUE(mock.header.provenance.empty());
}

TEST_F(MockFile, IsToldFromOtherFilesByContent) {
  EXPECT_EQ(kind_of(folder_.write("a", "#ID X\n1 2\n")), FileKind::rockstar);
  EXPECT_EQ(kind_of(HALOBRUSH_SOURCE_DIR "/data/demo/rockstar_z0_pid.list.gz"), FileKind::rockstar);
  EXPECT_EQ(kind_of(folder_.write("b", std::string("\x10\0\0\0\0\0\0\0{\"a\":1}", 15))), FileKind::model);
  EXPECT_EQ(kind_of(folder_.write("c", "hello, world")), FileKind::unknown);
  EXPECT_EQ(kind_of(folder_.write("d", "")), FileKind::unknown);
  expect_error(ExitCode::io, folder_ / "absent: cannot be opened (No such file or directory); check the path",
               [&] { kind_of(folder_ / "absent"); });
}

}  // namespace
}  // namespace halobrush::catalog
