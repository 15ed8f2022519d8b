// What a catalog says of the orientation of its galaxies: columns that are replaced, and columns that are new.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
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

/// Columns, replaced and new, of some galaxies.
using Values = std::variant<std::vector<double>, std::vector<std::int64_t>>;
using Orientations = std::vector<std::pair<std::string, Values>>;

/// `bulge_scatter`: degrees.
Orientations orientations(const Galaxies& galaxies, const Axes& axes, std::uint64_t seed, double bulge_scatter);

/// Puts those columns that are there into rows from `first` on.
void write(const Orientations& columns, catalog::GalaxyGroup& group, std::uint64_t first);

}  // namespace halobrush::align
