#include "labels.hpp"

#include <Eigen/LU>
#include <cmath>
#include <numbers>

#include "halobrush/core/error.hpp"
#include "halobrush/core/random.hpp"
#include "halobrush/so3/rotation.hpp"

namespace halobrush::convert {
namespace {

using catalog::ColumnSpec;
using catalog::Table;

template <class T, class ValueOf>
void put(Table& table, ColumnSpec spec, ValueOf&& value_of) {
  auto column = table.add<T>(std::move(spec));
  for (std::size_t i = 0; i < column.size(); ++i) column[i] = static_cast<T>(value_of(i));
}

// A label with its mask.
template <class Known, class ValueOf>
void put_label(Table& table, const ColumnSpec& spec, Known&& known, ValueOf&& value_of) {
  put<double>(table, spec, [&](auto i) { return known(i) ? value_of(i) : 0.0; });
  put<std::uint8_t>(table, {spec.name + "_known", "", "whether " + spec.name + " is known"}, known);
}

// Copies: the table grows under the spans.
std::vector<double> copy_of(const Table& table, const std::string& name) {
  const auto values = table.get<double>(name);
  return {values.begin(), values.end()};
}

void add_identity(Table& table) {
  const auto ids = std::as_const(table).get<std::int64_t>("id"),
             parents = std::as_const(table).get<std::int64_t>("parent_id");
  const std::vector<std::int64_t> id(ids.begin(), ids.end()), parent(parents.begin(), parents.end());
  put<std::int64_t>(table, {"galaxy_id", "", "galaxy id, unique"}, [&](auto i) { return id[i]; });
  put<std::int64_t>(table, {"halo_id", "", "id of the (sub)halo that the galaxy lives in"},
                    [&](auto i) { return id[i]; });
  put<std::int64_t>(table, {"host_halo_id", "", "id of the host halo; the halo itself for a central"},
                    [&](auto i) { return parent[i] < 0 ? id[i] : parent[i]; });
  put<std::uint8_t>(table, {"is_central", "", "whether the halo is no subhalo"},
                    [&](auto i) { return parent[i] < 0; });
}

void add_star_formation(Table& table, const std::vector<double>& stars, const std::vector<double>& rate,
                        const LabelChoices& choices) {
  const auto known = [&](auto i) { return stars[i] > 0; };
  const auto forming = [&](auto i) {
    return known(i) && rate[i] > 0 && std::log10(rate[i] / stars[i]) > choices.ssfr_floor;
  };
  const auto ids = std::as_const(table).get<std::int64_t>("id");
  const std::vector<std::int64_t> id(ids.begin(), ids.end());
  put_label(table,
            {"log_ssfr", "dex(1/yr)",
             fmt::format("star formation rate over stellar mass; below {:g}: none that is resolved, spread "
                         "evenly over {:g} dex",
                         choices.ssfr_floor, choices.ssfr_spread)},
            known, [&](auto i) {
              if (forming(i)) return std::log10(rate[i] / stars[i]);
              RandomStream random(choices.seed, id[i], Purpose::label_floor);
              return choices.ssfr_floor - choices.ssfr_spread * random.uniform();
            });
  put<std::uint8_t>(
      table, {"is_star_forming", "", fmt::format("whether log_ssfr is above {:g}", choices.ssfr_floor)},
      forming);
}

void add_spin(Table& table) {
  const std::vector<double> j[] = {copy_of(table, "jx"), copy_of(table, "jy"), copy_of(table, "jz")};
  const auto spin = [&](std::size_t i) { return Vec3(j[0][i], j[1][i], j[2][i]); };
  for (int k = 0; k < 3; ++k)
    put<double>(table, {std::string("galaxy_spin_") + "xyz"[k], "", "unit vector along the angular momentum"},
                [&](auto i) { return spin(i).stableNormalized()[k]; });
  put<std::uint8_t>(table, {"orientation_known", "", "whether the galaxy's orientation is known"},
                    [&](auto i) { return spin(i).norm() > 0; });
}

}  // namespace

void add_labels(Table& table, const LabelChoices& choices) {
  const auto mass = copy_of(table, "stellar_mass_in_rad"), stars = copy_of(table, "stellar_mass"),
             rate = copy_of(table, "star_formation"), g = copy_of(table, "magnitude_g"),
             r = copy_of(table, "magnitude_r"), radius = copy_of(table, "stellar_radius");
  for (const char* name :
       {"stellar_mass_in_rad", "star_formation", "magnitude_g", "magnitude_r", "stellar_radius"})
    table.remove(name);
  add_identity(table);
  put_label(
      table, {"log_stellar_mass", "dex(Msun)", "stars within twice their half-mass radius"},
      [&](auto i) { return mass[i] > 0; }, [&](auto i) { return std::log10(mass[i]); });
  put_label(
      table, {"color_gr", "mag", "rest-frame g - r"},
      [&](auto i) { return std::isfinite(g[i]) && std::isfinite(r[i]); },
      [&](auto i) { return g[i] - r[i]; });
  put_label(
      table, {"log_size", "dex(kpc)", "half-mass radius of the stars, physical"},
      [&](auto i) { return radius[i] > 0 && mass[i] > 0; }, [&](auto i) { return std::log10(radius[i]); });
  add_star_formation(table, stars, rate, choices);
  add_spin(table);
}

void add_disc_fraction(Table& table, const SideTable& morphology, bool has_mass) {
  const auto ids = std::as_const(table).get<std::int64_t>("id");
  const std::vector<std::int64_t> id(ids.begin(), ids.end());
  const auto stars = copy_of(table, "stellar_mass");
  std::vector<double> fraction(id.size(), -1);
  std::size_t joined = 0, different = 0;
  for (std::size_t i = 0; i < id.size(); ++i) {
    const auto row = morphology.find(id[i]);
    if (!row) continue;
    fraction[i] = morphology.number(0, *row);
    ++joined;
    different += has_mass && !(std::abs(morphology.number(1, *row) / stars[i] - 1) < 0.01);
  }
  if (10 * different > joined)
    throw data_error(
        "{}: the stellar masses of {} of {} galaxies differ by over 1 % from those of the catalog: ids of "
        "another simulation; "
        "give its own table, or convert.morphology_mass: '' where the column is no stellar mass",
        morphology.path(), different, joined);
  put_label(
      table, {"disc_fraction", "", "share of the stars in the disc"},
      [&](auto i) { return fraction[i] >= 0 && fraction[i] <= 1; }, [&](auto i) { return fraction[i]; });
}

const std::vector<std::string>& shape_columns() {
  static const std::vector<std::string> names = {"a",    "b",    "c",    "av_x", "av_y", "av_z",
                                                 "bv_x", "bv_y", "bv_z", "cv_x", "cv_y", "cv_z"};
  return names;
}

void add_shapes(Table& table, const SideTable& shapes) {
  const auto ids = std::as_const(table).get<std::int64_t>("id");
  const std::vector<std::int64_t> id(ids.begin(), ids.end());
  std::vector<Mat3> frame(id.size(), Mat3::Zero());
  std::vector<double> b_to_a(id.size()), c_to_a(id.size());
  for (std::size_t i = 0; i < id.size(); ++i) {
    const auto row = shapes.find(id[i]);
    if (!row || !(shapes.number(0, *row) > 0)) continue;
    const double a = shapes.number(0, *row), b = shapes.number(1, *row), c = shapes.number(2, *row);
    for (int axis = 0; axis < 3; ++axis)
      for (int k = 0; k < 3; ++k)
        frame[i](k, axis) = shapes.number(static_cast<std::size_t>(3 + 3 * axis + k), *row);
    const auto axes = so3::frame_of_axes(frame[i]);
    if (!axes || !(a >= b && b >= c && c > 0))
      throw data_error(
          "{}: galaxy {}: its axes are not orthogonal, or not in the order a >= b >= c > 0; repair or "
          "remove the row",
          shapes.path(), id[i]);
    frame[i] = *axes;
    b_to_a[i] = b / a;
    c_to_a[i] = c / a;
  }
  for (const char* name : {"galaxy_spin_x", "galaxy_spin_y", "galaxy_spin_z", "orientation_known"})
    table.remove(name);
  const auto known = [&](std::size_t i) { return b_to_a[i] > 0; };
  for (int axis = 0; axis < 3; ++axis)
    for (int k = 0; k < 3; ++k)
      put<double>(
          table,
          {fmt::format("galaxy_axis{}_{}", "ABC"[axis], "xyz"[k]), "", "unit vector, sign without meaning"},
          [&](auto i) { return frame[i](k, axis); });
  put<std::uint8_t>(table, {"orientation_known", "", "whether the galaxy's orientation is known"}, known);
  put_label(table, {"b_to_a", "", "intermediate to major axis"}, known, [&](auto i) { return b_to_a[i]; });
  put_label(table, {"c_to_a", "", "minor to major axis"}, known, [&](auto i) { return c_to_a[i]; });
}

}  // namespace halobrush::convert
