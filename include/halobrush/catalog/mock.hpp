// The galaxy catalog: one HDF5 file in the OpenCosmo layout, also opened by GCRCatalogs (docs/formats.md).
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "halobrush/catalog/halo_catalog.hpp"
#include "halobrush/catalog/table.hpp"
#include "halobrush/mpi/communicator.hpp"

namespace halobrush::catalog {

/// Names and texts: config, versions, model hash, seed, inputs, timings.
using Provenance = std::vector<std::pair<std::string, std::string>>;
/// Empty where there is no such entry.
std::string entry_of(const Provenance& provenance, const std::string& name);

/// What of the sky a file covers whose cells are its pixels.
struct LightCone {
  std::array<double, 2> redshifts = {0, 0};  ///< of its galaxies
  double area = 0;                           ///< square degrees; not read from files
  std::int64_t step = 0;                     ///< tells the files of one light cone apart, for OpenCosmo; not read from files
};

/// Everything in a mock that is not a row.
struct MockHeader {
  Simulation simulation;
  Provenance provenance;  ///< attributes of /provenance
  /// Where rows are in the order of cells (cell_order.hpp): how many lie in each; empty where they are not.
  std::vector<std::uint64_t> rows_of_cell = {};
  std::optional<LightCone> cone = {};  ///< none: a snapshot
};

/// One block of consecutive rows that this rank writes: `load` is called once, when it is written, and puts them into a
/// table that holds the block before, so that memory is asked for once.
struct RowBlock {
  std::uint64_t first_row = 0, rows = 0;
  std::function<void(Table& rows)> load;
};

/// How a catalog gets onto the disk; nothing here changes what is in it.
struct WriteOptions {
  std::map<std::string, std::string> hints = {};  ///< to MPI-IO, by name
  std::uint64_t alignment = 0;  ///< columns of at least as many bytes begin at multiples of them; 0: anywhere
  std::uint64_t slab_bytes = 16 << 20;  ///< of the rows that a rank holds at a time, when tiles are assembled
  std::string stale = {};       ///< a file about the one that is replaced: it goes just before the new one gets its name
  /// Whether ranks hand their rows to a few that write (romio_cb_write: enable); otherwise each writes its own.
  bool collective() const;
};

/// What stands in the way of a mock with these columns written like this, to be known before any row is made: throws
/// data_error naming a column that the file cannot hold or that readers refuse, config_error for a hint that MPI cannot be
/// told. Returns remarks on what readers will not see as it is. Not collective.
std::vector<std::string> check_mock(const Table& columns, const WriteOptions& options);

/// @collective Writes `path` under a temporary name in the same folder and renames it when it is complete and flushed on
/// every node; an existing file is replaced only then. `columns` is a table without rows that declares the columns.
/// Blocks of all ranks cover [0, total_rows) once. A rank holds one block at a time. Returns remarks on hints that MPI did
/// not take. Throws io_error (full disk, no permission) with the old file untouched, and what check_mock throws.
std::vector<std::string> write_mock(const std::string& path, const MockHeader& header, const Table& columns,
                                    std::uint64_t total_rows, const std::vector<RowBlock>& blocks,
                                    const mpi::Communicator& comm, const WriteOptions& options = {});

struct Mock {
  Table galaxies;  ///< this rank's share of rows, consecutive in rank order
  MockHeader header;
};
/// @collective Reads the named columns (all when empty); galaxy catalogs by other writers need halo_id at
/// least.
Mock read_mock(const std::string& path, const std::vector<std::string>& columns,
               const mpi::Communicator& comm);

/// The rows of a mock, some at a time. Not collective.
class MockRows {
 public:
  /// Of the columns named, or of all. Throws io_error, and data_error where it is no whole snapshot of galaxies with these.
  explicit MockRows(const std::string& path, const std::vector<std::string>& columns = {});
  ~MockRows();
  MockRows(MockRows&&) noexcept;
  const MockHeader& header() const;
  std::uint64_t rows() const;
  /// Positions in Mpc/h, velocities in km/s.
  Table read(std::uint64_t first, std::uint64_t count) const;

 private:
  struct Open;
  std::unique_ptr<Open> open_;
};

/// Rows, columns and provenance without data, also of a light cone; not collective. Throws data_error when it is no mock.
struct MockSummary {
  std::uint64_t rows = 0;
  std::vector<ColumnSpec> columns;
  MockHeader header;
};
MockSummary summarise_mock(const std::string& path);

enum class FileKind { mock, halo_catalog, rockstar, subfind, opencosmo, mpi_rockstar, genericio, compaso, model, unknown };
/// By content, not by name; a folder is one of a set of SUBFIND files. Throws io_error when the file cannot be read.
FileKind kind_of(const std::string& path);
/// Whether read_halos reads it.
bool is_halo_catalog(FileKind kind);

}  // namespace halobrush::catalog
