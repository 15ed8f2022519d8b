#include "galaxies.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <limits>
#include <numbers>
#include <span>

#include "halobrush/core/error.hpp"
#include "halobrush/core/hash.hpp"

namespace halobrush::align {
namespace {

const std::string host_shape = "top_host_infall_fof_halo_eigS";  // S1 minor, S2, S3 major; then X, Y, Z

// Names of three components: prefix + x, y, z + suffix.
std::array<std::string, 3> components(const std::string& suffix) {
  return {"x" + suffix, "y" + suffix, "z" + suffix};
}
std::array<std::string, 3> shape_components(int axis) {
  const auto prefix = host_shape + std::to_string(axis);
  return {prefix + "X", prefix + "Y", prefix + "Z"};
}

std::string without_blanks(std::string text) {
  std::erase(text, ' ');
  return text;
}

class Rows {
 public:
  Rows(const std::string& file, const catalog::GalaxyGroup& group, std::uint64_t first, std::uint64_t count)
      : file_(file), group_(group), first_(first), count_(count) {}

  std::vector<double> numbers(const std::string& column) const {
    auto values = group_.reals(column, first_, count_);
    for (std::size_t row = 0; row < values.size(); ++row)
      if (!std::isfinite(values[row])) refuse(row, fmt::format("{} is {}", column, values[row]), "correct or leave out the galaxy");
    return values;
  }
  std::vector<Vec3> vectors(const std::array<std::string, 3>& columns) const {
    const auto x = numbers(columns[0]), y = numbers(columns[1]), z = numbers(columns[2]);
    std::vector<Vec3> vectors(x.size());
    for (std::size_t i = 0; i < x.size(); ++i) vectors[i] = {x[i], y[i], z[i]};
    return vectors;
  }
  std::vector<std::int64_t> integers(const std::string& column) const { return group_.integers(column, first_, count_); }
  bool has(const std::string& column) const { return group_.has(column); }

  [[noreturn]] void refuse(std::size_t row, const std::string& what, const std::string& cure) const {
    throw data_error("{}: {}, row {}: {}; {}", file_, group_.name(), first_ + row, what, cure);
  }

 private:
  const std::string& file_;
  const catalog::GalaxyGroup& group_;
  std::uint64_t first_, count_;
};

// The same galaxy has the same number in the native file and after any sorting, renumbering or cut.
std::int64_t id_of(std::int64_t core_tag, const Vec3& position) {
  const std::array words = {std::bit_cast<std::uint64_t>(core_tag), std::bit_cast<std::uint64_t>(position[0]),
                            std::bit_cast<std::uint64_t>(position[1]), std::bit_cast<std::uint64_t>(position[2])};
  return static_cast<std::int64_t>(xxh3(std::as_bytes(std::span(words))) >> 1);
}

// Mocks were released whose sky was turned against their positions.
void check_sky(const Rows& rows, const std::vector<Vec3>& position) {
  const bool native = rows.has("ra_nfw");
  constexpr double degree = std::numbers::pi / 180, tolerance = 1e-4;  // radians; ra may be in single precision
  const auto ra = rows.numbers(native ? "ra_nfw" : "ra"), dec = rows.numbers(native ? "dec_nfw" : "dec");
  for (std::size_t i = 0; i < position.size(); ++i) {
    const double cosine = std::cos(dec[i] * degree);
    const Vec3 seen(cosine * std::cos(ra[i] * degree), cosine * std::sin(ra[i] * degree), std::sin(dec[i] * degree));
    if (position[i].norm() == 0) rows.refuse(i, "the galaxy is at the observer", "correct its position");
    const double apart = (seen - position[i].normalized()).norm();
    if (apart > tolerance)
      rows.refuse(i, fmt::format("the sky coordinates ({:g}, {:g}) and the position are {:.3g} degrees apart", ra[i], dec[i], apart / degree),
                  "mend the file: x, y, z = chi (cos dec cos ra, cos dec sin ra, sin dec)");
  }
}

Sizes sizes_of(const Rows& rows, const std::string& part) {
  Sizes sizes{rows.numbers("b_over_a_" + part), rows.numbers("c_over_a_" + part), rows.numbers("r50_" + part + "_3d")};
  for (std::size_t i = 0; i < sizes.radius.size(); ++i) {
    const double b = sizes.b_to_a[i], c = sizes.c_to_a[i], radius = sizes.radius[i];
    if (!(b > 0 && b <= 1 && c > 0 && c <= b && radius > 0))
      rows.refuse(i, fmt::format("the {} has b/a {:g}, c/a {:g} and r50 {:g}", part, b, c, radius), "correct or leave out the galaxy");
  }
  return sizes;
}

using Shape = std::array<Vec3, 3>;  // minor, intermediate, major axis times its length

// Rows without a shape are filled with zeros, or with one number.
bool is_filled(const Shape& shape) {
  const double number = shape[0][0];
  return std::ranges::all_of(shape, [&](const Vec3& axis) { return (axis.array() == number).all(); });
}

bool are_axes(const Shape& shape) {
  constexpr double orthogonal = 0.01;
  for (std::size_t k = 0; k < 3; ++k) {
    const Vec3 &a = shape[k], &b = shape[(k + 1) % 3];
    if (a.isZero(0) || std::abs(a.dot(b)) > orthogonal * a.norm() * b.norm()) return false;
  }
  return true;
}

Vec3 halo_axis(const Rows& rows, std::size_t row, const Shape& shape, std::uint64_t& odd) {
  if (is_filled(shape)) return Vec3::Zero();
  if (!are_axes(shape)) {
    ++odd;
    return Vec3::Zero();
  }
  constexpr double rounding = 1e-5;
  const double c = shape[0].norm(), b = shape[1].norm(), a = shape[2].norm();
  if (b < c * (1 - rounding) || a < b * (1 - rounding))
    rows.refuse(row, fmt::format("the semi-axes eigS1, eigS2, eigS3 of its halo are {:.4g}, {:.4g}, {:.4g} and do not rise", c, b, a),
                "put them into the order minor to major");
  return shape[2] / a;
}

}  // namespace

EarlyTypes::EarlyTypes(const std::string& text) {
  const auto at = text.find_first_of("<>");
  const auto bad = [&] {
    return config_error("align.early: '{}' is not a column, < or >, and a number (\"bulge_to_total > 0.5\")", text);
  };
  if (at == std::string::npos) throw bad();
  above = text[at] == '>';
  column = without_blanks(text.substr(0, at));
  const auto number = without_blanks(text.substr(at + 1));
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), limit);
  if (column.empty() || error != std::errc() || end != number.data() + number.size() || !std::isfinite(limit)) throw bad();
}

