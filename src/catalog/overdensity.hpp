// Spherical overdensity: mass and radius of a halo say the same.
#pragma once

#include "halobrush/catalog/halo_catalog.hpp"

namespace halobrush::catalog {

/// Comoving radius in Mpc/h of a sphere of 200 times the critical density.
double radius_200c(double mass_msun_h, const Simulation& simulation);

}  // namespace halobrush::catalog
