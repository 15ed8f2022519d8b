// Random patches and small model specs, built in code.
#pragma once

#include <Eigen/LU>
#include <vector>

#include "halobrush/core/random.hpp"
#include "halobrush/model/model_file.hpp"
#include "halobrush/model/painter.hpp"

namespace halobrush::testing_support {

inline model::ModelSpec small_spec() {
  model::ModelSpec spec;
  spec.inputs = {
      {"log_mass", "log_host_mass"}, {"host_displacement"}, {"angular_momentum"}, {"tidal_1", "halo_shape"}};
  spec.scalar_mean = {12, 12.5};
  spec.scalar_deviation = {1, 0.8};
  spec.labels = {{{"log_stellar_mass", "dex(Msun)", "stellar mass"}, model::Transform::identity, 10, 0.5, {}},
                 {{"b_to_a", "", "axis ratio"}, model::Transform::logit, 1.5, 0.6, {}},
                 {{"c_to_a", "", "axis ratio"}, model::Transform::logit_of_b_to_a, 0.5, 0.7, {}}};
  spec.radius = 3;
  spec.layers = 2;
  spec.encoder_width = 16;
  spec.channels = 4;
  spec.denoiser_width = 12;
  spec.denoiser_depth = 2;
  spec.group_neighbours = 6;
  spec.range.mean.assign(6, 0);
  spec.range.precision.assign(36, 0);
  for (int i = 0; i < 6; ++i) spec.range.precision[static_cast<std::size_t>(7 * i)] = 1;
  spec.range.radius = 3;
  return spec;
}

/// A patch with its own arrays; `inputs` builds the graphs anew, as a run does.
struct Patch {
  std::size_t owned = 0;
  std::vector<std::int64_t> id, host;
  std::vector<Vec3> pos;
  features::NodeFeatures nodes;
  double radius = 0;
  std::size_t neighbours = 0;

  model::Inputs inputs() const {
    model::Inputs in;
    in.owned = owned;
    in.id = id;
    in.pos = pos;
    in.nodes = nodes;
    in.environment = graph::radius_graph(pos, radius);
    in.group = graph::group_graph(std::span(pos).first(owned), std::span(host).first(owned), neighbours);
    return in;
  }

  /// Under an orthogonal q: polar vectors v -> q v, axial ones w -> det(q) q w, tensors T -> q T q^T.
  Patch transformed(const Mat3& q) const {
    Patch out = *this;
    const double sign = q.determinant();
    for (auto& p : out.pos) p = q * p;
    for (std::size_t i = 0; i < nodes.polar.size(); i += 3) turn(out.nodes.polar.data() + i, q);
    for (std::size_t i = 0; i < nodes.axial.size(); i += 3) turn(out.nodes.axial.data() + i, sign * q);
    for (std::size_t i = 0; i < nodes.tensors.size(); i += 6) {
      Eigen::Map<Sym3> t(out.nodes.tensors.data() + i);
      t = to_sym3(q * to_matrix(t) * q.transpose());
    }
    return out;
  }

 private:
  static void turn(double* v, const Mat3& q) {
    Eigen::Map<Vec3> vector(v);
    vector = (q * vector).eval();
  }
};

inline Patch random_patch(const model::ModelSpec& spec, std::size_t owned, std::size_t ghosts, double side) {
  Patch patch;
  patch.owned = owned;
  patch.radius = spec.radius;
  patch.neighbours = static_cast<std::size_t>(spec.group_neighbours);
  patch.nodes.nodes = owned + ghosts;
  for (std::size_t i = 0; i < owned + ghosts; ++i) {
    RandomStream random(42, static_cast<std::int64_t>(i), Purpose::test);
    patch.id.push_back(static_cast<std::int64_t>(100 + i));
    patch.host.push_back(static_cast<std::int64_t>(100 + i - i % 5));  // groups of five
    patch.pos.emplace_back(side * random.uniform(), side * random.uniform(), side * random.uniform());
    for (std::size_t k = 0; k < spec.inputs.scalars.size(); ++k)
      patch.nodes.scalars.push_back(12 + random.normal());
    for (std::size_t k = 0; k < 3 * spec.inputs.polar.size(); ++k)
      patch.nodes.polar.push_back(random.normal());
    for (std::size_t k = 0; k < 3 * spec.inputs.axial.size(); ++k)
      patch.nodes.axial.push_back(random.normal());
    for (std::size_t k = 0; k < 6 * spec.inputs.tensors.size(); ++k)
      patch.nodes.tensors.push_back(random.normal());
  }
  return patch;
}

}  // namespace halobrush::testing_support
