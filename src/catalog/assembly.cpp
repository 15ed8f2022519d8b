#include "halobrush/catalog/assembly.hpp"

#include <algorithm>

#include "share.hpp"

namespace halobrush::catalog {
namespace {

// The rows of all tiles, one behind the other.
class StagedRows {
 public:
  StagedRows(const Staging& staging, const std::vector<StagedTile>& tiles) : staging_(staging), tiles_(tiles) {
    for (const auto& tile : tiles) ends_.push_back(total() + tile.rows);
  }

  std::uint64_t total() const { return ends_.empty() ? 0 : ends_.back(); }

  void read(std::uint64_t first, std::uint64_t count, Table& rows) const {
    rows.resize(count);
    auto tile = static_cast<std::size_t>(std::ranges::upper_bound(ends_, first) - ends_.begin());
    for (std::uint64_t done = 0; done < count; ++tile) {
      const auto skip = first + done - (ends_[tile] - tiles_[tile].rows);
      const auto here = std::min(tiles_[tile].rows - skip, count - done);
      if (here > 0) staging_.read(tiles_[tile], skip, here, rows, done);
      done += here;
    }
  }

 private:
  const Staging& staging_;
  const std::vector<StagedTile>& tiles_;
  std::vector<std::uint64_t> ends_;  // row behind the last one of each tile
};

}  // namespace

std::vector<std::string> assemble(const std::string& path, const MockHeader& header, const Table& columns,
                                  const Staging& staging, const std::vector<StagedTile>& tiles,
                                  const mpi::Communicator& comm, const WriteOptions& options) {
  const StagedRows staged(staging, tiles);
  const auto [begin, end] = share_of({0, staged.total()}, comm.rank(), comm.size());
  const auto row = std::max(static_cast<std::uint64_t>(bytes_per_row(columns)), std::uint64_t{1});
  const auto most = std::max(options.slab_bytes / row, std::uint64_t{1});
  std::vector<RowBlock> slabs;
  for (auto first = begin; first < end; first += most) {
    const auto rows = std::min(most, end - first);
    slabs.push_back({first, rows, [&staged, first, rows](Table& slab) { staged.read(first, rows, slab); }});
  }
  return write_mock(path, header, columns, staged.total(), slabs, comm, options);
}

}  // namespace halobrush::catalog