void check_columns(const std::string& file, const catalog::GalaxyGroup& group, const EarlyTypes& early) {
  std::vector<std::string> needed = {"core_tag", "central", "logsm_obs"};
  const auto need = [&](const auto& names) { needed.insert(needed.end(), names.begin(), names.end()); };
  need(components("_nfw"));
  need(components("_host"));
  for (int axis = 1; axis <= 3; ++axis) need(shape_components(axis));
  for (const char* part : parts)
    need(std::array{fmt::format("b_over_a_{}", part), fmt::format("c_over_a_{}", part), fmt::format("r50_{}_3d", part)});
  need(group.has("ra_nfw") ? std::array{"ra_nfw", "dec_nfw"} : std::array{"ra", "dec"});
  for (const auto& name : needed)
    if (!group.has(name))
      throw data_error("{}: {} has no column '{}'; give a galaxy catalog of diffsky, or of OpenCosmo with that column kept", file,
                       group.name(), name);
  for (const auto& name : needed) group.reals(name, 0, std::min<std::uint64_t>(group.rows(), 1));  // says why, where it cannot
  if (!group.has(early.column))
    throw data_error("{}: {} has no column '{}', by which early types are told; set align.early to another one", file, group.name(),
                     early.column);
}

Galaxies read_galaxies(const std::string& file, const catalog::GalaxyGroup& group, const EarlyTypes& early, std::uint64_t first,
                       std::uint64_t count) {
  const Rows rows(file, group, first, count);
  Galaxies galaxies;
  galaxies.position = rows.vectors(components("_nfw"));
  check_sky(rows, galaxies.position);
  galaxies.log_stellar_mass = rows.numbers("logsm_obs");
  const auto tag = rows.integers("core_tag"), central = rows.integers("central");
  const auto host = rows.vectors(components("_host"));
  const auto type = rows.numbers(early.column);
  const auto minor = rows.vectors(shape_components(1)), middle = rows.vectors(shape_components(2)), major = rows.vectors(shape_components(3));
  for (std::size_t k = 0; k < parts.size(); ++k) galaxies.sizes[k] = sizes_of(rows, parts[k]);
  constexpr double most_log_stellar_mass = 16;
  for (std::size_t i = 0; i < count; ++i) {
    if (galaxies.log_stellar_mass[i] > most_log_stellar_mass)
      rows.refuse(i, fmt::format("logsm_obs is {:g}, which is no log10 of solar masses", galaxies.log_stellar_mass[i]), "write log10(M*/Msun)");
    if (central[i] != 0 && central[i] != 1)
      rows.refuse(i, fmt::format("central is {}", central[i]), "write 1 for centrals and 0 for satellites");
    galaxies.id.push_back(id_of(tag[i], galaxies.position[i]));
    galaxies.central.push_back(central[i] == 1);
    galaxies.early.push_back(early(type[i]));
    galaxies.from_host.push_back(central[i] == 1 ? Vec3(Vec3::Zero()) : Vec3(galaxies.position[i] - host[i]));
    galaxies.halo_axis.push_back(halo_axis(rows, i, {minor[i], middle[i], major[i]}, galaxies.odd_shapes));
  }
  return galaxies;
}

}  // namespace halobrush::align
