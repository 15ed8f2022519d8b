#include "halobrush/catalog/assembly.hpp"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "halobrush/core/error.hpp"
#include "share.hpp"

namespace halobrush::catalog {
namespace {

void copy_rows(const Table& from, std::uint64_t first, std::uint64_t count, Table& table, std::uint64_t to) {
  for (std::size_t c = 0; c < table.columns().size(); ++c)
    std::visit(
        [&]<class T>(std::vector<T>& values) {
          const auto& source = std::get<std::vector<T>>(from.columns()[c].data);
          std::copy_n(source.begin() + static_cast<std::ptrdiff_t>(first), count,
                      values.begin() + static_cast<std::ptrdiff_t>(to));
        },
        table.columns()[c].data);
}

}  // namespace

class StagedMock::Ordered {
 public:
  // Rows of one tile that stand together in the mock.
  struct Piece {
    std::size_t tile;               // of the list of tiles
    std::uint64_t first, rows;      // in the tile
    std::uint64_t end_in_mock = 0;  // row behind the last one
  };

  static std::vector<Piece> whole_tiles(const std::vector<StagedTile>& tiles) {
    std::vector<Piece> pieces;
    for (std::size_t t = 0; t < tiles.size(); ++t) pieces.push_back({t, 0, tiles[t].rows});
    return pieces;
  }

  // Cell by cell, and in a cell tile by tile.
  static std::vector<Piece> by_cell(const std::vector<StagedTile>& tiles, std::vector<CellRows> cells) {
    std::map<std::int64_t, std::size_t> index;
    for (std::size_t t = 0; t < tiles.size(); ++t) index[tiles[t].tile] = t;
    std::ranges::sort(cells, {}, [](const CellRows& c) { return std::tuple(c.cell, c.tile); });
    std::vector<std::uint64_t> taken(tiles.size());
    std::vector<Piece> pieces;
    for (const auto& cell : cells) {
      const auto tile = index.at(cell.tile);
      pieces.push_back({tile, taken[tile], cell.rows});
      taken[tile] += cell.rows;
    }
    for (std::size_t t = 0; t < tiles.size(); ++t)
      if (taken[t] != tiles[t].rows)
        throw internal_error("cells hold {} of {} rows of tile {}", taken[t], tiles[t].rows, tiles[t].tile);
    return pieces;
  }

  Ordered(const Staging& staging, std::vector<StagedTile> tiles, std::vector<Piece> pieces)
      : staging_(staging), tiles_(std::move(tiles)), pieces_(std::move(pieces)) {
    for (auto& piece : pieces_) piece.end_in_mock = total_ += piece.rows;
  }

  std::uint64_t total() const { return total_; }

  void read(std::uint64_t first, std::uint64_t count, Table& rows) const {
    rows.resize(count);
    std::map<std::size_t, std::vector<Part>> of_tile;
    auto piece = std::ranges::upper_bound(pieces_, first, {}, &Piece::end_in_mock);
    for (std::uint64_t done = 0; done < count; ++piece) {
      const auto skip = first + done - (piece->end_in_mock - piece->rows);
      const auto here = std::min(piece->rows - skip, count - done);
      if (here > 0) of_tile[piece->tile].push_back({piece->first + skip, here, done});
      done += here;
    }
    for (const auto& [tile, parts] : of_tile) read_parts(tiles_[tile], parts, rows);
  }

 private:
  struct Part {
    std::uint64_t first, rows, to;
  };

  // What cells that follow each other take of a tile follows each other there, too: it is read at once.
  void read_parts(const StagedTile& tile, const std::vector<Part>& parts, Table& rows) const {
    const auto& [first, count, to] = parts.front();
    if (parts.size() == 1) return staging_.read(tile, first, count, rows, to);
    auto together = rows.empty_like();
    together.resize(parts.back().first + parts.back().rows - first);
    staging_.read(tile, first, together.rows(), together, 0);
    for (const auto& part : parts) copy_rows(together, part.first - first, part.rows, rows, part.to);
  }

  const Staging& staging_;
  std::vector<StagedTile> tiles_;
  std::vector<Piece> pieces_;
  std::uint64_t total_ = 0;
};

StagedMock::StagedMock(const Table& columns, const Staging& staging, std::vector<StagedTile> tiles, std::vector<CellRows> cells)
    : columns_(columns.empty_like()) {
  auto pieces = cells.empty() ? Ordered::whole_tiles(tiles) : Ordered::by_cell(tiles, std::move(cells));
  staged_ = std::make_unique<Ordered>(staging, std::move(tiles), std::move(pieces));
}
StagedMock::~StagedMock() = default;

std::uint64_t StagedMock::rows() const {
  return staged_->total();
}

std::vector<std::string> StagedMock::write(const std::string& path, const MockHeader& header, std::uint64_t first, std::uint64_t count,
                                           const mpi::Communicator& comm, const WriteOptions& options) const {
  const auto mine = share_of({first, first + count}, comm.rank(), comm.size());
  const auto row = std::max(static_cast<std::uint64_t>(bytes_per_row(columns_)), std::uint64_t{1});
  const auto most = std::max(options.slab_bytes / row, std::uint64_t{1});
  std::vector<RowBlock> slabs;
  for (auto next = mine.begin; next < mine.end; next += most) {
    const auto rows = std::min(most, mine.end - next);
    slabs.push_back({next - first, rows, [this, next, rows](Table& slab) { staged_->read(next, rows, slab); }});
  }
  return write_mock(path, header, columns_, count, slabs, comm, options);
}

std::vector<std::string> assemble(const std::string& path, const MockHeader& header, const Table& columns,
                                  const Staging& staging, const std::vector<StagedTile>& tiles,
                                  const mpi::Communicator& comm, const WriteOptions& options, std::vector<CellRows> cells) {
  const StagedMock mock(columns, staging, tiles, std::move(cells));
  return mock.write(path, header, 0, mock.rows(), comm, options);
}

}  // namespace halobrush::catalog
