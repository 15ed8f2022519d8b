// The comment lines of a Rockstar list: which column means what, and the simulation.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "halobrush/catalog/reader.hpp"
#include "rockstar_comments.hpp"

namespace halobrush::catalog {

/// One number that is read from every row.
struct RockstarColumn {
  std::string name;       ///< ours (halo_schema), or mass_200c, which is used up on the way
  std::string file_name;  ///< theirs
  std::size_t field = 0;
  bool integer = false;
  double factor = 1;  ///< to our unit
  std::int64_t least = std::numeric_limits<std::int64_t>::min();  ///< that an integer may be
};

/// Mass of hosts that the configuration asks for instead of the main one.
inline constexpr const char* mass_200c = "mass_200c";

struct RockstarHeader {
  std::string finder = "rockstar";  ///< or AHF
  std::int64_t no_host = -1;        ///< parent_id of hosts in the file
  Simulation simulation;
  std::size_t fields = 0;  ///< names in the first line
  std::vector<RockstarColumn> columns;
  std::vector<std::string> remarks, units;  ///< units: where each one is said
  std::vector<std::string> names;           ///< of the first line, in lower case
  Statements statements;
  std::vector<Bounds> bounds;                     ///< Mpc/h: what a piece of a box says
  std::optional<std::size_t> scale_field;         ///< consistent-trees: every row says its scale factor
  std::uint64_t lines = 0, data_begin = 0;  ///< where the rows begin, lines and bytes of text

  bool has(const std::string& name) const;
  /// In Mpc/h, of a '#Bounds' line; nothing when it is not understood.
  std::optional<Bounds> bounds_of(const Statement& statement) const;
};

/// Throws data_error naming everything that the file does not say. Not collective.
RockstarHeader parse_rockstar_header(const std::string& path, const ReadOptions& options);

/// Throws data_error where two files are not of one list: they name other columns or state other things.
void require_same(const std::string& path, const RockstarHeader& header, const std::string& first_path,
                  const RockstarHeader& first);

}  // namespace halobrush::catalog
