#include "halobrush/features/features.hpp"

#include <Eigen/Geometry>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <iterator>
#include <optional>
#include <set>
#include <string_view>
#include <variant>

#include "halobrush/core/error.hpp"
#include "halobrush/core/text.hpp"
#include "halobrush/catalog/tidal_column.hpp"

namespace halobrush::features {
namespace {

// Newton's constant, Mpc (km/s)^2 / Msun. With masses in Msun/h and lengths in Mpc/h the factors of h cancel.
constexpr double newton_g = 4.30091e-9;

constexpr double kpc_in_mpc = 1e3;

// Velocities of galaxies are a few hundred km/s: handed to the model in this unit.
constexpr double velocity_unit_km_s = 300;

// The columns of one feature, by their place in its list.
class Columns {
 public:
  Columns(const catalog::Table& halos, const Feature& feature) : ids_(halos.get<std::int64_t>("id")) {
    for (const auto& name : feature.columns)
      columns_.push_back(
          &*std::ranges::find(halos.columns(), name, [](const auto& c) { return c.spec.name; }));
  }

  double number(std::size_t column, std::size_t row) const {
    const double value = std::visit([row](const auto& values) { return static_cast<double>(values[row]); },
                                    columns_[column]->data);
    if (!std::isfinite(value))
      throw data_error(
          "column '{}': halo {} has {} (not a number); correct or drop the column, or leave the halo out",
          columns_[column]->spec.name, ids_[row], value);
    return value;
  }
  Vec3 vector(std::size_t first, std::size_t row) const {
    return {number(first, row), number(first + 1, row), number(first + 2, row)};
  }
  Mat3 tensor(std::size_t first, std::size_t row) const {
    Sym3 t;
    for (std::size_t i = 0; i < 6; ++i) t[static_cast<Eigen::Index>(i)] = number(first + i, row);
    return to_matrix(t);
  }
  // Identifiers, which a double would round.
  std::int64_t id(std::size_t column, std::size_t row) const {
    return std::get<std::vector<std::int64_t>>(columns_[column]->data)[row];
  }
  std::int64_t halo(std::size_t row) const { return ids_[row]; }

