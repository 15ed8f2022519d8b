// RR of uniform galaxies without drawing any: the chance that a random pair falls into a bin.
#pragma once

#include <vector>

#include "halobrush/domain/box.hpp"

namespace halobrush::stats {

/// Of ordered pairs i != j of galaxies that are uniform in the box without one of its `per_side`^3 sub-boxes
/// (0: the whole box). With v the sub-box, l its sides: int_bin [V - 2v + prod_k max(0, l_k - |d_k|)] d^3d /
/// (V - v)^2, since of the places where the first member may be, v and v are lost to a member in the hole and
/// their overlap was taken twice. [bins]
std::vector<double> radial_pair_fraction(const domain::Box& box, const std::vector<double>& r_edges,
                                         int per_side);
/// The same in bins of r_p, |Pi| < pi_max.
std::vector<double> sky_pair_fraction(const domain::Box& box, const std::vector<double>& rp_edges,
                                      double pi_max, int per_side);

}  // namespace halobrush::stats
