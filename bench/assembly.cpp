// How fast staged tiles become one mock, beside the rate at which the same ranks write the same bytes from memory with
// plain MPI-IO, by collective calls and each for itself; the faster of these is compared. All include closing and flushing; assembly also reads the tiles, compares their checksums and renames. CPU
// seconds are of all ranks and hold on a busy machine, too.
//   mpirun -np 2 bench_assembly <folder> <rows> <repetitions> <tiles> ...
#include <mpi.h>
#include <sys/resource.h>

#include <algorithm>
#include <filesystem>
#include <iostream>

#include "halobrush/catalog/assembly.hpp"
#include "halobrush/core/files.hpp"
#include "halobrush/core/timer.hpp"

namespace {

using namespace halobrush;
using catalog::Table;

// The columns of the demo mock, by type: 154 bytes a row.
Table columns() {
  Table table;
  const auto add = [&]<class T>(T, const char* kind, int count) {
    for (int k = 0; k < count; ++k) table.add<T>({fmt::format("{}_{}", kind, k), "", "a column"});
  };
  add(std::int64_t{}, "integer", 5);
  add(std::uint8_t{}, "flag", 2);
  add(double{}, "position", 3);
  add(float{}, "number", 22);
  return table;
}

Table rows_of(std::uint64_t first, std::uint64_t count) {
  auto rows = columns();
  rows.resize(count);
  for (auto& column : rows.columns())
    std::visit(
        [&](auto& values) {
          for (std::size_t i = 0; i < values.size(); ++i)
            values[i] = static_cast<std::decay_t<decltype(values[0])>>((first + i) % 127);
        },
        column.data);
  return rows;
}

catalog::MockHeader header() {
  catalog::MockHeader header;
  auto& s = header.simulation;
  s.box = {100, 100, 100};
  s.scale_factor = 1;
  s.omega_m = 0.3, s.omega_l = 0.7, s.h = 0.7, s.omega_b = 0.05, s.sigma_8 = 0.8, s.n_s = 0.96;
  return header;
}

// Each rank makes its share of the tiles; all ranks get all records.
std::vector<catalog::StagedTile> make_tiles(const catalog::Staging& staging, std::uint64_t rows, std::uint64_t count,
                                            const mpi::Communicator& comm) {
  if (comm.root()) staging.open(catalog::Staging::Discard::all);
  comm.barrier();
  std::vector<catalog::StagedTile> tiles;
  for (auto t = static_cast<std::uint64_t>(comm.rank()); t < count; t += static_cast<std::uint64_t>(comm.size())) {
    const auto first = rows * t / count;
    tiles.push_back(staging.write(static_cast<std::int64_t>(t), rows_of(first, rows * (t + 1) / count - first), 0, comm.rank()));
  }
  auto all = comm.gather_all(std::span<const catalog::StagedTile>(tiles)).data;
  std::ranges::sort(all, {}, &catalog::StagedTile::tile);
  return all;
}

// Every rank's share from memory, in blocks.
template <class Write>
void write_raw(const std::filesystem::path& path, std::uint64_t bytes, Write&& write, const mpi::Communicator& comm) {
  constexpr std::uint64_t block = 64 << 20;
  static const std::vector<std::byte> memory(block, std::byte{7});
  const auto n = static_cast<std::uint64_t>(comm.size()), rank = static_cast<std::uint64_t>(comm.rank());
  const auto begin = bytes * rank / n, end = bytes * (rank + 1) / n, rounds = comm.max((end - begin + block - 1) / block);
  MPI_File file = MPI_FILE_NULL;
  mpi::check(MPI_File_open(comm.handle(), path.c_str(), MPI_MODE_CREATE | MPI_MODE_WRONLY, MPI_INFO_NULL, &file), "MPI_File_open");
  for (std::uint64_t round = 0; round < rounds; ++round) {
    const auto at = std::min(begin + round * block, end);
    mpi::check(write(file, static_cast<MPI_Offset>(at), memory.data(), static_cast<int>(std::min(block, end - at)), MPI_BYTE,
                     MPI_STATUS_IGNORE),
               "MPI_File_write");
  }
  mpi::check(MPI_File_close(&file), "MPI_File_close");
  if (comm.root()) flush(path);
}

double cpu_seconds() {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  return static_cast<double>(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
         1e-6 * static_cast<double>(used.ru_utime.tv_usec + used.ru_stime.tv_usec);
}

struct Times {
  std::vector<double> wall, cpu;

  template <class Work>
  void add(const mpi::Communicator& comm, Work&& work) {
    comm.barrier();
    const Timer timer;
    const double before = cpu_seconds();
    work();
    cpu.push_back(comm.sum(cpu_seconds() - before));
    wall.push_back(comm.max(timer.seconds()));
  }
};

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

void measure(const std::filesystem::path& folder, std::uint64_t rows, int repetitions, std::uint64_t count,
             const mpi::Communicator& comm) {
  const catalog::Staging staging(folder / "tiles", {{"benchmark", "assembly"}});
  const auto tiles = make_tiles(staging, rows, count, comm);
  const auto raw_file = folder / "raw", mock = folder / "mock.hdf5";
  const auto bytes = rows * static_cast<std::uint64_t>(catalog::bytes_per_row(columns()));
  Times together, alone, assembly;
  const auto remove = [&](const std::filesystem::path& file) {
    if (comm.root()) std::filesystem::remove(file);
  };
  for (int k = 0; k < repetitions; ++k) {
    together.add(comm, [&] { write_raw(raw_file, bytes, MPI_File_write_at_all, comm); });
    remove(raw_file);
    alone.add(comm, [&] { write_raw(raw_file, bytes, MPI_File_write_at, comm); });
    remove(raw_file);
    assembly.add(comm, [&] { catalog::assemble(mock, header(), columns(), staging, tiles, comm); });
    remove(mock);
  }
  const double mb = 1e-6 * static_cast<double>(bytes);
  const auto rate = [&](const char* name, const Times& times) {
    return fmt::format("{} {:.0f} MB/s ({:.3f} s, CPU {:.3f} s), ", name, mb / median(times.wall), median(times.wall), median(times.cpu));
  };
  if (comm.root()) {
    std::cout << fmt::format("{} rows in {} tiles, {:.0f} MB, {} ranks: ", rows, count, mb, comm.size())
              << rate("raw, collective", together) << rate("raw, each for itself", alone) << rate("assembly", assembly)
              << fmt::format("ratio {:.2f}\n", std::min(median(together.wall), median(alone.wall)) / median(assembly.wall)) << std::flush;
    staging.remove();
  }
  comm.barrier();
}

}  // namespace

int main(int argc, char** argv) {
  MPI_Init(&argc, &argv);
  if (argc < 5) {
    std::cerr << "usage: bench_assembly <folder> <rows> <repetitions> <tiles> ...\n";
    MPI_Abort(MPI_COMM_WORLD, 2);
  }
  {
    const mpi::Communicator comm(MPI_COMM_WORLD);
    const std::filesystem::path folder = argv[1];
    for (int k = 4; k < argc; ++k) measure(folder, std::stoull(argv[2]), std::stoi(argv[3]), std::stoull(argv[k]), comm);
  }
  MPI_Finalize();
}
