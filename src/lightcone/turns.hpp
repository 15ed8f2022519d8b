// How images of the box are turned, so that an observer does not see the same structure again and again along an axis.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "halobrush/catalog/table.hpp"
#include "halobrush/core/geometry.hpp"

namespace halobrush::lightcone {

/// The 24 rotations that take a cube to itself; the first is none.
const std::vector<Mat3>& turns_of_a_cube();
/// One of them, drawn for each image; none for the observer's own box.
const Mat3& turn_of(const std::array<std::int32_t, 3>& image);

/// Turns every vector among the columns (velocities, axes, spins), but positions x, y, z.
void turn_vectors(catalog::Table& rows, const Mat3& turn);

}  // namespace halobrush::lightcone
