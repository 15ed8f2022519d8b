// The angles between axes of galaxies and directions of their surroundings.
#pragma once

#include <string>
#include <vector>

#include "directions.hpp"
#include "halobrush/validate/samples.hpp"

namespace halobrush::validate {

/// An axis of each of this rank's galaxies, and what it may be aligned with; both unit vectors, zero where
/// there is none.
struct Angle {
  std::string name;  ///< the axis and the direction, e.g. major_host
  std::vector<Vec3> axis, direction;
};

/// The angles that the catalog's columns allow. `missing`: columns that further ones would need.
/// @collective
std::vector<Angle> angles_of(const Galaxies& galaxies, const std::optional<Environment>& environment,
                             std::vector<std::string>& missing, const mpi::Communicator& comm);

/// The sub-box of the jackknife that each of this rank's galaxies is in; one for all below two per side.
struct SubBoxes {
  std::size_t count = 1;
  std::vector<std::size_t> of_row;

  SubBoxes(const Galaxies& galaxies, std::int64_t per_side);
};

/// @collective Of the galaxies `rows`; without errors where there is only one sub-box.
Misalignment misalignment_of(const Angle& angle, std::span<const std::size_t> rows,
                             const Selection& selection, const SubBoxes& sub_boxes,
                             const mpi::Communicator& comm);

}  // namespace halobrush::validate
