#include "transport.hpp"

#include <algorithm>
#include <filesystem>
#include <optional>
#include <span>

#include "halobrush/core/error.hpp"
#include "halobrush/core/files.hpp"
#include "halobrush/core/signals.hpp"
#include "halobrush/mpi/agree.hpp"
#include "halobrush/mpi/environment.hpp"
#include "mpi_file.hpp"

namespace halobrush::catalog {
namespace {

constexpr auto end_of_file = "the file is complete";

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

void load(const RowBlock& block, const Table& columns, Table& rows) {
  block.load(rows);
  Table same = columns.empty_like();
  same.append(rows.empty_like());  // throws where the columns differ
  if (rows.rows() != block.rows)
    throw internal_error("a block of {} rows at row {} holds {}", block.rows, block.first_row, rows.rows());
}

std::span<const std::byte> bytes_of(const Column& column) {
  return std::visit([](const auto& values) { return std::as_bytes(std::span(values)); }, column.data);
}

std::uint64_t bytes_per_value(const Column& column) {
  return std::visit([](const auto& values) { return std::uint64_t{sizeof(values[0])}; }, column.data);
}

// A file whose columns begin at known places.
struct Target {
  const std::string& path;
  const MpiFile& file;
  const std::vector<std::uint64_t>& places;

  std::uint64_t place(std::size_t c, const Column& column, std::uint64_t row) const {
    return places[c] + row * bytes_per_value(column);
  }
};

// Every rank at its own pace: nobody waits for others between two blocks, nor for one that failed. The disk works while the
// next block is read.
void write_own_rows(const Target& target, const Table& columns, const std::vector<RowBlock>& blocks,
                    const mpi::Communicator& comm) {
  mpi::agree(comm, [&] {
    auto rows = columns.empty_like();
    for (const auto& block : blocks) {
      stop_here_if_asked(end_of_file);
      load(block, columns, rows);
      for (std::size_t c = 0; c < rows.columns().size(); ++c)
        target.file.write(target.place(c, rows.columns()[c], block.first_row), bytes_of(rows.columns()[c]));
      begin_flush(target.path);
    }
  });
}

// One block of each rank at a time, because every rank takes part in every call.
void write_rows_together(const Target& target, const Table& columns, const std::vector<RowBlock>& blocks,
                         const mpi::Communicator& comm) {
  const auto rounds = comm.max<std::uint64_t>(blocks.size());
  auto rows = columns.empty_like();
  for (std::size_t round = 0; round < rounds; ++round) {
    const bool mine = round < blocks.size();
    mpi::agree(comm, [&] {
      stop_here_if_asked(end_of_file);
      mine ? load(blocks[round], columns, rows) : rows.resize(0);
    });
    const auto first_row = mine ? blocks[round].first_row : 0;
    mpi::together(comm, [&] {
      for (std::size_t c = 0; c < rows.columns().size(); ++c)
        target.file.write_together(target.place(c, rows.columns()[c], first_row), bytes_of(rows.columns()[c]));
    });
  }
}

// What a node has written lies in its own memory until one of its ranks flushes it.
void flush_on_every_node(const std::string& path, const mpi::Communicator& comm) {
  const auto node = comm.node();
  mpi::agree(comm, [&] {
    if (node.root()) flush(path);
  });
}

template <class Work>
void on_root(const mpi::Communicator& comm, Work&& work) {
  mpi::agree(comm, [&] {
    if (comm.root()) work();
  });
}

// Ranks that write each for itself also open and close the file each for itself: one that cannot (no memory, no such folder
// on its node) would leave the others waiting inside of MPI. The root makes the file, with its hints.
void open_file(std::optional<MpiFile>& file, const std::string& path, const WriteOptions& options, const mpi::Communicator& comm) {
  if (options.collective()) return mpi::together(comm, [&] { file.emplace(path, options.hints, comm); });
  const auto open = [&] { file.emplace(path, options.hints, mpi::alone()); };
  on_root(comm, open);
  mpi::agree(comm, [&] {
    if (!comm.root()) open();
  });
}

void close_file(MpiFile& file, const WriteOptions& options, const mpi::Communicator& comm) {
  const auto close = [&] { file.close(); };
  options.collective() ? mpi::together(comm, close) : mpi::agree(comm, close);
}

std::vector<std::uint64_t> broadcast(std::vector<std::uint64_t> values, std::size_t count, const mpi::Communicator& comm) {
  values.resize(count);
  comm.broadcast(std::span(values));
  return values;
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
  on_root(comm, [&] {
    create_empty(partial);  // says best why it cannot be
    std::filesystem::remove(partial);
  });
  std::optional<MpiFile> file;
  try {
    open_file(file, partial, options, comm);
    const auto remarks = mpi::agree(comm, [&] { return remarks_on_hints(options.hints, file->hints_in_use()); });
    std::vector<std::uint64_t> places;
    on_root(comm, [&] {
      const auto bytes = layout.bytes(header, columns, total_rows, options.alignment);
      reserve(partial, bytes);  // HDF5 1.10 crashes when the process ends, if it could not write a file's end
      places = layout.create(partial, header, columns, total_rows, options.alignment);
      reserve(partial, bytes);  // what it emptied
    });
    places = broadcast(std::move(places), columns.columns().size(), comm);
    (options.collective() ? write_rows_together : write_own_rows)({partial, *file, places}, columns, blocks, comm);
    close_file(*file, options, comm);
    flush_on_every_node(partial, comm);
    on_root(comm, [&] {
      layout.finish(partial);
      release(partial);
      flush(partial);
      if (!options.stale.empty()) std::filesystem::remove(options.stale);
      publish(partial, target);
    });
    return remarks;
  } catch (...) {
    const auto error = mpi::current_error(comm);
    // The same error is on its way on every rank; one of this rank alone (its MPI is out of memory) ends the run here.
    mpi::failure_of(comm, [&] { mpi::agree_on_or_end(comm, error); });
    // So closing a file that was opened together is safe where all have it.
    if (options.collective() && comm.min(file ? 1 : 0) == 0 && file) file->abandon();
    file.reset();
    std::error_code ignored;
    if (comm.root()) std::filesystem::remove(partial, ignored);
    throw;
  }
}

}  // namespace halobrush::catalog
