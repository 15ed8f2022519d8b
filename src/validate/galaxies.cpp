#include "halobrush/validate/galaxies.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "halobrush/catalog/mapped.hpp"
#include "halobrush/catalog/mock.hpp"
#include "halobrush/catalog/numbers.hpp"
#include "halobrush/core/error.hpp"
#include "halobrush/mpi/agree.hpp"
#include "halobrush/so3/ellipsoid.hpp"

namespace halobrush::validate {
namespace {

Galaxies read_mock(const std::string& path, const mpi::Communicator& comm) {
  auto mock = catalog::read_mock(path, {}, comm);
  Galaxies galaxies{path, mock.header.simulation, std::move(mock.galaxies)};
  galaxies.identity = catalog::identity_from(catalog::entry_of(mock.header.provenance, catalog::identity_attribute));
  return galaxies;
}

Galaxies read_other(const std::string& path, const config::Validate& how, const mpi::Communicator& comm) {
  for (const char* name : {"x", "y", "z"})
    if (!how.columns.contains(name))
      throw data_error(
          "{}: is no mock of this program, and validate.columns.{} does not say which of its datasets is the "
          "position; name the datasets of x, y and z",
          path, name);
  if (how.box.empty())
    throw data_error(
        "{}: is no mock of this program: its box is not known; give validate.box, three sides in Mpc/h",
        path);
  catalog::Simulation simulation;
  std::ranges::copy(how.box, simulation.box.begin());
  return {path, simulation, catalog::read_mapped(path, how.columns, comm)};
}

std::string axis_column(char axis, char component) {
  return std::string("galaxy_axis") + axis + '_' + component;
}

// eps = (1-q)/(1+q) on the sky, from the three-dimensional shape.
void add_projected_ellipticity(Galaxies& galaxies) {
  auto& table = galaxies.table;
  const bool shape = galaxies.has_axis('A') && galaxies.has_axis('B') && galaxies.has_axis('C') &&
                     table.has("b_to_a") && table.has("c_to_a");
  if (galaxies.has_ellipticity() || !shape) return;
  const auto a = galaxies.axes('A'), b = galaxies.axes('B'), c = galaxies.axes('C');
  const auto q = catalog::numbers(table, "b_to_a"), s = catalog::numbers(table, "c_to_a");
  std::vector<double> e1(table.rows()), e2(table.rows());
  for (std::size_t i = 0; i < table.rows(); ++i) {
    Mat3 frame;
    frame << a[i], b[i], c[i];
    const auto e = so3::projected_ellipticity(frame, q[i], s[i]);
    e1[i] = e[0], e2[i] = e[1];
  }
  table.add({"ellipticity_1", "", "from axes and ratios"}, std::move(e1));
  table.add({"ellipticity_2", "", "from axes and ratios"}, std::move(e2));
}

// A disc's minor axis is along its spin.
void add_axis_from_spin(catalog::Table& table) {
  if (table.has("galaxy_axisC_x") || !table.has("galaxy_spin_x")) return;
  for (const char c : {'x', 'y', 'z'})
    table.add({axis_column('C', c), "", "from galaxy_spin"},
              catalog::numbers(table, std::string("galaxy_spin_") + c));
}

void require_positions(const Galaxies& galaxies) {
  for (const char* name : {"x", "y", "z"}) {
    if (!galaxies.table.has(name))
      throw data_error("{}: no column '{}'; positions are needed", galaxies.path, name);
    for (const double value : catalog::numbers(galaxies.table, name))
      if (!std::isfinite(value))
        throw data_error("{}: {} is {} for some galaxy; remove galaxies without position", galaxies.path,
                         name, value);
  }
}

}  // namespace

bool Galaxies::has_axis(char axis) const {
  return table.has(axis_column(axis, 'x')) && table.has(axis_column(axis, 'y')) &&
         table.has(axis_column(axis, 'z'));
}

std::vector<Vec3> Galaxies::vectors(const std::string& prefix) const {
  const auto x = catalog::numbers(table, prefix + "x"), y = catalog::numbers(table, prefix + "y"),
             z = catalog::numbers(table, prefix + "z");
  std::vector<Vec3> all(x.size());
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = Vec3(x[i], y[i], z[i]);
  return all;
}

std::vector<double> Galaxies::known(const std::string& column, std::span<const std::size_t> rows) const {
  const auto values = catalog::numbers(table, column);
  const auto mask =
      table.has(column + "_known") ? catalog::numbers(table, column + "_known") : std::vector<double>{};
  std::vector<double> out;
  for (const auto row : rows)
    if (mask.empty() || mask[row] != 0) out.push_back(values[row]);
  return out;
}

std::vector<double> Galaxies::known(const std::string& column) const {
  std::vector<std::size_t> rows(table.rows());
  std::iota(rows.begin(), rows.end(), std::size_t{0});
  return known(column, rows);
}

std::vector<std::size_t> Galaxies::oriented(std::span<const std::size_t> rows) const {
  if (!table.has("orientation_known")) return {rows.begin(), rows.end()};
  const auto mask = catalog::numbers(table, "orientation_known");
  std::vector<std::size_t> out;
  std::ranges::copy_if(rows, std::back_inserter(out), [&](auto row) { return mask[row] != 0; });
  return out;
}

void add_derived_columns(Galaxies& galaxies) {
  auto& table = galaxies.table;
  add_axis_from_spin(table);
  add_projected_ellipticity(galaxies);
  if (galaxies.has_ellipticity() && !table.has("ellipticity")) {
    auto e = catalog::numbers(table, "ellipticity_1");
    const auto e2 = catalog::numbers(table, "ellipticity_2");
    for (std::size_t i = 0; i < e.size(); ++i) e[i] = std::hypot(e[i], e2[i]);
    table.add({"ellipticity", "", "|epsilon| on the sky"}, std::move(e));
  }
  if (table.has("halo_mass") && !table.has("log_halo_mass")) {
    auto mass = catalog::numbers(table, "halo_mass");
    for (auto& m : mass) m = std::log10(m);
    table.add({"log_halo_mass", "dex(Msun/h)", "log10 of halo_mass"}, std::move(mass));
  }
}

Galaxies read_galaxies(const std::string& path, const config::Validate& how, const mpi::Communicator& comm) {
  const auto kind = mpi::agree(comm, [&] { return catalog::kind_of(path); });
  auto galaxies = kind == catalog::FileKind::mock ? read_mock(path, comm) : read_other(path, how, comm);
  galaxies.total = comm.sum(static_cast<std::uint64_t>(galaxies.table.rows()));
  mpi::agree(comm, [&] {
    require_positions(galaxies);
    if (galaxies.total < 2)
      throw data_error("{}: {} galaxies; statistics of pairs need two at least", path, galaxies.total);
    add_derived_columns(galaxies);
  });
  return galaxies;
}

}  // namespace halobrush::validate
