// Galaxies of a finished catalog, as the law of axes needs them.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "halobrush/catalog/galaxy_file.hpp"
#include "halobrush/core/geometry.hpp"

namespace halobrush::align {

/// Which galaxies are early types: "bulge_to_total > 0.5".
struct EarlyTypes {
  std::string column;
  bool above = true;
  double limit = 0;
  explicit EarlyTypes(const std::string& text);  ///< throws config_error
  bool operator()(double value) const { return above ? value > limit : value < limit; }
};

constexpr std::array<const char*, 2> parts = {"disk", "bulge"};

/// Disk or bulge: half-mass radius in the unit of the file, along the longest axis, and ratios of the others.
struct Sizes {
  std::vector<double> b_to_a, c_to_a, radius;
};

/// Rows of a group of galaxies. Lengths are those of the file: only directions are used.
struct Galaxies {
  std::vector<std::int64_t> id;           ///< random numbers belong to these: a hash of core tag and position
  std::vector<Vec3> position;             ///< from the observer, satellites where they were put in their host
  std::vector<Vec3> from_host;            ///< 0 for centrals
  std::vector<Vec3> halo_axis;            ///< unit major axis of the host halo at infall; 0: no shape is known
  std::vector<std::uint8_t> central, early;
  std::vector<double> log_stellar_mass;
  std::array<Sizes, parts.size()> sizes;
  std::uint64_t odd_shapes = 0;  ///< whose three vectors are no axes, and are taken as no shape
  std::size_t size() const { return id.size(); }
};

/// Throws data_error: a column that is absent or cannot be read; a position, mass or flag that is not finite; a mass that is no logarithm; sky coordinates that are not
/// those of the position; semi-axes of a halo that do not rise; an axis ratio that is not in (0, 1], or c/a > b/a; a radius that is not positive.
void check_columns(const std::string& file, const catalog::GalaxyGroup& group, const EarlyTypes& early);
Galaxies read_galaxies(const std::string& file, const catalog::GalaxyGroup& group, const EarlyTypes& early, std::uint64_t first,
                       std::uint64_t rows);

}  // namespace halobrush::align
