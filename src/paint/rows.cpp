#include "halobrush/paint/rows.hpp"

#include <cmath>

#include "halobrush/core/error.hpp"
#include "halobrush/so3/ellipsoid.hpp"

namespace halobrush::paint {
namespace {

using catalog::Table;

constexpr const char* ellipticity_convention =
    "epsilon = (1-q)/(1+q) on the sky of a distant observer along z; flat frame x, y of the box, positive "
    "component 1 along x";

template <class T, class Value>
void put(Table& table, catalog::ColumnSpec spec, Value&& value_of) {
  auto column = table.add<T>(std::move(spec));
  for (std::size_t i = 0; i < column.size(); ++i) column[i] = static_cast<T>(value_of(i));
}

void put_halo_columns(Table& rows, const Table& halos) {
  const auto integer = [&](const char* name) { return halos.get<std::int64_t>(name); };
  const auto number = [&](const char* name) { return halos.reals(name); };
  const auto id = integer("id"), host = integer("host_id");
  const auto central = [&](std::size_t i) { return id[i] == host[i]; };
  put<std::int64_t>(rows, {"galaxy_id", "", "galaxy id, unique"}, [&](auto i) { return id[i]; });
  put<std::int64_t>(rows, {"halo_id", "", "id of the (sub)halo that the galaxy lives in"},
                    [&](auto i) { return id[i]; });
  put<std::int64_t>(rows, {"host_halo_id", "", "id of the host halo; the halo itself for a central"},
                    [&](auto i) { return host[i]; });
  put<std::uint8_t>(rows, {"is_central", "", "whether the halo is no subhalo"}, central);
  for (const char* name : {"x", "y", "z"}) {
    const auto values = number(name);
    put<double>(rows, {name, "Mpc/h", "position"}, [&](auto i) { return values[i]; });
  }
  for (const char* name : {"vx", "vy", "vz"}) {
    const auto values = number(name);
    put<float>(rows, {name, "km/s", "peculiar velocity"}, [&](auto i) { return values[i]; });
  }
  const auto mass = number("mass");
  put<float>(rows, {"halo_mass", "Msun/h", "mass of the (sub)halo"}, [&](auto i) { return mass[i]; });
}

// What galaxies are aligned with: the directions that the halo finder measured, as far as the catalog has them.
void put_halo_directions(Table& rows, const Table& halos) {
  const auto put_vector = [&](const std::string& name, const std::string& source, const char* description) {
    if (!halos.has(source + "x")) return;
    const auto vectors = halos.vectors(source);
    for (int k = 0; k < 3; ++k)
      put<float>(rows, {name + "xyz"[k], "", description}, [&](auto i) { return vectors[i].stableNormalized()[k]; });
  };
  put_vector("halo_axis_", "axis_",
             "major axis of the (sub)halo, unit vector, sign without meaning, zero where unresolved");
  put_vector("halo_spin_", "j", "unit vector along the angular momentum of the (sub)halo");
}

void put_painted_columns(Table& rows, const model::Painted& painted, const model::Painter& painter) {
  for (std::size_t k = 0; k < painter.scalars().size(); ++k) {
    const auto& values = painted.scalars[k];
    put<float>(rows, painter.scalars()[k], [&](auto i) { return values[i]; });
  }
  const char* axes[] = {"galaxy_axisA_", "galaxy_axisB_", "galaxy_axisC_"};
  const char* names[] = {"major", "intermediate", "minor"};
  for (int axis = 0; axis < 3; ++axis)
    for (int k = 0; k < 3; ++k)
      put<float>(rows,
                 {std::string(axes[axis]) + "xyz"[k], "",
                  std::string(names[axis]) + " axis, unit vector, sign without meaning"},
                 [&](auto i) { return painted.frame[i](k, axis); });
  if (painter.paints_spin())
    for (int k = 0; k < 3; ++k)
      put<float>(rows, {std::string("galaxy_spin_") + "xyz"[k], "", "unit vector along the angular momentum"},
                 [&](auto i) { return painted.spin.empty() ? painted.frame[i](k, 2) : painted.spin[i][k]; });
  put<float>(rows, {"b_to_a", "", "intermediate to major axis"}, [&](auto i) { return painted.b_to_a[i]; });
  put<float>(rows, {"c_to_a", "", "minor to major axis"}, [&](auto i) { return painted.c_to_a[i]; });
  std::vector<std::array<double, 2>> ellipticity;
  for (std::size_t i = 0; i < rows.rows(); ++i)
    ellipticity.push_back(so3::projected_ellipticity(painted.frame[i], painted.b_to_a[i], painted.c_to_a[i]));
  for (std::size_t k = 0; k < 2; ++k)
    put<float>(rows, {k == 0 ? "ellipticity_1" : "ellipticity_2", "", ellipticity_convention}, [&](auto i) { return ellipticity[i][k]; });
  put<std::uint8_t>(rows, {"out_of_distribution", "", "inputs outside the range of the model's training"},
                    [&](auto i) { return painted.out_of_distribution[i]; });
}

// What GCRCatalogs' snapshot reader maps its own quantities from; kept apart from the other columns in the
// file.
void put_gcr_columns(Table& rows, const Table& halos, const model::Painted& painted,
                     const model::Painter& painter) {
  const auto id = halos.get<std::int64_t>("id"), host = halos.get<std::int64_t>("host_id");
  const auto mass = halos.reals("mass");
  put<std::int64_t>(rows, {"upid", "", "id of the host halo, -1 for a central"},
                    [&](auto i) { return id[i] == host[i] ? -1 : host[i]; });
  put<std::int64_t>(rows, {"target_halo_id", "", "halo_id"}, [&](auto i) { return id[i]; });
  put<float>(rows, {"target_halo_mass", "Msun/h", "halo_mass"}, [&](auto i) { return mass[i]; });
  for (std::size_t k = 0; k < painter.scalars().size(); ++k)
    if (painter.scalars()[k].name == "log_stellar_mass")
      put<float>(rows, {"obs_sm", "Msun", "stellar mass"},
                 [&](auto i) { return std::pow(10.0, painted.scalars[k][i]); });
}

}  // namespace

catalog::Table rows_of(const domain::Patch& patch, const model::Painted& painted,
                       const model::Painter& painter) {
  Table rows;
  rows.resize(patch.owned);
  put_halo_columns(rows, patch.halos);
  put_halo_directions(rows, patch.halos);
  put_painted_columns(rows, painted, painter);
  put_gcr_columns(rows, patch.halos, painted, painter);
  return rows;
}

catalog::WriteOptions write_options(const config::Config& config) {
  return {.hints = config.output.hints, .alignment = static_cast<std::uint64_t>(config.output.alignment)};
}

void check_output(const config::Config& config, const catalog::Simulation& simulation, const catalog::Table& columns, Logger& log) {
  const auto& box = simulation.box;
  if (config.output.index == "octree" && (box[0] != box[1] || box[0] != box[2]))
    throw config_error("output.index: is octree, whose cells are cubes, but the box is {:g} x {:g} x {:g} Mpc/h; set none", box[0], box[1], box[2]);
  for (const auto& remark : catalog::check_mock(columns, write_options(config))) log.warn("output: {}", remark);
}

catalog::Table mock_columns(const catalog::Table& halos, const model::Painter& painter) {
  domain::Patch none;
  none.halos = halos.empty_like();
  model::Painted nothing;
  nothing.scalars.resize(painter.scalars().size());
  return rows_of(none, nothing, painter);
}

}  // namespace halobrush::paint
