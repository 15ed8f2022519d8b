// A galaxy catalog as validation sees it, whoever wrote it.
#pragma once

#include <array>
#include <span>
#include <string>
#include <vector>

#include "halobrush/catalog/halo_catalog.hpp"
#include "halobrush/catalog/identity.hpp"
#include "halobrush/config/config.hpp"
#include "halobrush/core/geometry.hpp"
#include "halobrush/domain/box.hpp"
#include "halobrush/mpi/communicator.hpp"

namespace halobrush::validate {

struct Galaxies {
  std::string path;
  catalog::Simulation simulation;  ///< omega_m = 0: not known
  catalog::Table table;            ///< this rank's share of rows
  catalog::Identity identity = {};  ///< what a mock of this program was made with; empty: not known
  std::uint64_t total = 0;          ///< over all ranks

  domain::Box box() const { return {Vec3(simulation.box[0], simulation.box[1], simulation.box[2])}; }
  bool has_axis(char axis) const;  ///< 'A', 'B' or 'C'
  bool has_ellipticity() const { return table.has("ellipticity_1") && table.has("ellipticity_2"); }
  /// The values of a column in these rows, without those that `<column>_known` masks (docs/formats.md).
  std::vector<double> known(const std::string& column, std::span<const std::size_t> rows) const;
  std::vector<double> known(const std::string& column) const;  ///< of every row
  /// Those of the rows whose orientation is known.
  std::vector<std::size_t> oriented(std::span<const std::size_t> rows) const;

  std::vector<Vec3> vectors(const std::string& prefix) const;  ///< columns prefix + x, y, z
  std::vector<Vec3> positions() const { return vectors(""); }
  std::vector<Vec3> axes(char axis) const { return vectors(std::string("galaxy_axis") + axis + '_'); }
};

/// Adds columns that follow from those that are there: ellipticity_1 and ellipticity_2 from axes and ratios (line of
/// sight z), ellipticity = |epsilon|, log_halo_mass, and the minor axis from galaxy_spin where there are no axes.
void add_derived_columns(Galaxies& galaxies);

/// @collective A mock, or any HDF5 file through validate.columns and validate.box, with its derived columns. Throws data_error naming the file: a column missing, fewer than two galaxies, positions that are not
/// finite.
Galaxies read_galaxies(const std::string& path, const config::Validate& how, const mpi::Communicator& comm);

}  // namespace halobrush::validate
