// What the headers of a SUBFIND set say, file by file, and whether the files belong together.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "halobrush/catalog/reader.hpp"

namespace halobrush::catalog {

/// Of one file; NaN: not said. Plain data, so that ranks can exchange it.
struct SubfindHeader {
  std::int64_t files = 1, groups = 0, subhalos = 0, groups_total = 0, subhalos_total = 0;
  double box = 0, scale_factor = 0, redshift = 0, omega_m = 0, omega_l = 0, h = 0,
         omega_b = 0;                // box: in the unit of length
  std::array<double, 3> units = {};  // Mpc/h, Msun/h, km/s
  std::array<double, 3> stated_units = {};  // cm, g, cm/s, before they are rounded
  bool flags = false;                // SubhaloFlag is there
  bool excerpt = false;              // no header, global ids instead
  bool tng = false;                  // an excerpt that says that it is of IllustrisTNG
};

/// Not collective. Throws io_error, data_error.
SubfindHeader read_subfind_header(const std::string& file);

/// Not collective: needs the headers of all files. Throws data_error naming the first file that does not
/// belong to the first one.
void check_one_simulation(const std::vector<std::string>& files, const std::vector<SubfindHeader>& headers);

/// What was not said, from `options`, each with a remark. Throws data_error naming what nobody says.
SubfindHeader completed(const std::string& file, SubfindHeader header, const ReadOptions& options,
                        std::vector<std::string>& remarks);

Simulation simulation_of(const std::string& file, const SubfindHeader& header, const ReadOptions& options);

}  // namespace halobrush::catalog
