// What the comment lines of a Rockstar or consistent-trees list state, and whether later ones agree.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace halobrush::catalog {

/// One thing that a comment line says. Keys: columns; a, omega_m, omega_l, h, particle mass, box, bounds;
/// `unit of masses` (positions, velocities, radii, angular momenta); `unit of column mvir` (lower case).
struct Statement {
  std::string key, text;
  std::uint64_t line = 0;
  std::string whole;  ///< the line
};

/// Of a line that begins with '#'. `names` are the columns in lower case.
std::vector<Statement> statements_of(const std::string& line, std::uint64_t number,
                                     const std::vector<std::string>& names);

/// A name of the first line without the index that consistent-trees adds: id(1) is id.
std::string without_index(const std::string& name);

/// The names in a line of columns, as written.
std::vector<std::string> names_in(const std::string& line);

std::string lower(std::string text);

/// All comment lines before the rows.
class Statements {
 public:
  /// Throws data_error where two lines say different things of one key ('#Bounds' excepted).
  void add(const std::string& path, const std::vector<Statement>& more);
  const Statement* find(const std::string& key) const;
  const std::vector<Statement>& all() const { return all_; }

 private:
  std::vector<Statement> all_;
};

/// Why a statement between the rows cannot stand there: it is not what the header says.
std::optional<std::string> disagreement(const Statements& header, const Statement& later);

/// What two files do not state alike, '#Bounds' excepted; nothing where they are of one catalog.
std::optional<std::string> difference(const std::string& path, const Statements& header, const std::string& first_path,
                                      const Statements& first);

/// Corners of a '#Bounds: (x, y, z) - (x, y, z)' line, in the file's unit of positions.
using Bounds = std::array<double, 6>;
std::optional<Bounds> bounds_in(const std::string& text);

/// `line 7 ('#Units: Masses in Msun / h')`
std::string where_said(const Statement& statement);

}  // namespace halobrush::catalog
