#include <gtest/gtest.h>

#include <fstream>

#include "catalog/support.hpp"
#include "halobrush/catalog/staging.hpp"

namespace halobrush::catalog {
namespace {

Table declared() {
  Table columns;
  columns.add<std::int64_t>({"galaxy_id", "", ""});
  columns.add<double>({"x", "Mpc/h", ""});
  columns.add<float>({"size", "", ""});
  columns.add<std::uint8_t>({"is_central", "", ""});
  return columns;
}

Table rows_of(std::int64_t tile, std::size_t n) {
  auto rows = declared();
  rows.resize(n);
  for (std::size_t i = 0; i < n; ++i) {
    rows.get<std::int64_t>("galaxy_id")[i] = 1000 * tile + static_cast<std::int64_t>(i);
    rows.get<double>("x")[i] = 0.1 * static_cast<double>(i);
    rows.get<float>("size")[i] = 0.3f * static_cast<float>(tile);
    rows.get<std::uint8_t>("is_central")[i] = i % 2;
  }
  return rows;
}

class StagingFolder : public testing::Test {
 protected:
  void append(const std::string& file, const std::string& text) {
    std::ofstream(folder_ / file, std::ios::app) << text;
  }

  mpi::Communicator self_{MPI_COMM_SELF};
  SharedFolder parent_{self_};
  std::filesystem::path folder_ = parent_ / "mock.hdf5.staging";
  Staging staging_{folder_};
  Identity identity_ = {{"seed", "1"}, {"domain.tiles", "[8, 1, 1]"}};
};

TEST_F(StagingFolder, GivesBackTheTilesOfAllRanks) {
  staging_.open(identity_, false);
  EXPECT_TRUE(staging_.ledger().empty());
  staging_.write(17, rows_of(17, 10), 1.5, 0);
  staging_.write(2, rows_of(2, 0), 0.5, 3);
  staging_.write(900'000, rows_of(900'000, 1), 0.5, 3);
  EXPECT_TRUE(std::filesystem::exists(folder_ / "tile_000017.bin"));
  const auto tiles = Staging(folder_).ledger();
  ASSERT_EQ(tiles.size(), 3u);
  EXPECT_EQ(tiles[0].tile, 2);
  EXPECT_EQ(tiles[0].rows, 0u);
  EXPECT_EQ(tiles[1].seconds, 1.5);
  EXPECT_EQ(tiles[1].bytes, 10u * (8 + 8 + 4 + 1));
  for (const auto& tile : tiles) {
    EXPECT_TRUE(staging_.verify(tile));
    expect_equal(staging_.read(tile, declared()), rows_of(tile.tile, tile.rows));
  }
}

TEST_F(StagingFolder, OutlivesATornLineAndWhatIsAppendedAfterIt) {
  staging_.open(identity_, false);
  staging_.write(1, rows_of(1, 5), 1, 0);
  append("ledger.0.jsonl", R"({"tile":2,"rows":5,"by)");
  EXPECT_EQ(staging_.ledger().size(), 1u);
  staging_.write(3, rows_of(3, 5), 1, 0);
  const auto tiles = staging_.ledger();
  ASSERT_EQ(tiles.size(), 2u);
  EXPECT_EQ(tiles[1].tile, 3);
}

TEST_F(StagingFolder, LeavesOutTilesWhoseFileIsAbsentOrOfAnotherSize) {
  staging_.open(identity_, false);
  for (const auto tile : {1, 2, 3}) staging_.write(tile, rows_of(tile, 5), 1, 0);
  std::filesystem::remove(folder_ / "tile_000001.bin");
  std::filesystem::resize_file(folder_ / "tile_000002.bin", 50);
  const auto tiles = staging_.ledger();
  ASSERT_EQ(tiles.size(), 1u);
  EXPECT_EQ(tiles[0].tile, 3);
}

TEST_F(StagingFolder, SeesADamagedTile) {
  staging_.open(identity_, false);
  const auto tile = staging_.write(17, rows_of(17, 5), 1, 0);
  std::fstream file(folder_ / "tile_000017.bin", std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(40);
  file.put('\x55');
  file.close();
  EXPECT_EQ(staging_.ledger().size(), 1u);
  EXPECT_FALSE(staging_.verify(tile));
  expect_error(ExitCode::data,
               (folder_ / "tile_000017.bin").string() +
                   ": is not what was written (size or checksum differ); run again to paint the tile anew",
               [&] { staging_.read(tile, declared()); });
}

TEST_F(StagingFolder, KnowsWhichOfTwoRecordsFitsTheFile) {
  staging_.open(identity_, false);
  const auto first = staging_.write(4, rows_of(5, 5), 1, 1);
  const auto second = staging_.write(4, rows_of(4, 5), 1, 0);  // its ledger is read before rank 1's
  ASSERT_NE(first.checksum, second.checksum);
  auto tiles = staging_.ledger();
  ASSERT_EQ(tiles.size(), 1u);
  EXPECT_EQ(tiles[0].checksum, second.checksum);
  staging_.write(4, rows_of(5, 5), 1, 2);  // and now one that is read last
  tiles = staging_.ledger();
  ASSERT_EQ(tiles.size(), 1u);
  EXPECT_EQ(tiles[0].checksum, first.checksum);
}

TEST_F(StagingFolder, BelongsToOneConfiguration) {
  staging_.open(identity_, false);
  staging_.write(1, rows_of(1, 5), 1, 0);
  staging_.open(identity_, false);
  EXPECT_EQ(staging_.ledger().size(), 1u);
  const auto refuse = [&](const Identity& other, const std::string& difference) {
    expect_error(ExitCode::config,
                 folder_.string() + ": was made with " + difference +
                     " (a staging folder belongs to one configuration); remove it, choose another "
                     "output.staging, or run with "
                     "--restart=never",
                 [&] { staging_.open(other, false); });
  };
  refuse({{"seed", "1"}, {"domain.tiles", "[4, 1, 1]"}}, "domain.tiles = [8, 1, 1], this run has [4, 1, 1]");
  refuse({{"seed", "1"}}, "domain.tiles = [8, 1, 1], this run has (not set)");
  refuse({{"seed", "1"}, {"domain.tiles", "[8, 1, 1]"}, {"model", "a"}}, "model = (not set), this run has a");
  const Identity other = {{"seed", "2"}};
  staging_.open(other, true);
  EXPECT_TRUE(staging_.ledger().empty());
  staging_.open(other, false);
}

TEST_F(StagingFolder, IsRemovedWithItsOwnFilesOnly) {
  staging_.open(identity_, false);
  staging_.write(1, rows_of(1, 5), 1, 0);
  append("thesis.tex", "years of work");
  staging_.open(identity_, true);
  EXPECT_TRUE(staging_.ledger().empty());
  staging_.remove();
  EXPECT_TRUE(std::filesystem::exists(folder_ / "thesis.tex"));
  std::filesystem::remove(folder_ / "thesis.tex");
  staging_.remove();
  EXPECT_FALSE(std::filesystem::exists(folder_));
  staging_.remove();
}

TEST_F(StagingFolder, SaysWhyItCannotBeWritten) {
  staging_.open(identity_, false);
  std::filesystem::create_symlink("/dev/full", folder_ / "tile_000005.bin.tmp");
  expect_error(ExitCode::io,
               (folder_ / "tile_000005.bin.tmp").string() +
                   ": cannot be written (No space left on device); free space or choose another folder, then "
                   "run again",
               [&] { staging_.write(5, rows_of(5, 5), 1, 0); });
  EXPECT_TRUE(staging_.ledger().empty());
  append("file", "");
  expect_error(ExitCode::io,
               (folder_ / "file/staging").string() +
                   ": cannot be written (Not a directory); check the path and the file system",
               [&] { Staging(folder_ / "file/staging").open(identity_, false); });
}

}  // namespace
}  // namespace halobrush::catalog
