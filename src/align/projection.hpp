// What a catalog says of the orientation of its galaxies: columns that are replaced, and columns that are new.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "axes.hpp"
#include "galaxies.hpp"

namespace halobrush::align {

/// Columns of a group that follow from the axes and are there: psi, alpha, beta, ellipticity, mu_inclination and
/// r50_2d of disk and bulge.
std::vector<std::string> replaced_columns(const catalog::GalaxyGroup& group);

/// Axes, ellipticities and what they were drawn by; the same in every file.
const std::vector<catalog::ColumnSpec>& new_columns();
void add_columns(catalog::GalaxyGroup& group);

/// Puts `axes` of the rows of `original` from `first` on into the columns of `copy`, new ones included. `bulge_scatter`: degrees.
/// Throws data_error naming file and row: an axis ratio that is not in (0, 1], or c/a > b/a; a radius that is not positive.
void write_orientations(const std::string& file, const catalog::GalaxyGroup& original, catalog::GalaxyGroup& copy, std::uint64_t first,
                        const Galaxies& galaxies, const Axes& axes, std::uint64_t seed, double bulge_scatter);

}  // namespace halobrush::align
