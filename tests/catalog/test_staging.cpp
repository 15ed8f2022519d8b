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
  Identity identity_ = {{"seed", "1"}, {"domain.tiles", "[8, 1, 1]"}};
  Staging staging_{folder_, identity_};
  static constexpr auto keep = Staging::Discard::nothing;
};

TEST_F(StagingFolder, GivesBackTheTilesOfAllRanks) {
  staging_.open(keep);
  EXPECT_TRUE(staging_.ledger().empty());
  staging_.write(17, rows_of(17, 10), 1.5, 0);
  staging_.write(2, rows_of(2, 0), 0.5, 3);
  staging_.write(900'000, rows_of(900'000, 1), 0.5, 3);
  EXPECT_TRUE(std::filesystem::exists(folder_ / "tile_000017.bin"));
  const auto tiles = Staging(folder_, identity_).ledger();
  ASSERT_EQ(tiles.size(), 3u);
  EXPECT_EQ(tiles[0].tile, 2);
  EXPECT_EQ(tiles[0].rows, 0u);
  EXPECT_EQ(tiles[1].seconds, 1.5);
  EXPECT_EQ(tiles[1].bytes, 10u * (8 + 8 + 4 + 1) + 8);  // and a checksum
  for (const auto& tile : tiles) {
    EXPECT_TRUE(staging_.verify(tile));
    expect_equal(staging_.read(tile, declared()), rows_of(tile.tile, tile.rows));
  }
}

TEST_F(StagingFolder, OutlivesATornLineAndWhatIsAppendedAfterIt) {
  staging_.open(keep);
  staging_.write(1, rows_of(1, 5), 1, 0);
  append("ledger.0.jsonl", R"({"tile":2,"rows":5,"by)");
  EXPECT_EQ(staging_.ledger().size(), 1u);
  staging_.write(3, rows_of(3, 5), 1, 0);
  const auto tiles = staging_.ledger();
  ASSERT_EQ(tiles.size(), 2u);
  EXPECT_EQ(tiles[1].tile, 3);
}

TEST_F(StagingFolder, LeavesOutTilesWhoseFileIsAbsentOrOfAnotherSize) {
  staging_.open(keep);
  for (const auto tile : {1, 2, 3}) staging_.write(tile, rows_of(tile, 5), 1, 0);
  std::filesystem::remove(folder_ / "tile_000001.bin");
  std::filesystem::resize_file(folder_ / "tile_000002.bin", 50);
  const auto tiles = staging_.ledger();
  ASSERT_EQ(tiles.size(), 1u);
  EXPECT_EQ(tiles[0].tile, 3);
}

