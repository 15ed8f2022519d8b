// What the estimators refuse, before any work.
#pragma once

#include <vector>

#include "halobrush/domain/box.hpp"

namespace halobrush::stats {

/// Throw config_error for edges that do not rise from above zero, or that reach beyond half of the box, where
/// a pair would have two images in range. Not collective: all ranks have the same arguments.
void check_radial(const domain::Box& box, const std::vector<double>& r_edges);
void check_sky(const domain::Box& box, const std::vector<double>& rp_edges, double pi_max);
void check_box(const domain::Box& box);

}  // namespace halobrush::stats
