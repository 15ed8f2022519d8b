#include "halobrush/catalog/halo_catalog.hpp"

namespace halobrush::catalog {

const std::vector<HaloColumn>& halo_schema() {
  static const std::vector<HaloColumn> schema = {
      {{"id", "", "unique number of the halo"}, true, true},
      {{"parent_id", "", "id of the halo this one lies in, -1 for a host"}, true, true},
      {{"mass", "Msun/h", "mass in the catalog's main definition"}, true},
      {{"radius", "Mpc/h", "radius of the main mass definition, comoving"}, true},
      {{"x", "Mpc/h", "position, comoving, in [0, box)"}, true},
      {{"y", "Mpc/h", "position, comoving, in [0, box)"}, true},
      {{"z", "Mpc/h", "position, comoving, in [0, box)"}, true},
      {{"vx", "km/s", "peculiar velocity"}, true},
      {{"vy", "km/s", "peculiar velocity"}, true},
      {{"vz", "km/s", "peculiar velocity"}, true},
      {{"vmax", "km/s", "maximum circular velocity"}},
      {{"vrms", "km/s", "velocity dispersion"}},
      {{"scale_radius", "Mpc/h", "NFW scale radius, comoving"}},
      {{"spin", "", "spin parameter"}},
      {{"jx", "", "angular momentum, in any unit: only the direction is used"}},
      {{"jy", "", "angular momentum, in any unit: only the direction is used"}},
      {{"jz", "", "angular momentum, in any unit: only the direction is used"}},
      {{"specific_spin", "", "angular momentum over mass, (Mpc/h) (km/s), physical"}},
      {{"bound_mass", "Msun/h", "mass of all bound particles"}},
      {{"n_particles", "", "number of particles"}, false, true},
      {{"b_to_a", "", "ratio of the intermediate to the major axis, 0 where the shape is unresolved"}},
      {{"c_to_a", "", "ratio of the minor to the major axis, 0 where the shape is unresolved"}},
      {{"axis_x", "", "unit major axis, null where the shape is unresolved"}},
      {{"axis_y", "", "unit major axis, null where the shape is unresolved"}},
      {{"axis_z", "", "unit major axis, null where the shape is unresolved"}},
      {{"shape_resolved", "", "whether the finder measured a shape"}, false, false, true},
  };
  return schema;
}

}  // namespace halobrush::catalog
