#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <new>
#include <random>

#include "catalog/support.hpp"
#include "halobrush/catalog/assembly.hpp"
#include "halobrush/catalog/octree.hpp"

// What is asked for at once while a test watches.
static std::atomic<std::size_t> largest{0};
[[gnu::noinline]] void* operator new(std::size_t size) {
  if (size > largest) largest = size;
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace halobrush::catalog {
namespace {

Table rows_from(std::uint64_t first, std::uint64_t n) {
  Table rows;
  rows.resize(n);
  auto id = rows.add<std::int64_t>({"halo_id", "", "id of the halo"});
  auto x = rows.add<double>({"x", "Mpc/h", "position"});
  auto size = rows.add<float>({"size", "kpc", "size"});
  auto central = rows.add<std::uint8_t>({"is_central", "", "whether the halo is no subhalo"});
  for (std::size_t i = 0; i < n; ++i) {
    id[i] = static_cast<std::int64_t>(first + i);
    x[i] = 1e-4 * static_cast<double>(first + i);
    size[i] = static_cast<float>((first + i) % 97);
    central[i] = (first + i) % 3 == 0;
  }
  return rows;
}

constexpr std::uint64_t bytes_of_row = 8 + 8 + 4 + 1;

Table scattered(std::int64_t tile, std::uint64_t n) {
  Table rows;
  rows.resize(n);
  auto id = rows.add<std::int64_t>({"halo_id", "", "id of the halo"});
  std::mt19937_64 random(static_cast<std::uint64_t>(tile));
  for (std::size_t i = 0; i < n; ++i) id[i] = 10'000 * tile + static_cast<std::int64_t>(i);
  for (const char* axis : {"x", "y", "z"})
    for (auto& value : rows.add<double>({axis, "Mpc/h", "position"})) value = std::uniform_real_distribution<>(0, 100)(random);
  return rows;
}

MockHeader header() {
  MockHeader h;
  h.simulation.box = {100, 100, 100};
  h.simulation.scale_factor = 1;
  h.simulation.omega_m = 0.3, h.simulation.omega_l = 0.7, h.simulation.h = 0.7;
  h.simulation.omega_b = 0.05, h.simulation.sigma_8 = 0.8, h.simulation.n_s = 0.96;
  return h;
}

class Assembly : public testing::Test {
 protected:
  // Tiles of these many rows, dealt to the ranks.
  void stage(const std::vector<std::uint64_t>& sizes) {
    if (world_.root()) staging_.open(Staging::Discard::all);
    world_.barrier();
    std::vector<StagedTile> mine;
    std::uint64_t first = 0;
    for (std::size_t t = 0; t < sizes.size(); first += sizes[t++])
      if (static_cast<int>(t) % world_.size() == world_.rank())
        mine.push_back(staging_.write(static_cast<std::int64_t>(t), rows_from(first, sizes[t]), 0, world_.rank()));
    tiles_ = world_.gather_all(std::span<const StagedTile>(mine)).data;
    std::ranges::sort(tiles_, {}, &StagedTile::tile);
    total_ = first;
  }
  void assemble(const WriteOptions& options = {}) {
    catalog::assemble(path_, header(), rows_from(0, 0), staging_, tiles_, world_, options);
  }

  void assemble_indexed(const MockHeader& about, const std::vector<CellRows>& cells, std::uint64_t slab_bytes) {
    catalog::assemble(path_, about, scattered(0, 0), staging_, tiles_, world_, {.slab_bytes = slab_bytes}, cells);
  }

  mpi::Communicator world_{MPI_COMM_WORLD};
  SharedFolder folder_{world_};
  std::string path_ = folder_ / "mock.hdf5";
  Staging staging_{folder_ / "mock.hdf5.staging", {{"seed", "1"}}};
  std::vector<StagedTile> tiles_;
  std::uint64_t total_ = 0;
};

TEST_F(Assembly, HasTheRowsOfAllTilesInTheirOrderWhateverTheirSizeAndThatOfSlabs) {
  for (const auto& sizes : std::vector<std::vector<std::uint64_t>>{
           {}, {0}, {1}, {0, 3, 0, 0, 2, 20'000, 1, 0, 4096, 8192, 5, 0}, {10'000}, std::vector<std::uint64_t>(300, 7)}) {
    stage(sizes);
    for (const std::uint64_t slab : {std::uint64_t{1} << 24, 5000 * bytes_of_row, 777 * bytes_of_row + 1}) {
      assemble({.slab_bytes = slab});
      expect_equal(gather(read_mock(path_, {}, world_).galaxies, world_), rows_from(0, total_));
      world_.barrier();
    }
  }
  stage({2, 3});
  assemble({.slab_bytes = 1});  // a row at a time
  expect_equal(gather(read_mock(path_, {}, world_).galaxies, world_), rows_from(0, 5));
}

TEST_F(Assembly, PutsRowsCellByCellAndThoseOfACellTileByTile) {
  const std::vector<std::uint64_t> sizes = {400, 0, 1500, 7, 1, 900};
  const Octree octree(100, 2808);
  ASSERT_EQ(octree.cells(), 8u);
  if (world_.root()) staging_.open(Staging::Discard::all);
  world_.barrier();
  Table all = scattered(0, 0);
  std::vector<CellRows> cells;
  auto about = header();
  about.rows_of_cell.resize(octree.cells());
  for (std::size_t t = 0; t < sizes.size(); ++t) {
    const auto tile = static_cast<std::int64_t>(t);
    const auto rows = octree.sorted(scattered(tile, sizes[t]));
    all.append(rows);
    for (const auto& cell : octree.count(tile, rows)) {
      cells.push_back(cell);
      about.rows_of_cell[static_cast<std::size_t>(cell.cell)] += cell.rows;
    }
    if (world_.root()) tiles_.push_back(staging_.write(tile, rows, 0, 0));
  }
  tiles_ = world_.gather_all(std::span<const StagedTile>(tiles_)).data;
  for (const std::uint64_t rows : {100'000, 501, 13}) {
    assemble_indexed(about, cells, rows * 32);
    expect_equal(gather(read_mock(path_, {}, world_).galaxies, world_), octree.sorted(all));
    world_.barrier();
  }
  EXPECT_EQ(octree.cell_of(Vec3(60, 10, 10)), 1);  // x is the lowest bit
  EXPECT_EQ(octree.cell_of(Vec3(10, 60, 10)), 2);
  EXPECT_EQ(octree.cell_of(Vec3(10, 10, 100)), 4);  // the edge belongs to the last cell
}

TEST_F(Assembly, HoldsASlabAndNoTile) {
  stage({200'000});
  largest = 0;
  assemble({.slab_bytes = 1 << 17});
  EXPECT_LT(largest.load(), 200'000u);  // the tile has 4.2 MB, the slab 131 kB, the file's parts 86 kB
}

// Calls that write, of this process.
std::uint64_t writes() {
  std::ifstream file("/proc/self/io");
  for (std::string key, value; file >> key >> value;)
    if (key == "syscw:") return std::stoull(value);
  return 0;
}

TEST_F(Assembly, TakesNoMoreCallsForManyTiles) {
  const auto calls = [&](const std::vector<std::uint64_t>& sizes) {
    stage(sizes);
    const auto before = writes();
    assemble({.slab_bytes = 20'000 * bytes_of_row});
    return world_.max(writes() - before);
  };
  const auto few = calls({20'000, 20'000}), many = calls(std::vector<std::uint64_t>(800, 50));
  if (few == 0) GTEST_SKIP() << "the system counts no calls";
  EXPECT_LT(many, few + 100);
}

TEST_F(Assembly, RefusesATileThatIsNotWhatWasWrittenAndGoesOnWhenItIsPaintedAnew) {
  stage({9000, 9000, 9000});
  assemble();
  const auto before = contents(path_);
  world_.barrier();
  const auto tile = (staging_.folder() / "tile_000001.bin").string();
  if (world_.root()) {
    std::fstream file(tile, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(5000 * bytes_of_row);
    file.put('\x55');
  }
  world_.barrier();
  expect_error(ExitCode::data, tile + ": is not what was written (size or checksum differ); run again to paint the tile anew",
               [&] { assemble({.stale = folder_ / "mock.hdf5.json"}); });
  world_.barrier();  // the root removes it
  EXPECT_EQ(contents(path_), before);
  EXPECT_FALSE(std::filesystem::exists(path_ + ".partial"));
  EXPECT_TRUE(staging_.verify(tiles_[0]) && !staging_.verify(tiles_[1]) && staging_.verify(tiles_[2]));
  world_.barrier();
  stage({9000, 9000, 9000});
  assemble();
  expect_equal(gather(read_mock(path_, {}, world_).galaxies, world_), rows_from(0, total_));
}

}  // namespace
}  // namespace halobrush::catalog
