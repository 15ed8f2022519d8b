#include "projection.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <span>

#include "halobrush/core/error.hpp"
#include "halobrush/core/random.hpp"
#include "halobrush/so3/ellipsoid.hpp"

namespace halobrush::align {
namespace {

constexpr double half_mass_radius = 0.765;  // r50_2d over alpha, as diffsky has it

// Columns of disk or bulge that follow from its axes, as diffsky names them.
std::array<std::string, 6> projected_columns(const std::string& part) {
  return {"psi_" + part, "alpha_" + part, "beta_" + part, "ellipticity_" + part, "mu_inclination_" + part, "r50_" + part + "_2d"};
}

// The outline never leaves the range that the three ratios allow, not by a rounding step either.
double bounded(double beta, double alpha, double b_to_a, double c_to_a) {
  const double least = std::min({c_to_a, b_to_a, c_to_a / b_to_a});
  beta = std::clamp(beta, least * alpha, alpha);
  return beta / alpha < least ? std::nextafter(beta, alpha) : beta;
}

// Disc or bulge: an ellipsoid with the axes of the galaxy and ratios and size of its own.
class Part {
 public:
  Part(std::string name, const Sizes& sizes) : name_(std::move(name)), sizes_(sizes) {
    for (auto* column : {&psi_, &alpha_, &beta_, &ellipticity_, &inclination_, &r50_, &e1_, &e2_}) column->resize(sizes.radius.size());
  }

  /// `turned`: the outline, against that of its axes, radians.
  void project(std::size_t i, const Mat3& axes, const so3::SkyFrame& sky, double turned) {
    const double b = sizes_.b_to_a[i], c = sizes_.c_to_a[i];
    const auto outline = so3::silhouette(axes, sizes_.radius[i] * Vec3(1, b, c), sky);
    psi_[i] = outline.psi + turned;
    alpha_[i] = outline.alpha;
    beta_[i] = bounded(outline.beta, outline.alpha, b, c);
    const double q = beta_[i] / alpha_[i], epsilon = (1 - q) / (1 + q);
    ellipticity_[i] = 1 - q;
    const Vec3 inclined = name_ == "disk" ? axes.col(2) : axes.col(0);
    inclination_[i] = std::min(std::abs(inclined.dot(sky.outwards)), 1.0);
    r50_[i] = half_mass_radius * alpha_[i];
    e1_[i] = epsilon * std::cos(2 * psi_[i]);
    e2_[i] = epsilon * std::sin(2 * psi_[i]);
  }

  void move_to(Orientations& columns) {
    const auto names = projected_columns(name_);
    const std::array values = {&psi_, &alpha_, &beta_, &ellipticity_, &inclination_, &r50_};
    for (std::size_t k = 0; k < names.size(); ++k) columns.emplace_back(names[k], std::move(*values[k]));
    columns.emplace_back("e1_" + name_, std::move(e1_));
    columns.emplace_back("e2_" + name_, std::move(e2_));
  }

 private:
  std::string name_;
  const Sizes& sizes_;
  std::vector<double> psi_, alpha_, beta_, ellipticity_, inclination_, r50_, e1_, e2_;
};

std::vector<catalog::ColumnSpec> made_columns() {
  std::vector<catalog::ColumnSpec> columns;
  for (const char* axis : {"major", "minor"})
    for (const char k : {'x', 'y', 'z'})
      columns.push_back({fmt::format("ia_{}_axis_{}", axis, k), "", fmt::format("{}-component of the unit {} axis of disk and bulge, either sign; comoving coordinates of x, y, z", k, axis)});
  for (const char* part : parts) {
    constexpr auto meaning = "(1 - q) / (1 + q) {} 2 psi_{}, q = beta / alpha: positive along {} on the celestial sphere seen from inside";
    columns.push_back({fmt::format("e1_{}", part), "", fmt::format(meaning, "cos", part, "east-west")});
    columns.push_back({fmt::format("e2_{}", part), "", fmt::format(meaning, "sin", part, "southeast-northwest")});
  }
  columns.push_back({"ia_reference", "", "what the major axis was drawn about: 0 nothing (isotropic), 1 major axis of the halo at infall, 2 direction to the host"});
  columns.push_back({"ia_early_type", "", "1: aligned as early types are, 0: as late types"});
  return columns;
}

bool is_count(const std::string& column) {
  return column == "ia_reference" || column == "ia_early_type";
}

}  // namespace

std::vector<std::string> replaced_columns(const catalog::GalaxyGroup& group) {
  std::vector<std::string> columns;
  for (const std::string part : parts)
    for (const auto& name : projected_columns(part))
      if (group.has(name)) columns.push_back(name);
  return columns;
}

const std::vector<catalog::ColumnSpec>& new_columns() {
  static const auto columns = made_columns();
  return columns;
}

void add_columns(catalog::GalaxyGroup& group) {
  for (const auto& column : new_columns())
    group.add(column, is_count(column.name) ? catalog::ColumnData(std::vector<std::int64_t>()) : catalog::ColumnData(std::vector<double>()));
}

Orientations orientations(const Galaxies& galaxies, const Axes& axes, std::uint64_t seed, double bulge_scatter) {
  constexpr double degree = std::numbers::pi / 180;
  Part disk("disk", galaxies.sizes[0]), bulge("bulge", galaxies.sizes[1]);
  for (std::size_t i = 0; i < galaxies.size(); ++i) {
    const auto sky = so3::sky_frame_at(galaxies.position[i]);
    disk.project(i, axes.frame[i], sky, 0);
    bulge.project(i, axes.frame[i], sky, bulge_scatter * degree * RandomStream(seed, galaxies.id[i], Purpose::bulge_angle).normal());
  }
  Orientations columns;
  disk.move_to(columns);
  bulge.move_to(columns);
  for (int k = 0; k < 3; ++k)
    for (const auto& [name, axis] : {std::pair("major", 0), std::pair("minor", 2)}) {
      std::vector<double> component;
      for (const auto& frame : axes.frame) component.push_back(frame(k, axis));
      columns.emplace_back(fmt::format("ia_{}_axis_{}", name, "xyz"[k]), std::move(component));
    }
  std::vector<std::int64_t> reference;
  for (const auto about : axes.reference) reference.push_back(static_cast<std::int64_t>(about));
  columns.emplace_back("ia_reference", std::move(reference));
  columns.emplace_back("ia_early_type", std::vector<std::int64_t>(galaxies.early.begin(), galaxies.early.end()));
  return columns;
}

void write(const Orientations& columns, catalog::GalaxyGroup& group, std::uint64_t first) {
  for (const auto& [name, values] : columns)
    if (group.has(name)) std::visit([&](const auto& numbers) { group.write(name, first, std::span(numbers)); }, values);
}

}  // namespace halobrush::align
