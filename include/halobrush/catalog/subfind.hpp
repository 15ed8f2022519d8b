// Group catalogs of SUBFIND as Gadget-4, Illustris and IllustrisTNG write them (sets of HDF5 files), and
// excerpts of them in one file that names its global ids (/Subhalo/SubhaloID_global). Rows are global: those
// of all files of a set, one after the other.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "halobrush/catalog/reader.hpp"
#include "halobrush/core/error.hpp"

namespace halobrush::catalog {

struct SubfindHeader;

/// What is read of each subhalo.
enum class SubhaloColumns {
  halo,   ///< halo_schema
  stars,  ///< halo_schema and what labels are made of: stellar_mass_in_rad, stellar_mass (Msun),
          ///< star_formation (Msun/yr), magnitude_g, magnitude_r, stellar_radius (kpc, physical). 0 where
          ///< there is none, and NaN for the magnitudes (1e37 in the files).
};

class SubfindCatalog {
 public:
  /// Not collective. `path` is a file of the set, which names the others by their numbers, or the folder of
  /// the set. Throws io_error (unreadable), data_error: a file of the set is absent, files of two
  /// simulations, counts that do not add up, units or cosmology that neither the files nor `options` say.
  static SubfindCatalog open(const std::string& path, const ReadOptions& options);
  /// @collective The same, each rank reading some of the headers.
  static SubfindCatalog open(const std::string& path, const ReadOptions& options,
                             const mpi::Communicator& comm);

  const Simulation& simulation() const { return simulation_; }
  const std::vector<std::string>& remarks() const { return remarks_; }
  const std::vector<std::string>& files() const { return files_; }
  std::string format() const { return excerpt_ ? "SUBFIND excerpt" : "SUBFIND"; }
  std::uint64_t subhalos() const { return subhalo_offsets_.back(); }
  std::uint64_t groups() const { return group_offsets_.back(); }
  std::vector<std::string> columns() const;  ///< names of the halo columns that rows() gives

  /// The subhalos of rows [first, first + count) that are of cosmological origin (SubhaloFlag is 1 or absent).
  /// Not collective. Throws data_error naming file, subhalo, column.
  Table rows(std::uint64_t first, std::uint64_t count, SubhaloColumns columns) const;
  /// Hosts in such rows whose group is too loose for an overdensity of 200 (its mass or radius is 0): their mass is
  /// that of all bound particles. Not collective.
  static std::uint64_t hosts_without_m200(const Table& halos);
  static std::string remark_on_m200(std::uint64_t hosts);

 private:
  struct Group {
    std::int64_t first_subhalo = -1;
    double mass = 0, radius = 0;  // Group_M_Crit200, Group_R_Crit200: Msun/h, Mpc/h
  };
  struct Block;  // the raw numbers of some rows
  class Rows;
  SubfindCatalog() = default;
  static SubfindCatalog of_headers(const std::string& path, std::vector<std::string> files,
                                   const std::vector<SubfindHeader>& headers, const ReadOptions& options);
  template <class T, class Read>
  std::vector<T> read(const std::string& dataset, std::size_t width, std::uint64_t first, std::uint64_t count,
                      Read&& read_part) const;
  std::vector<double> numbers(const std::string& dataset, std::size_t width, std::uint64_t first,
                              std::uint64_t count) const;
  std::vector<std::int64_t> integers(const std::string& dataset, std::uint64_t first, std::uint64_t count) const;
  std::vector<std::uint8_t> flags(const std::string& dataset, std::uint64_t first, std::uint64_t count) const;
  bool has(const std::string& dataset) const;
  std::string group_number() const;
  Error no_such_group(std::int64_t number) const;
  std::vector<Group> groups_of(std::uint64_t first_row, const std::vector<std::int64_t>& numbers) const;
  void check_group(std::int64_t number, const Group& group) const;
  void check_first_row(std::int64_t number, const Group& group, std::uint64_t row) const;
  void check_members(std::uint64_t first_row, const std::vector<std::int64_t>& numbers, std::int64_t row_before,
                     std::int64_t first_group, const std::vector<std::int64_t>& first_subhalo) const;
  Block read_block(std::uint64_t first, std::uint64_t count, SubhaloColumns columns) const;
  std::string file_of_row(std::uint64_t row) const;

  std::vector<std::string> files_;
  std::vector<std::uint64_t> subhalo_offsets_ = {0}, group_offsets_ = {0};  // of each file, and the end
  Simulation simulation_;
  double length_mpc_h_ = 0, mass_msun_h_ = 0, velocity_km_s_ = 0;
  bool excerpt_ = false;
  std::vector<std::string> remarks_;
};

/// The files of the set that `path` belongs to, in order; `path` itself for any other file. Not collective.
/// Throws as SubfindCatalog::open does.
std::vector<std::string> subfind_files(const std::string& path);

/// Whether an HDF5 file is one of a SUBFIND catalog or an excerpt. Throws io_error, data_error.
bool is_subfind(const std::string& path);

}  // namespace halobrush::catalog
