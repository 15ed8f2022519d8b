// Reading halo catalogs: one function for users, one reader per format behind it.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "halobrush/catalog/content.hpp"
#include "halobrush/catalog/halo_catalog.hpp"
#include "halobrush/catalog/input_files.hpp"
#include "halobrush/catalog/mock.hpp"
#include "halobrush/core/log.hpp"
#include "halobrush/mpi/communicator.hpp"

namespace halobrush::catalog {

struct ReadOptions {
  std::string format = "auto";  ///< auto, or a name of input.format
  double box_size = std::numeric_limits<double>::quiet_NaN();  ///< where the file does not say, Mpc/h
  std::vector<double> units =
      {};  ///< of length (Mpc/h), mass (Msun/h), velocity (km/s): where SUBFIND files do not say
  double scale_factor = box_size, omega_m = box_size, h = box_size;  ///< the same; NaN: unknown
  double min_vmax = 0;                                               ///< km/s: slower halos are left out
  std::string host_mass = "main";  ///< of hosts in Rockstar lists: main, or 200c for the column M200c
  bool headers_only = false;       ///< read_header looks at no rows
  bool describe = false;           ///< only to be looked at: what neither file nor options say stays NaN
  std::map<std::string, std::string> columns = {};  ///< of HDF5 files of any layout: as input.columns
  std::string mass_definition = {};                 ///< of their masses
  std::int64_t min_particles = 0;  ///< halos of fewer are left out, where a catalog tells
  double min_mass = 0;             ///< Msun/h: lighter halos are left out
};

/// What a source reads.
struct Input {
  CatalogFiles catalog;
  Source source;                  ///< without its hash
  std::vector<FileState> states;  ///< of the files, before anything was read
};

/// A catalog whose header is read, and whose rows come in blocks: what a rank holds of them is for others to decide.
class HaloSource {
 public:
  /// Takes a block of rows in the order of the file. `done` is the share of this rank's rows that end with it, 0 to 1.
  using Take = std::function<void(Table block, double done)>;
  explicit HaloSource(Input input) : input_(std::move(input)) {}
  virtual ~HaloSource() = default;

  const Input& input() const { return input_; }

  /// Simulation, source (without its hash) and remarks; `halos` has the columns that the rows will have, and no rows.
  /// What rows say of the whole is a remark after read().
  const HaloCatalog& header() const { return header_; }

  /// Not collective; of a text file an estimate from its size.
  virtual double rows() const = 0;

  /// @collective Hands out all rows of this rank's share. Throws data_error naming file, column, row, the same on
  /// every rank.
  virtual void read(const Take& take, const mpi::Communicator& comm) = 0;

 protected:
  HaloCatalog header_;

 private:
  Input input_;
};

/// @collective Reads the headers. Throws as files_of_catalog; data_error where files are not of one catalog: box,
/// cosmology, scale factor, units, mass definition or columns differ.
std::unique_ptr<HaloSource> open_halos(const InputPaths& paths, const ReadOptions& options,
                                       const mpi::Communicator& comm);

/// What is kept of the rows that are read.
struct Selection {
  std::vector<std::string> columns = {};  ///< all when empty
  bool single = false;                    ///< numbers in single precision (Table::to_single)
  std::optional<Content> content = {};    ///< of the input, where it is known already: it is not hashed again
};

/// @collective The rows of a source that has not been read; checks as below. Throws io_error where a file changed since
/// it was hashed, or opened.
HaloCatalog read_halos(HaloSource& source, const ReadOptions& options, const Selection& selection,
                       const mpi::Communicator& comm);

/// @collective Every rank gets its share of rows (any share may be empty; an empty catalog is valid).
/// Checks finite positions inside the box, positive masses and radii, unique ids. Throws data_error naming
/// file, column, row (the same on every rank).
HaloCatalog read_halos(const InputPaths& paths, const ReadOptions& options, const mpi::Communicator& comm);

/// Whether a remark warns of something that makes results wrong.
bool is_warning(const std::string& remark);
/// Each on a line of its own, `stage: remark`; warnings as such.
void log_remarks(Logger& log, const std::string& stage, const std::vector<std::string>& remarks);

/// What a header says, and how the rows of a catalog that is not large look: for --dry-run and info. `rows` of a
/// large text file is an estimate from its size.
struct HaloHeader {
  Simulation simulation;
  Source source;  ///< without sha256
  std::vector<std::string> columns;
  std::uint64_t rows = 0;
  bool rows_exact = true;
  std::vector<std::string> remarks = {};
  std::vector<std::string> units = {};  ///< what numbers were in, and where that is said
  std::uint64_t rows_seen = 0, hosts_seen = 0;  ///< of a catalog that is not too large to be looked at
  LeftOut left_out = {};                        ///< of rows_seen, by the limits asked for
};
/// Not collective. What is wrong with the rows is a remark.
HaloHeader read_header(const InputPaths& paths, const ReadOptions& options);

/// @collective Writes the canonical HDF5 halo catalog (docs/formats.md).
void write_halos(const std::string& path, const HaloCatalog& catalog, const mpi::Communicator& comm);

/// @collective The same from blocks of rows, as write_mock.
void write_halos(const std::string& path, const MockHeader& header, const Table& columns,
                 std::uint64_t total_rows, const std::vector<RowBlock>& blocks,
                 const mpi::Communicator& comm);

}  // namespace halobrush::catalog