 private:
  std::span<const std::int64_t> ids_;
  std::vector<const catalog::Column*> columns_;
};

// Central: its own host.
bool is_central(const Columns& c, std::size_t id, std::size_t host_id, std::size_t row) {
  return c.id(id, row) == c.id(host_id, row);
}

const std::vector<std::string> host_velocity_columns = {"host_dvx", "host_dvy", "host_dvz", "host_mass",
                                                        "host_radius"};
const std::vector<std::string> host_orbit_columns = {"host_dvx",    "host_dvy", "host_dvz", "host_mass",
                                                     "host_radius", "host_dx",  "host_dy",  "host_dz"};

// From the columns of the host's mass and, next to it, radius.
double host_circular_velocity(const Columns& c, std::size_t host_mass, std::size_t row) {
  return std::sqrt(newton_g * c.number(host_mass, row) / c.number(host_mass + 1, row));
}

// Plain function pointers: their return types convert into one another nowhere, so a lambda picks its
// alternative.
template <class T>
using ValueOf = T (*)(const Columns&, std::size_t row);
struct Entry {
  Feature feature;
  std::variant<ValueOf<double>, ValueOf<Vec3>, ValueOf<Mat3>> value;
};

Mat3 traceless(const Mat3& t) {
  return t - t.trace() / 3 * Mat3::Identity();
}

// Bounded for the dense knots where the tide of the knot itself says little about the web: T -> (T - tr/3) /
// (1 + |tr|).
Mat3 scaled_tide(const Mat3& tide) {
  return traceless(tide) / (1 + std::abs(tide.trace()));
}

std::vector<Entry> halo_scalars() {
  using C = const Columns&;
  using Row = std::size_t;
  return {
      {{"log_mass", Kind::scalar, "log10(Msun/h)", "mass of the (sub)halo", {"mass"}},
       [](C c, Row r) { return std::log10(c.number(0, r)); }},
      {{"log_host_mass", Kind::scalar, "log10(Msun/h)", "mass of the host halo", {"host_mass"}},
       [](C c, Row r) { return std::log10(c.number(0, r)); }},
      {{"log_vmax", Kind::scalar, "log10(km/s)", "greatest circular velocity, at least 1 km/s", {"vmax"}},
       [](C c, Row r) { return std::log10(std::max(c.number(0, r), 1.0)); }},
      {{"log_concentration",
        Kind::scalar,
        "log10",
        "radius over scale radius, between 1 and 100",
        {"radius", "scale_radius"}},
       [](C c, Row r) { return std::clamp(std::log10(c.number(0, r) / c.number(1, r)), 0.0, 2.0); }},
      {{"is_central", Kind::scalar, "0 or 1", "1: no subhalo", {"id", "host_id"}},
       [](C c, Row r) { return is_central(c, 0, 1, r) ? 1.0 : 0.0; }},
      {{"log_host_distance",
        Kind::scalar,
        "log10(host radius)",
        "distance to the host's centre, at least 0.001 host radii; 0 for centrals",
        {"id", "host_id", "host_dx", "host_dy", "host_dz", "host_radius"}},
       [](C c, Row r) {
         return is_central(c, 0, 1, r) ? 0.0
                                       : std::log10(std::max(c.vector(2, r).norm() / c.number(5, r), 1e-3));
       }},
      {{"log_spin", Kind::scalar, "log10", "spin parameter, at least 0.0001", {"spin"}},
       [](C c, Row r) { return std::log10(std::max(c.number(0, r), 1e-4)); }},
      {{"log_specific_spin",
        Kind::scalar,
        "log10((kpc/h) / (km/s))",
        "angular momentum over mass and vmax^2, at least 0.00001",
        {"specific_spin", "vmax"}},
       [](C c, Row r) {
         const double vmax = std::max(c.number(1, r), 1.0);
         return std::log10(std::max(kpc_in_mpc * c.number(0, r) / (vmax * vmax), 1e-5));
       }},
      {{"log_bound_mass", Kind::scalar, "log10(Msun/h)", "mass of the bound particles", {"bound_mass"}},
       [](C c, Row r) { return std::log10(c.number(0, r)); }},
      {{"host_speed", Kind::scalar, "sqrt(G host mass / host radius)",
        "speed relative to the host; 0 for centrals", host_velocity_columns},
       [](C c, Row r) { return c.vector(0, r).norm() / host_circular_velocity(c, 3, r); }},
      {{"host_radial_velocity", Kind::scalar, "sqrt(G host mass / host radius)",
        "velocity away from the host's centre; 0 for centrals", host_orbit_columns},
       [](C c, Row r) {
         return c.vector(0, r).dot(c.vector(5, r).stableNormalized()) / host_circular_velocity(c, 3, r);
       }},
      {{"shape_resolved", Kind::scalar, "0 or 1", "1: the halo's shape was measured", {"shape_resolved"}},
       [](C c, Row r) { return c.number(0, r) != 0 ? 1.0 : 0.0; }},
      {{"halo_b_to_a",
        Kind::scalar,
        "",
        "axis ratio b/a of the halo, 0 where unresolved",
        {"shape_resolved", "b_to_a"}},
       [](C c, Row r) { return c.number(0, r) != 0 ? c.number(1, r) : 0.0; }},
      {{"halo_c_to_a",
        Kind::scalar,
        "",
        "axis ratio c/a of the halo, 0 where unresolved",
        {"shape_resolved", "c_to_a"}},
       [](C c, Row r) { return c.number(0, r) != 0 ? c.number(1, r) : 0.0; }},
  };
}

std::vector<Entry> halo_vectors() {
  using C = const Columns&;
  using Row = std::size_t;
  return {
      {{"host_displacement",
        Kind::polar,
        "host radius",
        "from the host's centre; 0 for centrals",
        {"host_dx", "host_dy", "host_dz", "host_radius"}},
       [](C c, Row r) -> Vec3 { return c.vector(0, r) / c.number(3, r); }},
      {{"host_velocity", Kind::polar, "sqrt(G host mass / host radius)",
        "relative to the host; 0 for centrals", host_velocity_columns},
       [](C c, Row r) -> Vec3 { return c.vector(0, r) / host_circular_velocity(c, 3, r); }},
      {{"velocity", Kind::polar, "300 km/s", "peculiar velocity", {"vx", "vy", "vz"}},
       [](C c, Row r) -> Vec3 { return c.vector(0, r) / velocity_unit_km_s; }},
      {{"angular_momentum",
        Kind::axial,
        "",
        "direction of the angular momentum; 0 where there is none",
        {"jx", "jy", "jz"},
        "galaxy_spin"},
       // The unit is the catalog's own: squares must neither overflow nor vanish.
       [](C c, Row r) -> Vec3 { return c.vector(0, r).stableNormalized(); }},
      {{"orbital_angular_momentum", Kind::axial, "host radius sqrt(G host mass / host radius)",
        "of the orbit in the host, over mass; 0 for centrals", host_orbit_columns},
       [](C c, Row r) -> Vec3 {
         return c.vector(5, r).cross(c.vector(0, r)) / (c.number(4, r) * host_circular_velocity(c, 3, r));
       }},
      {{"halo_shape",
        Kind::tensor,
        "",
        "a a^T - 1/3 of the unit major axis a; 0 where unresolved",
        {"shape_resolved", "axis_x", "axis_y", "axis_z"}},
       [](C c, Row r) -> Mat3 {
         if (c.number(0, r) == 0) return Mat3::Zero();
         const Vec3 a = c.vector(1, r);
         return a * a.transpose() - Mat3::Identity() / 3;
       }},
  };
}

std::vector<Entry> tidal_entries(double radius_mpc_h) {
  using C = const Columns&;
  using Row = std::size_t;
  std::vector<std::string> columns;
  for (int i = 0; i < 6; ++i) columns.push_back(catalog::tidal_column(radius_mpc_h, i));
  const auto smoothed = fmt::format("smoothed over {:g} Mpc/h", radius_mpc_h);
  return {
      {{fmt::format("tidal_trace_{:g}", radius_mpc_h), Kind::scalar, "log10(1 + overdensity)",
        "overdensity (the tidal tensor's trace), at least -0.99, " + smoothed, columns},
       [](C c, Row r) { return std::log10(1 + std::max(c.tensor(0, r).trace(), -0.99)); }},
      {{fmt::format("tidal_anisotropy_{:g}", radius_mpc_h), Kind::scalar, "",
        "Frobenius norm of (T - tr T / 3) / (1 + |tr T|), T the tidal tensor " + smoothed, columns},
       [](C c, Row r) { return scaled_tide(c.tensor(0, r)).norm(); }},
      {{fmt::format("tidal_{:g}", radius_mpc_h), Kind::tensor, "",
        "(T - tr T / 3) / (1 + |tr T|), T the tidal tensor " + smoothed, columns},
       [](C c, Row r) -> Mat3 { return scaled_tide(c.tensor(0, r)); }},
  };
}

// The number between prefix and suffix, as tidal_column prints it.
std::optional<double> number_between(std::string_view text, std::string_view prefix,
                                     std::string_view suffix) {
  if (!text.starts_with(prefix) || !text.ends_with(suffix) || text.size() <= prefix.size() + suffix.size())
    return {};
  const auto middle = text.substr(prefix.size(), text.size() - prefix.size() - suffix.size());
  double value = 0;
  const auto [end, error] = std::from_chars(middle.data(), middle.data() + middle.size(), value);
  if (error != std::errc() || end != middle.data() + middle.size()) return {};
  return value;
}

// Smoothing radii that columns hold or names ask for.
std::set<double> tidal_radii(const catalog::Table& halos, std::span<const std::string> names) {
  std::set<double> radii;
  const auto add = [&](std::optional<double> radius) {
    if (radius) radii.insert(*radius);
  };
  for (const auto& column : halos.columns()) add(number_between(column.spec.name, "tidal_", "_xx"));
  for (const auto& name : names)
    for (const auto* prefix : {"tidal_", "tidal_trace_", "tidal_anisotropy_"})
      add(number_between(name, prefix, ""));
  return radii;
}

std::vector<Entry> registry(const catalog::Table& halos, std::span<const std::string> names = {}) {
  auto entries = halo_scalars();
  std::ranges::move(halo_vectors(), std::back_inserter(entries));
  for (const double radius : tidal_radii(halos, names))
    std::ranges::move(tidal_entries(radius), std::back_inserter(entries));
  return entries;
}

std::vector<std::string> missing_columns(const Feature& feature, const catalog::Table& halos) {
  std::vector<std::string> missing;
  std::ranges::copy_if(feature.columns, std::back_inserter(missing),
                       [&](const auto& name) { return !halos.has(name); });
  return missing;
}

const char* text_of(Kind kind) {
  switch (kind) {
    case Kind::scalar:
      return "scalar";
    case Kind::polar:
      return "polar vector";
    case Kind::axial:
      return "axial vector";
    case Kind::tensor:
      return "tensor";
  }
  return "";
}

const Entry& find_entry(const std::vector<Entry>& entries, const std::string& name, Kind kind,
                        const catalog::Table& halos) {
  const auto entry = std::ranges::find(entries, name, [](const Entry& e) { return e.feature.name; });
  if (entry == entries.end()) {
    std::vector<std::string> known;
    for (const auto& e : entries) known.push_back(e.feature.name);
    throw model_error("input '{}' is not known{}; use a model of this version of halobrush", name,
                      nearest_hint(name, known));
  }
  if (entry->feature.kind != kind)
    throw model_error(
        "input '{}' is a {}, but the model lists it as a {}; use a model of this version of halobrush", name,
        text_of(entry->feature.kind), text_of(kind));
  if (const auto missing = missing_columns(entry->feature, halos); !missing.empty())
    throw model_error(
        "input '{}' needs column{} '{}', which the catalog lacks; use a model trained without it, or a "
        "catalog "
        "that has it",
        name, missing.size() > 1 ? "s" : "", fmt::join(missing, "', '"));
  return *entry;
}

constexpr std::size_t width_of(Kind kind) {
  return kind == Kind::scalar ? 1 : kind == Kind::tensor ? 6 : 3;
}

void store(double value, double* out) {
  *out = value;
}
void store(const Vec3& value, double* out) {
  std::copy_n(value.data(), 3, out);
}
void store(const Mat3& value, double* out) {
  const Sym3 t = to_sym3(value);
  std::copy_n(t.data(), 6, out);
}

// Writes one feature of every halo to out[row * stride].
void fill(const Entry& entry, const catalog::Table& halos, std::size_t stride, double* out) {
  const Columns columns(halos, entry.feature);
  const auto finite = [](double x) { return std::isfinite(x); };
  std::visit(
      [&](const auto& value) {
        for (std::size_t row = 0; row < halos.rows(); ++row, out += stride) {
          store(value(columns, row), out);
          if (!std::all_of(out, out + width_of(entry.feature.kind), finite))
            throw data_error("halo {}: input '{}' is not finite (made of '{}'); correct these columns",
                             columns.halo(row), entry.feature.name, fmt::join(entry.feature.columns, "', '"));
        }
      },
      entry.value);
}

std::vector<double> assemble_kind(const catalog::Table& halos, Kind kind,
                                  const std::vector<std::string>& names) {
  const auto entries = registry(halos, names);
  const std::size_t width = width_of(kind), stride = names.size() * width;
  std::vector<double> values(halos.rows() * stride);
  for (std::size_t i = 0; i < names.size(); ++i)
    fill(find_entry(entries, names[i], kind, halos), halos, stride, values.data() + i * width);
  return values;
}

}  // namespace

std::vector<std::string> columns_of(const FeatureNames& names) {
  std::vector<std::string> columns;
  for (const auto* list : {&names.scalars, &names.polar, &names.axial, &names.tensors})
    for (const auto& entry : registry({}, *list))
      if (std::ranges::count(*list, entry.feature.name) > 0)
        columns.insert(columns.end(), entry.feature.columns.begin(), entry.feature.columns.end());
  return columns;
}

std::vector<Feature> available(const catalog::Table& halos) {
  std::vector<Feature> features;
  for (auto& entry : registry(halos))
    if (missing_columns(entry.feature, halos).empty()) features.push_back(std::move(entry.feature));
  return features;
}

std::vector<std::string> leaks(const std::string& label) {
  std::vector<std::string> names;
  for (const auto& [feature, value] : registry({}))
    if (std::ranges::count(feature.columns, label) > 0 ||
        (!feature.label.empty() && (label == feature.label || label.starts_with(feature.label + "_"))))
      names.push_back(feature.name);
  return names;
}

NodeFeatures assemble(const catalog::Table& halos, const FeatureNames& names) {
  return {halos.rows(), assemble_kind(halos, Kind::scalar, names.scalars),
          assemble_kind(halos, Kind::polar, names.polar), assemble_kind(halos, Kind::axial, names.axial),
          assemble_kind(halos, Kind::tensor, names.tensors)};
}

}  // namespace halobrush::features
