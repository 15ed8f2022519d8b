#include "halobrush/catalog/content.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <filesystem>

#include "catalog/support.hpp"
#include "halobrush/catalog/reader.hpp"
#include "halobrush/core/hash.hpp"

namespace halobrush::catalog {
namespace {

namespace fs = std::filesystem;

class ContentOfFiles : public testing::Test {
 protected:
  // A list by its first line; no reader sees it.
  std::string write(const std::string& name, const std::string& rows) { return folder_.write(name, "#ID X Y Z\n" + rows); }

  template <class Work>
  void on_root(Work&& work) {
    world_.barrier();
    if (world_.root()) work();
    world_.barrier();
  }

  mpi::Communicator world_{MPI_COMM_WORLD};
  SharedFolder folder_{world_};
};

std::string hash_of_lines(const std::vector<std::string>& hashes) {
  std::string lines;
  for (const auto& hash : hashes) lines += hash + "\n";
  return sha256_hex(std::as_bytes(std::span(lines)));
}

TEST_F(ContentOfFiles, IsThePlainHashOfASmallFile) {
  const auto path = write("a.list", "1 2 3 4\n");
  const auto content = content_of(path, world_);
  EXPECT_EQ(content.sha256, sha256_hex_of_file(path));
  EXPECT_EQ(content.bytes, fs::file_size(path));
  EXPECT_EQ(content_of(path).sha256, content.sha256);
}

TEST_F(ContentOfFiles, IsTheHashOfTheHashesOfThePiecesOfALargeOne) {
  const auto path = write("a.list", "1 2 3 4\n");
  on_root([&] { fs::resize_file(path, piece_bytes); });
  EXPECT_EQ(content_of(path, world_).sha256, sha256_hex_of_file(path)) << "exactly one piece";
  on_root([&] { fs::resize_file(path, 2 * piece_bytes + 3); });
  const auto content = content_of(path, world_);
  std::vector<std::string> pieces;
  for (std::uint64_t begin = 0; begin < content.bytes; begin += piece_bytes)
    pieces.push_back(sha256_hex_of_part(path, begin, std::min(piece_bytes, content.bytes - begin)));
  EXPECT_EQ(pieces.size(), 3u);
  EXPECT_EQ(content.sha256, hash_of_lines(pieces));
  EXPECT_EQ(content.bytes, 2 * piece_bytes + 3);
}

TEST_F(ContentOfFiles, IsTheHashOfTheHashesOfSeveralFilesInNaturalOrder) {
  std::vector<std::string> paths, hashes;
  for (int i = 0; i < 12; ++i) {
    paths.push_back(write("a_" + std::to_string(i) + ".list", std::to_string(i) + " 2 3 4\n"));
    hashes.push_back(sha256_hex_of_file(paths.back()));
  }
  const auto wanted = hash_of_lines(hashes);
  EXPECT_EQ(content_of(fs::path(paths[0]).parent_path().string(), world_).sha256, wanted);
  std::ranges::reverse(paths);
  EXPECT_EQ(content_of(paths, world_).sha256, wanted);
  EXPECT_EQ(content_of(paths).sha256, wanted);
  EXPECT_EQ(content_of(folder_ / "a_*.list", world_).sha256, wanted);
}

TEST(NaturalOrder, ComparesNumbersByValue) {
  const std::vector<std::string> ordered = {"a", "a.0.list", "a.1.list", "a.2.list", "a.10.list", "a.10.list.gz", "a1", "a01x", "a2", "b", "b/1", "b/2"};
  for (std::size_t i = 0; i < ordered.size(); ++i)
    for (std::size_t j = 0; j < ordered.size(); ++j) EXPECT_EQ(natural_less(ordered[i], ordered[j]), i < j) << ordered[i] << ' ' << ordered[j];
}

TEST_F(ContentOfFiles, AFingerprintTellsWhetherAFileIsStillTheSame) {
  const std::vector<std::string> paths = {write("a_0.list", std::string(9 << 20, '1')), write("a_1.list", "2 2 3 4\n")};
  const auto before = fingerprint_of(paths, world_);
  EXPECT_EQ(before, fingerprint_of(paths, world_));
  EXPECT_EQ(before, Fingerprint::from_json(before.to_json()));
  EXPECT_EQ(before.files.size(), 2u);
  EXPECT_THROW(Fingerprint::from_json("[{}]"), Error);
  EXPECT_THROW(Fingerprint::from_json("no JSON"), Error);

  // Other bytes in a sample, with the old size and time: the last sample ends with the file.
  for (const std::uint64_t at : {std::uint64_t{12}, std::uint64_t{9} << 20}) {
    on_root([&] {
      const auto time = fs::last_write_time(paths[0]);
      std::fstream(paths[0], std::ios::in | std::ios::out | std::ios::binary).seekp(static_cast<std::streamoff>(at)).put('0');
      fs::last_write_time(paths[0], time);
    });
    EXPECT_NE(before, fingerprint_of(paths, world_)) << at;
    on_root([&] {
      const auto time = fs::last_write_time(paths[0]);
      std::fstream(paths[0], std::ios::in | std::ios::out | std::ios::binary).seekp(static_cast<std::streamoff>(at)).put('1');
      fs::last_write_time(paths[0], time);
    });
    const auto after = fingerprint_of(paths, world_);
    EXPECT_EQ(before.files[0].hashes, after.files[0].hashes) << at;
    EXPECT_NE(before, after) << "it was written all the same";
  }
  on_root([&] { fs::last_write_time(paths[1], fs::last_write_time(paths[1]) + std::chrono::milliseconds(1)); });
  EXPECT_NE(before, fingerprint_of(paths, world_));
}

// A catalog of one halo whose file changes while it is read.
class Changing : public HaloSource {
 public:
  Changing(Input from, std::function<void()> change) : HaloSource(std::move(from)), change_(std::move(change)) {
    for (const char* name : {"id", "parent_id"}) header_.halos.add<std::int64_t>({name, "", ""});
    for (const char* name : {"mass", "x", "y", "z"}) header_.halos.add<double>({name, "", ""});
    header_.simulation.box.fill(100);
    header_.source = input().source;
  }
  double rows() const override { return 0; }
  void read(const Take&, const mpi::Communicator&) override { change_(); }

 private:
  std::function<void()> change_;
};

TEST_F(ContentOfFiles, AFileThatChangesWhileItIsReadIsRefused) {
  const auto path = write("a.list", "1 2 3 4\n");
  const auto later = [&] { fs::last_write_time(path, fs::last_write_time(path) + std::chrono::milliseconds(1)); };
  const auto longer = [&] { std::ofstream(path, std::ios::app) << "5 6 7 8\n"; };
  for (const std::function<void()>& change : {std::function<void()>(later), std::function<void()>(longer)})
    for (const bool known : {false, true}) {
      const auto content = content_of(path, world_);
      const auto read = [&](const std::function<void()>& work) {
        Changing source({{HaloFormat::rockstar, path, {path}}, {path, "rockstar", 0, "", path}, states_of({path}, world_)},
                        [&] { on_root(work); });
        return read_halos(source, {}, {.content = known ? std::optional(content) : std::nullopt}, world_).source.sha256;
      };
      EXPECT_EQ(read([] {}), content.sha256);
      expect_error(ExitCode::io,
                   path + ": changed while it was read (its size or time of change is another one); run again when it is complete",
                   [&] { read(change); });
    }
}

}  // namespace
}  // namespace halobrush::catalog
