// The snapshots of a light cone, and the shell about the observer that each of them fills.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "halobrush/catalog/mock.hpp"
#include "halobrush/config/config.hpp"
#include "halobrush/core/log.hpp"
#include "halobrush/lightcone/distances.hpp"
#include "halobrush/lightcone/sky.hpp"

namespace halobrush::lightcone {

/// A host halo belongs to the snapshot that is nearest in time to where it is seen, and its satellites with it. Distances in
/// Mpc/h.
struct Snapshot {
  std::string path;
  catalog::MockHeader header;
  std::uint64_t rows = 0;
  double redshift = 0;
  double from = 0, to = 0;  ///< distances of its hosts
};

struct Cone {
  std::vector<Snapshot> snapshots;  ///< by redshift
  Vec3 side, observer;              ///< of the periodic box, Mpc/h
  Distances distances;
  Sky sky;
  bool turned = false;              ///< whether images of the box are turned
  std::array<double, 2> redshifts;
  double near = 0, far = 0;  ///< distances of its galaxies
};

/// Throws data_error naming the first row from `first_row` on in which one of these columns of a snapshot is not finite.
void check_finite(const std::string& path, const catalog::Table& rows, std::span<const char* const> columns, std::uint64_t first_row);

/// Distances between which galaxies of the cone have their hosts in a snapshot, but for groups at the ends of the cone.
struct Shell {
  double from, to;
  bool empty() const { return from >= to; }
};
Shell shell_of(const Cone& cone, const Snapshot& snapshot);

/// Reads headers. Throws config_error (no snapshots, an observer outside of the box, redshifts that no snapshot is near to) and
/// data_error (a file that is no painted mock; snapshots of different simulations, or painted otherwise).
Cone cone_of(const config::Config& config);
/// Snapshots that stand for redshifts far from theirs.
std::vector<std::string> warnings_on_shells(const Cone& cone);
/// Which snapshot fills which redshifts, a line each, and these warnings.
void say_shells(const Cone& cone, Logger& log);

}  // namespace halobrush::lightcone
