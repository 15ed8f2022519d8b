#include "transport.hpp"

#include <algorithm>
#include <filesystem>

#include "halobrush/core/error.hpp"
#include "halobrush/core/files.hpp"
#include "halobrush/mpi/agree.hpp"
#include "hints.hpp"

namespace halobrush::catalog {
namespace {

void check_cover(const std::vector<RowBlock>& blocks, std::uint64_t total_rows,
                 const mpi::Communicator& comm) {
  struct Range {
    std::uint64_t first, rows;
  };
  std::vector<Range> mine;
  for (const auto& block : blocks) mine.push_back({block.first_row, block.rows});
  auto all = comm.gather_all(std::span<const Range>(mine)).data;
  std::erase_if(all, [](const Range& range) { return range.rows == 0; });
  std::ranges::sort(all, {}, &Range::first);
  std::uint64_t next = 0;
  for (const auto& range : all) {
    if (range.first != next)
      throw internal_error("blocks of rows leave a gap or overlap at row {}", std::min(next, range.first));
    next += range.rows;
  }
  if (next != total_rows) throw internal_error("blocks hold {} rows of {}", next, total_rows);
}

Table load(const RowBlock& block, const Table& columns) {
  Table rows = block.load();
  Table same = columns.empty_like();
  same.append(rows.empty_like());  // throws where the columns differ
  if (rows.rows() != block.rows)
    throw internal_error("a block of {} rows at row {} holds {}", block.rows, block.first_row, rows.rows());
  return rows;
}

void write_block(LayoutFile& file, std::uint64_t first_row, const Table& rows) {
  for (std::size_t c = 0; c < rows.columns().size(); ++c) file.write(c, first_row, rows.columns()[c].data);
}

// Every rank at its own pace: nobody waits for others between two blocks, nor for one that failed.
void write_own_rows(LayoutFile& file, const Table& columns, const std::vector<RowBlock>& blocks,
                    const mpi::Communicator& comm) {
  mpi::agree(comm, [&] {
    for (const auto& block : blocks) write_block(file, block.first_row, load(block, columns));
  });
}

// One block of each rank at a time, because every rank takes part in every call.
void write_rows_together(LayoutFile& file, const Table& columns, const std::vector<RowBlock>& blocks,
                         const mpi::Communicator& comm) {
  const auto rounds = comm.max<std::uint64_t>(blocks.size());
  for (std::size_t round = 0; round < rounds; ++round) {
    const bool mine = round < blocks.size();
    const auto rows =
        mpi::agree(comm, [&] { return mine ? load(blocks[round], columns) : columns.empty_like(); });
    mpi::together(comm, [&] { write_block(file, mine ? blocks[round].first_row : 0, rows); });
  }
}

// What a node has written lies in its own memory until one of its ranks flushes it.
void flush_on_every_node(const std::string& path, const mpi::Communicator& comm) {
  const auto node = comm.node();
  mpi::agree(comm, [&] {
    if (node.root()) flush(path);
  });
}

}  // namespace

std::vector<std::string> write_file(const std::string& path, const Layout& layout, const MockHeader& header,
                                    const Table& columns, std::uint64_t total_rows, const std::vector<RowBlock>& blocks,
                                    const WriteOptions& options, const mpi::Communicator& comm) {
  check_cover(blocks, total_rows, comm);
  const auto target = mpi::agree(comm, [&] {
    check_hints(options.hints);
    layout.check(columns);
    return behind_links(path);  // a link stays one
  });
  const auto partial = target.string() + ".partial";
  mpi::agree(comm, [&] {
    if (comm.root()) create_empty(partial);
  });
  std::unique_ptr<LayoutFile> file;
  try {
    file = mpi::together(comm, [&] { return layout.create(partial, header, columns, total_rows, options, comm); });
    const auto remarks = mpi::agree(comm, [&] { return file->remarks(); });
    mpi::agree(comm, [&] {
      if (comm.root()) reserve(partial, layout.bytes(header, columns, total_rows, options.alignment));
    });
    (options.collective() ? write_rows_together : write_own_rows)(*file, columns, blocks, comm);
    mpi::together(comm, [&] { file->finish(); });
    flush_on_every_node(partial, comm);
    mpi::agree(comm, [&] {
      if (!comm.root()) return;
      if (!options.stale.empty()) std::filesystem::remove(options.stale);
      publish(partial, target);
    });
    return remarks;
  } catch (const Error&) {
    // The same error is on its way on every rank, so closing, which is collective, is safe here.
    file.reset();
    std::error_code ignored;
    if (comm.root()) std::filesystem::remove(partial, ignored);
    throw;
  }
}

}  // namespace halobrush::catalog