TEST_F(StagingFolder, SeesADamagedTile) {
  staging_.open(keep);
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

TEST_F(StagingFolder, ReadsSomeRowsOfATileAndChecksWhatItReads) {
  staging_.open(keep);
  const auto tile = staging_.write(7, rows_of(7, 10'000), 1, 0);  // three parts
  EXPECT_TRUE(staging_.verify(tile));
  const auto whole = rows_of(7, 10'000);
  const auto expect_rows = [&](std::uint64_t first, std::uint64_t count) {
    auto rows = declared();
    rows.resize(count + 2);
    staging_.read(tile, first, count, rows, 1);
    for (std::uint64_t i = 0; i < count; ++i) {
      EXPECT_EQ(rows.get<std::int64_t>("galaxy_id")[i + 1], whole.get<std::int64_t>("galaxy_id")[first + i]);
      EXPECT_EQ(rows.get<std::uint8_t>("is_central")[i + 1], whole.get<std::uint8_t>("is_central")[first + i]);
    }
    EXPECT_EQ(rows.get<std::int64_t>("galaxy_id")[0], 0);
    EXPECT_EQ(rows.get<std::int64_t>("galaxy_id")[count + 1], 0);
  };
  expect_rows(0, 10'000);
  expect_rows(4090, 10);
  expect_rows(9999, 1);
  expect_rows(5000, 0);
  std::fstream file(folder_ / "tile_000007.bin", std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(5000 * 21);
  file.put('\x55');
  file.close();
  EXPECT_FALSE(staging_.verify(tile));
  expect_rows(0, 4096);
  expect_rows(8192, 1808);
  expect_error(ExitCode::data,
               (folder_ / "tile_000007.bin").string() +
                   ": is not what was written (size or checksum differ); run again to paint the tile anew",
               [&] { expect_rows(4090, 10); });
}

TEST_F(StagingFolder, KnowsWhichOfTwoRecordsFitsTheFile) {
  staging_.open(keep);
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
  staging_.open(keep);
  staging_.write(1, rows_of(1, 5), 1, 0);
  staging_.open(keep);
  EXPECT_EQ(staging_.ledger().size(), 1u);
  const auto refuse = [&](const Identity& other, const std::string& difference) {
    expect_error(ExitCode::config,
                 folder_.string() + ": holds tiles of another configuration: " + difference +
                     " (a staging folder belongs to one); choose another output.staging, or give --overwrite to remove "
                     "them",
                 [&] { Staging(folder_, other).open(keep); });
  };
  refuse({{"seed", "1"}, {"domain.tiles", "[4, 1, 1]"}}, "domain.tiles is [8, 1, 1] there and [4, 1, 1] here");
  refuse({{"seed", "2"}}, "seed is 1 there and 2 here, domain.tiles is [8, 1, 1] there and (not set) here");
  refuse({{"seed", "1"}, {"domain.tiles", "[8, 1, 1]"}, {"model", "a"}}, "model is (not set) there and a here");
  staging_.open(Staging::Discard::of_others);
  EXPECT_EQ(staging_.ledger().size(), 1u);
  const Staging other(folder_, {{"seed", "2"}});
  other.open(Staging::Discard::of_others);
  EXPECT_TRUE(other.ledger().empty());
  other.open(keep);
}

TEST_F(StagingFolder, AnotherProcessorIsRefusedUnlessItIsAccepted) {
  staging_.open(keep);
  staging_.write(1, rows_of(1, 5), 1, 0);
  const auto with = [&](const std::string& key, const std::string& value) {
    auto identity = identity_;
    identity.emplace_back(key, value);
    return Staging(folder_, identity);
  };
  const auto avx2 = with("processor", "avx2");
  expect_error(ExitCode::config,
               folder_.string() + ": holds tiles of another configuration: processor is (not set) there and avx2 here (a "
                                  "staging folder belongs to one); choose another output.staging, allow it by "
                                  "output.accept, or give --overwrite to remove them",
               [&] { avx2.open(keep, {"threads"}); });
  const std::vector<std::string> said = {"processor is (not set) there and avx2 here"};
  EXPECT_EQ(avx2.open(keep, {"threads", "processor"}), said);
  EXPECT_EQ(avx2.ledger().size(), 1u) << "its tiles are taken";
  EXPECT_EQ(staging_.open(keep), said) << "a third run is told of the second one's tiles";
  EXPECT_THROW(with("smoothing", "2").open(keep, {"processor", "smoothing"}), Error) << "no other key can be accepted";
}

TEST_F(StagingFolder, KeepsNotesOfItsOwnTilesAlone) {
  staging_.open(keep);
  EXPECT_FALSE(staging_.read_note("plan.json"));
  staging_.write_note("plan.json", "a \"plan\"\n");
  EXPECT_EQ(staging_.read_note("plan.json"), "a \"plan\"\n");
  EXPECT_FALSE(Staging(folder_, {{"seed", "2"}}).read_note("plan.json"));
  std::filesystem::resize_file(folder_ / "plan.json", 20);
  EXPECT_FALSE(staging_.read_note("plan.json")) << "a damaged note is none";
  staging_.remove();
  EXPECT_FALSE(std::filesystem::exists(folder_));
}

TEST_F(StagingFolder, DoesNotTakeATileOfARunThatWasStillWriting) {
  const Staging other(folder_, {{"seed", "2"}});
  staging_.open(keep);
  other.open(keep);
  staging_.write(1, rows_of(1, 5), 1, 0);  // the first run's, late
  other.write(2, rows_of(2, 5), 1, 0);
  const auto tiles = other.ledger();
  ASSERT_EQ(tiles.size(), 1u);
  EXPECT_EQ(tiles[0].tile, 2);
}

TEST(Differences, NameTheFirstFewKeysAndCountTheRest) {
  Identity there, here;
  for (const char* key : {"a", "b", "c", "d", "e", "f", "g"}) there.emplace_back(key, "1"), here.emplace_back(key, "2");
  EXPECT_EQ(differences(there, there), "");
  EXPECT_EQ(differences(there, here),
            "a is 1 there and 2 here, b is 1 there and 2 here, c is 1 there and 2 here, d is 1 there and 2 here, "
            "e is 1 there and 2 here, and 2 more");
}

TEST_F(StagingFolder, IsRemovedWithItsOwnFilesOnly) {
  staging_.open(keep);
  staging_.write(1, rows_of(1, 5), 1, 0);
  append("thesis.tex", "years of work");
  staging_.open(Staging::Discard::all);
  EXPECT_TRUE(staging_.ledger().empty());
  staging_.remove();
  EXPECT_TRUE(std::filesystem::exists(folder_ / "thesis.tex"));
  std::filesystem::remove(folder_ / "thesis.tex");
  staging_.remove();
  EXPECT_FALSE(std::filesystem::exists(folder_));
  staging_.remove();
}

TEST_F(StagingFolder, SaysWhyItCannotBeWritten) {
  staging_.open(keep);
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
               [&] { Staging(folder_ / "file/staging", identity_).open(keep); });
}

}  // namespace
}  // namespace halobrush::catalog
