// What every painter is: from a patch's inputs to rows of galaxies. No torch in this header.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "halobrush/catalog/table.hpp"
#include "halobrush/config/config.hpp"
#include "halobrush/core/geometry.hpp"
#include "halobrush/features/features.hpp"
#include "halobrush/graph/graph.hpp"

namespace halobrush::model {

/// What a painter must be given; the ghost width is layers x radius.
struct Needs {
  features::FeatureNames features;
  double radius = 0;                 ///< environment graph, Mpc/h
  std::int64_t layers = 0;           ///< message-passing layers over it
  std::size_t group_neighbours = 0;  ///< see graph::group_graph
  double ghost_width() const { return radius * static_cast<double>(layers); }
};

/// One patch: owned galaxies are the first rows.
struct Inputs {
  std::size_t owned = 0;
  std::span<const std::int64_t> id;  ///< [nodes] random numbers belong to these
  std::span<const Vec3> pos;         ///< [nodes,3] Mpc/h, unwrapped
  features::NodeFeatures nodes;
  graph::Edges environment;  ///< over all nodes
  graph::Edges group;        ///< over owned nodes
};

/// Galaxies of the owned rows, in their order.
struct Painted {
  std::vector<Mat3> frame;             ///< [owned] columns: major, intermediate, minor axis, box coordinates
  std::vector<double> b_to_a, c_to_a;  ///< [owned] in (0, 1], c_to_a <= b_to_a
  std::vector<std::vector<double>> scalars;       ///< [scalar][owned], as Painter::scalars() declares them
  std::vector<std::uint8_t> out_of_distribution;  ///< [owned]
};

class Painter {
 public:
  virtual ~Painter() = default;
  virtual const Needs& needs() const = 0;
  /// Columns beyond frame and axis ratios, with unit and description.
  virtual const std::vector<catalog::ColumnSpec>& scalars() const = 0;
  virtual Painted paint(const Inputs& inputs) const = 0;
  /// SHA-256 of the model file; empty where there is none.
  virtual std::string sha256() const { return {}; }
};

/// The painter a config asks for. `h`: the Hubble parameter of the run. `halos` (columns only) decides
/// whether its inputs are there: model_error naming a missing one. Not collective: every rank reads the
/// model.
std::unique_ptr<Painter> make_painter(const config::Config& config, const catalog::Table& halos, double h);

}  // namespace halobrush::model
