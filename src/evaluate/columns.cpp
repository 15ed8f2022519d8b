#include "columns.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace halobrush::evaluate {
namespace {

using catalog::Table;
using model::Orientation;
using pipeline::Split;

// Fills columns of the galaxies that the catalog has, from values of all owned rows.
class Rows {
 public:
  explicit Rows(const std::vector<Split>& split) {
    for (std::size_t i = 0; i < split.size(); ++i)
      if (split[i] != Split::none) kept_.push_back(i);
    table_.resize(kept_.size());
  }

  template <class T, class Value>
  void put(const std::string& name, const std::string& unit, const std::string& description, Value&& value) {
    auto column = table_.add<T>({name, unit, description});
    for (std::size_t k = 0; k < kept_.size(); ++k) column[k] = static_cast<T>(value(kept_[k]));
  }

  // Three columns, of vectors.
  template <class Value>
  void put_vector(const std::string& prefix, const std::string& unit, const std::string& description,
                  Value&& value) {
    for (int k = 0; k < 3; ++k)
      put<double>(prefix + "xyz"[k], unit, description, [&](std::size_t i) { return value(i)[k]; });
  }

  Table take() { return std::move(table_); }

 private:
  Table table_;
  std::vector<std::size_t> kept_;
};

void put_halos(Rows& rows, const Judged& judged) {
  const auto& halos = judged.galaxies.patch.halos;
  const auto& host = judged.galaxies.host;
  const auto id = halos.get<std::int64_t>("id");
  rows.put<std::int64_t>("galaxy_id", "", "galaxy id, unique", [&](auto i) { return id[i]; });
  rows.put<std::int64_t>("halo_id", "", "id of the (sub)halo that the galaxy lives in",
                         [&](auto i) { return id[i]; });
  rows.put<std::int64_t>("host_halo_id", "", "id of the host halo", [&](auto i) { return host[i]; });
  rows.put<std::uint8_t>("is_central", "", "whether the halo is no subhalo",
                         [&](auto i) { return id[i] == host[i]; });
  rows.put_vector("", "Mpc/h", "position", [vector = halos.vectors("")](auto i) { return vector[i]; });
  rows.put_vector("v", "km/s", "peculiar velocity", [vector = halos.vectors("v")](auto i) { return vector[i]; });
  const auto mass = halos.reals("mass"), host_mass = halos.reals("host_mass");
  rows.put<double>("halo_mass", "Msun/h", "mass of the (sub)halo", [&](auto i) { return mass[i]; });
  rows.put<double>("host_halo_mass", "Msun/h", "mass of the host halo", [&](auto i) { return host_mass[i]; });
  rows.put_vector("host_d", "Mpc/h", "from the host's centre; 0 for a central",
                  [vector = halos.vectors("host_d")](auto i) { return vector[i]; });
  rows.put_vector("host_dv", "km/s", "velocity relative to the host; 0 for a central",
                  [vector = halos.vectors("host_dv")](auto i) { return vector[i]; });
  if (halos.has("axis_x"))
    rows.put_vector("halo_axis_", "", "major axis of the halo, null where unresolved",
                    [vector = halos.vectors("axis_")](auto i) { return vector[i]; });
  if (halos.has("jx"))
    rows.put_vector("halo_spin_", "", "direction of the halo's angular momentum",
                    [vector = halos.vectors("j")](auto i) -> Vec3 { return vector[i].stableNormalized(); });
  rows.put<std::int64_t>("split", "", "of the model's training: 1 trained on, 2 validation, 3 test",
                         [&](auto i) { return judged.galaxies.split[i]; });
  rows.put<std::uint8_t>("held_out", "", "in a host halo that the model's training never saw", [&](auto i) {
    return !judged.held_out || judged.galaxies.split[i] == *judged.held_out;
  });
}

// What the model is given: scalars as they are, vectors and tensors by component.
void put_inputs(Rows& rows, const Judged& judged) {
  const auto& nodes = judged.inputs.nodes;
  const auto& features = judged.painter.needs().features;
  const auto put = [&](const std::vector<std::string>& names, const std::vector<double>& values,
                       const std::vector<const char*>& components) {
    const std::size_t width = components.size(), stride = names.size() * width;
    for (std::size_t k = 0; k < names.size(); ++k)
      for (std::size_t c = 0; c < width; ++c)
        rows.put<double>("input_" + names[k] + components[c], "", "input of the model",
                         [&](auto i) { return values[i * stride + k * width + c]; });
  };
  put(features.scalars, nodes.scalars, {""});
  put(features.polar, nodes.polar, {"_x", "_y", "_z"});
  put(features.axial, nodes.axial, {"_x", "_y", "_z"});
  put(features.tensors, nodes.tensors, {"_xx", "_yy", "_zz", "_xy", "_xz", "_yz"});
}

void put_orientation(Rows& rows, const std::string& prefix, const std::vector<Mat3>& frame,
                     Orientation kind) {
  const auto put = [&](const char* name, int column) {
    rows.put_vector(prefix + name, "", "unit vector", [&](auto i) -> Vec3 { return frame[i].col(column); });
  };
  if (kind == Orientation::spin) return put("galaxy_spin_", 2);
  put("galaxy_axisA_", 0);
  if (kind == Orientation::major_axis) return;
  put("galaxy_axisB_", 1);
  put("galaxy_axisC_", 2);
}

// Axis ratios are no scalars of a painter, and have no unit.
std::string unit_of(const std::string& label, const model::Painter& painter) {
  for (const auto& scalar : painter.scalars())
    if (scalar.name == label) return scalar.unit;
  return {};
}

void put_truth(Rows& rows, const Judged& judged) {
  const auto& galaxies = judged.galaxies;
  const auto names = judged.painter.labels();
  put_orientation(rows, "", galaxies.frame, judged.painter.orientation());
  rows.put<std::uint8_t>("orientation_known", "", "", [&](auto i) { return galaxies.known[0][i]; });
  for (std::size_t l = 0; l < names.size(); ++l) {
    rows.put<double>(names[l], unit_of(names[l], judged.painter), "true",
                     [&](auto i) { return galaxies.labels[l][i]; });
    rows.put<std::uint8_t>(names[l] + "_known", "", "", [&](auto i) { return galaxies.known[l + 1][i]; });
  }
}

void put_noise(Rows& rows, const Judged& judged) {
  const auto names = judged.painter.labels();
  for (std::size_t l = 0; l < names.size(); ++l)
    rows.put<double>("noise_" + names[l], "",
                     "standard normal noise from which the model would make the truth",
                     [&](auto i) { return (*judged.noise)[i * names.size() + l]; });
}

void put_draw(Rows& rows, const Judged& judged, std::size_t draw) {
  const auto& painted = judged.draws[draw];
  const auto prefix = fmt::format("draw{}_", draw + 1);
  put_orientation(rows, prefix, painted.frame, judged.painter.orientation());
  const auto put = [&](const std::string& name, const std::vector<double>& values) {
    rows.put<double>(prefix + name, unit_of(name, judged.painter), "painted",
                     [&](auto i) { return values[i]; });
  };
  const auto& scalars = judged.painter.scalars();
  for (std::size_t k = 0; k < scalars.size(); ++k) put(scalars[k].name, painted.scalars[k]);
  const auto labels = judged.painter.labels();
  if (std::ranges::count(labels, "b_to_a") > 0) put("b_to_a", painted.b_to_a);
  if (std::ranges::count(labels, "c_to_a") > 0) put("c_to_a", painted.c_to_a);
}

}  // namespace

Table rows_of(const Judged& judged) {
  Rows rows(judged.galaxies.split);
  put_halos(rows, judged);
  put_truth(rows, judged);
  put_inputs(rows, judged);
  if (judged.noise) put_noise(rows, judged);
  for (std::size_t draw = 0; draw < judged.draws.size(); ++draw) put_draw(rows, judged, draw);
  if (!judged.draws.empty())
    rows.put<std::uint8_t>("out_of_distribution", "", "inputs outside the range of the model's training",
                           [&](auto i) { return judged.draws[0].out_of_distribution[i]; });
  if (judged.log_p)
    rows.put<double>("log_p", "", "log p(galaxy | environment), nats, labels in the units of their columns",
                     [&](auto i) { return (*judged.log_p)[i]; });
  return rows.take();
}

}  // namespace halobrush::evaluate
