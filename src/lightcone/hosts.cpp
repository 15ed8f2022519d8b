#include "hosts.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "halobrush/catalog/mock.hpp"
#include "halobrush/core/error.hpp"
#include "halobrush/mpi/agree.hpp"
#include "halobrush/mpi/directory.hpp"

namespace halobrush::lightcone {
namespace {

constexpr auto no_id = std::numeric_limits<std::int64_t>::max();

struct Host {
  std::int64_t row;
  double x, y, z;
};

catalog::Table columns() {
  catalog::Table table;
  table.add<std::int64_t>({"host_row", "", ""});
  for (const char* name : {"host_x", "host_y", "host_z"}) table.add<double>({name, "Mpc/h", ""});
  return table;
}

// Blocks [first, end) of one snapshot: this rank's.
struct Share {
  std::size_t first, end;
  std::uint64_t begin_row(const std::vector<Block>& blocks) const { return first == end ? 0 : blocks[first].first; }
  std::uint64_t rows(const std::vector<Block>& blocks) const {
    return first == end ? 0 : blocks[end - 1].first + blocks[end - 1].rows - blocks[first].first;
  }
};

// @collective The host of each row of this rank's share.
std::vector<Host> find(const Snapshot& snapshot, const catalog::Table& galaxies, std::uint64_t first_row, const domain::Box& box,
                       const mpi::Communicator& comm) {
  const auto ids = galaxies.get<std::int64_t>("halo_id"), hosts = galaxies.get<std::int64_t>("host_halo_id");
  const auto position = galaxies.vectors("");
  const mpi::Directory<Host> directory(
      ids,
      [&](std::size_t i) {
        const Vec3 p = box.wrap(position[i]);
        return Host{static_cast<std::int64_t>(first_row + i), p[0], p[1], p[2]};
      },
      comm);
  if (const auto id = directory.duplicate())
    throw data_error("{}: halo {} is there more than once; give a mock in which each halo has one galaxy", snapshot.path, *id);
  std::vector<Host> found(ids.size());
  std::int64_t lost = no_id;
  directory.visit(hosts, [&](std::size_t i, const Host* host) {
    if (host == nullptr)
      lost = std::min(lost, ids[i]);
    else
      found[i] = *host;
  });
  lost = comm.min(lost);
  if (lost != no_id) throw data_error("{}: the host of galaxy {} is not in it; give the mock as it was painted", snapshot.path, lost);
  return found;
}

catalog::Table rows_of(std::span<const Host> hosts) {
  auto table = columns();
  table.resize(hosts.size());
  const auto row = table.get<std::int64_t>("host_row");
  const auto x = table.get<double>("host_x"), y = table.get<double>("host_y"), z = table.get<double>("host_z");
  for (std::size_t i = 0; i < hosts.size(); ++i) row[i] = hosts[i].row, x[i] = hosts[i].x, y[i] = hosts[i].y, z[i] = hosts[i].z;
  return table;
}

}  // namespace

Hosts::Hosts(const Cone& cone, std::vector<Block>& blocks, const catalog::Staging& staging, const mpi::Communicator& comm) : staging_(staging) {
  const domain::Box box{cone.side};
  std::vector<catalog::StagedTile> written;
  std::vector<Block> bounded;
  for (std::size_t first = 0, end = 0; first < blocks.size(); first = end) {
    while (end < blocks.size() && blocks[end].snapshot == blocks[first].snapshot) ++end;
    const auto& snapshot = cone.snapshots[static_cast<std::size_t>(blocks[first].snapshot)];
    const auto count = end - first, ranks = static_cast<std::size_t>(comm.size()), rank = static_cast<std::size_t>(comm.rank());
    const Share mine{first + count * rank / ranks, first + count * (rank + 1) / ranks};
    const auto begin = mine.begin_row(blocks);
    const auto galaxies = mpi::agree(comm, [&] {
      auto rows = catalog::MockRows(snapshot.path, {"halo_id", "host_halo_id", "x", "y", "z"}).read(begin, mine.rows(blocks));
      check_finite(snapshot.path, rows, std::array{"x", "y", "z"}, begin);
      return rows;
    });
    const auto hosts = find(snapshot, galaxies, begin, box, comm);
    mpi::agree(comm, [&] {
      const auto position = galaxies.vectors("");
      for (auto b = mine.first; b < mine.end; ++b) {
        auto block = blocks[b];
        const auto of_block = std::span(hosts).subspan(block.first - begin, block.rows);
        block.low.fill(std::numeric_limits<double>::max()), block.high.fill(std::numeric_limits<double>::lowest());
        for (std::size_t i = 0; i < of_block.size(); ++i) {
          const Vec3 host(of_block[i].x, of_block[i].y, of_block[i].z), galaxy = beside(box, host, position[block.first - begin + i]);
          for (std::size_t k = 0; k < 3; ++k) {
            const auto axis = static_cast<int>(k);
            block.low[k] = std::min({block.low[k], host[axis], galaxy[axis]});
            block.high[k] = std::max({block.high[k], host[axis], galaxy[axis]});
          }
        }
        bounded.push_back(block);
        written.push_back(staging.write(static_cast<std::int64_t>(b), rows_of(of_block), 0, comm.rank()));
      }
    });
  }
  blocks_ = comm.gather_all(std::span<const catalog::StagedTile>(written)).data;
  std::ranges::sort(blocks_, {}, &catalog::StagedTile::tile);
  blocks = comm.gather_all(std::span<const Block>(bounded)).data;
  std::ranges::sort(blocks, {}, [](const Block& block) { return std::pair(block.snapshot, block.first); });
}

catalog::Table Hosts::read(std::int64_t block) const {
  return staging_.read(blocks_[static_cast<std::size_t>(block)], columns());
}

}  // namespace halobrush::lightcone
