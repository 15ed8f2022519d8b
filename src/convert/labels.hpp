// What models learn to paint, from what a hydrodynamical group catalog says of a subhalo. A label L that is
// not known everywhere has a boolean column L_known beside it, and is 0 where it is not known.
#pragma once

#include <cstdint>

#include "halobrush/catalog/table.hpp"
#include "side_table.hpp"

namespace halobrush::convert {

struct LabelChoices {
  std::uint64_t seed = 1;
  double ssfr_floor = -12.5;  ///< log10 yr^-1
  double ssfr_spread = 1;     ///< dex below the floor over which quenched galaxies are spread evenly
};

/// Adds to a table of subhalos (catalog::SubhaloColumns::stars), and takes the columns away that they are
/// made of:
///   galaxy_id, halo_id, host_halo_id, is_central
///   log_stellar_mass  dex(Msun), of the stars within twice their half-mass radius
///   color_gr          mag, g - r
///   log_size          dex(kpc), half-mass radius of the stars, physical
///   log_ssfr          dex(1/yr), star formation over all stars; is_star_forming where it is above the floor
///   galaxy_spin_x, y, z   unit vector along the angular momentum of all particles; orientation_known
void add_labels(catalog::Table& subhalos, const LabelChoices& choices);

/// disc_fraction, known where the table (column 0: the fraction; column 1, if any: all stars in Msun) has a
/// value in [0, 1]. Throws data_error when stellar masses of more than a tenth of the galaxies differ by over
/// 1 %: another simulation's.
void add_disc_fraction(catalog::Table& subhalos, const SideTable& morphology, bool has_mass);

/// galaxy_axis{A,B,C}_{x,y,z}, b_to_a, c_to_a in place of the spin, from a table of a, b, c and the unit
/// vectors along them (columns in the order of shape_columns). Throws data_error naming a galaxy whose axes
/// are not orthonormal.
void add_shapes(catalog::Table& subhalos, const SideTable& shapes);
const std::vector<std::string>& shape_columns();

}  // namespace halobrush::convert
