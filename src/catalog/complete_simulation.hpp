// Box, scale factor and cosmology that a file does not say, from the configuration.
#pragma once

#include <string>
#include <vector>

#include "halobrush/catalog/reader.hpp"

namespace halobrush::catalog {

/// `said`: by the file, NaN where it does not say. The rest comes from input.box_size, input.scale_factor,
/// cosmology.omega_m and cosmology.h, each with a remark; the universe is flat where omega_l is not said. Throws
/// data_error naming what nobody says (a remark where the file is only looked at) and numbers that cannot be.
Simulation complete_simulation(const std::string& path, Simulation said, const ReadOptions& options,
                               std::vector<std::string>& remarks);

/// For looking at rows of a file that does not say everything: what is unknown, but for the box, is any number.
Simulation for_a_look(Simulation simulation);

}  // namespace halobrush::catalog
