// Every feature of every halo of a real Rockstar catalog.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "halobrush/catalog/reader.hpp"
#include "halobrush/features/features.hpp"
#include "halobrush/field/mesh.hpp"

namespace halobrush::features {
namespace {

// What domain::resolve_hosts does, for a catalog on one rank.
void add_hosts(catalog::Table& halos, const domain::Box& box) {
  std::unordered_map<std::int64_t, std::size_t> row_of;
  for (std::size_t row = 0; row < halos.rows(); ++row) row_of[halos.get<std::int64_t>("id")[row]] = row;
  std::vector<std::size_t> host(halos.rows());
  for (std::size_t row = 0; row < host.size(); ++row) {
    host[row] = row;
    while (halos.get<std::int64_t>("parent_id")[host[row]] != -1)
      host[row] = row_of.at(halos.get<std::int64_t>("parent_id")[host[row]]);
  }
  const auto add = [&](const char* name, auto&& of) {
    auto column = halos.add<double>({name, "", ""});
    for (std::size_t row = 0; row < host.size(); ++row) column[row] = of(row, host[row]);
  };
  auto host_id = halos.add<std::int64_t>({"host_id", "", ""});
  for (std::size_t row = 0; row < host.size(); ++row) host_id[row] = halos.get<std::int64_t>("id")[host[row]];
  add("host_mass", [&](std::size_t, std::size_t h) { return halos.get<double>("mass")[h]; });
  add("host_radius", [&](std::size_t, std::size_t h) { return halos.get<double>("radius")[h]; });
  for (int k = 0; k < 3; ++k) {
    const std::string axis(1, "xyz"[k]);
    add(("host_d" + axis).c_str(), [&](std::size_t row, std::size_t h) {
      return box.nearest_image(halos.vectors("")[row] - halos.vectors("")[h])[k];
    });
    add(("host_dv" + axis).c_str(),
        [&](std::size_t row, std::size_t h) { return (halos.vectors("v")[row] - halos.vectors("v")[h])[k]; });
  }
}

TEST(DemoCatalog, HasEveryFeatureFiniteInEveryRow) {
  const mpi::Communicator self(MPI_COMM_SELF);
  auto catalog = catalog::read_halos(HALOBRUSH_SOURCE_DIR "/data/demo/rockstar_z0_pid.list.gz", {}, self);
  auto& halos = catalog.halos;
  const domain::Box box{{catalog.simulation.box[0], catalog.simulation.box[1], catalog.simulation.box[2]}};
  add_hosts(halos, box);
  field::add_tidal_tensor(halos, field::halo_overdensity(halos, box, 64, self), field::Window::cloud_in_cell,
                          box, {4}, self);

  FeatureNames names;
  for (const auto& f : available(halos)) {
    if (f.kind == Kind::scalar) names.scalars.push_back(f.name);
    if (f.kind == Kind::polar) names.polar.push_back(f.name);
    if (f.kind == Kind::axial) names.axial.push_back(f.name);
    if (f.kind == Kind::tensor) names.tensors.push_back(f.name);
  }
  ASSERT_EQ(names.scalars.size(), 16u);
  ASSERT_EQ(names.polar.size(), 3u);
  ASSERT_EQ(names.axial.size(), 2u);
  ASSERT_EQ(names.tensors.size(), 2u);

  const auto nodes = assemble(halos, names);
  ASSERT_EQ(nodes.nodes, 25667u);
  EXPECT_EQ(nodes.tensors.size(), nodes.nodes * 12);
  for (const auto* values : {&nodes.scalars, &nodes.polar, &nodes.axial, &nodes.tensors})
    for (const double value : *values) {
      ASSERT_TRUE(std::isfinite(value));
      ASSERT_LT(std::abs(value), 100);  // of order one, as a network wants them; log10 of a mass is below 16
    }

  const auto column = [&](const char* name, std::size_t row) {
    const auto place = std::ranges::find(names.scalars, name) - names.scalars.begin();
    return nodes.scalars[row * names.scalars.size() + static_cast<std::size_t>(place)];
  };
  double centrals = 0;
  std::size_t without_spin_axis = 0;
  for (std::size_t row = 0; row < nodes.nodes; ++row) {
    centrals += column("is_central", row);
    const bool zero =
        nodes.axial[6 * row] == 0 && nodes.axial[6 * row + 1] == 0 && nodes.axial[6 * row + 2] == 0;
    without_spin_axis += zero ? 1 : 0;
  }
  EXPECT_EQ(centrals, 23726);
  EXPECT_EQ(without_spin_axis, 34u);  // |J| = 0
}

}  // namespace
}  // namespace halobrush::features
