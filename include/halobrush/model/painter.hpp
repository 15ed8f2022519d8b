// What every painter is: from a patch's inputs to rows of galaxies. No torch in this header.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "halobrush/catalog/halo_catalog.hpp"
#include "halobrush/catalog/table.hpp"
#include "halobrush/config/config.hpp"
#include "halobrush/core/geometry.hpp"
#include "halobrush/features/features.hpp"
#include "halobrush/graph/graph.hpp"

namespace halobrush::model {

struct ModelSpec;

/// What the frame of a galaxy is.
enum class Orientation {
  ellipsoid,   ///< three axes without signs: R and R D are the same galaxy, D in D2
  major_axis,  ///< one axis without sign: an ellipsoid whose roll about it was drawn at random
  spin,        ///< one axis with a sign, the last column: the roll about it was drawn at random
};

/// What a painter must be given; the ghost width is layers x radius.
struct Needs {
  features::FeatureNames features;
  double radius = 0;                       ///< environment graph, Mpc/h
  std::int64_t layers = 0;                 ///< message-passing layers over it
  std::size_t environment_neighbours = 0;  ///< at most so many edges into a node, the nearest; 0: no bound
  bool own_group_only = false;             ///< environment edges inside a host halo only: no ghosts needed
  std::size_t group_neighbours = 0;        ///< see graph::group_graph
  std::vector<Needs> then = {};            ///< of the painters after this one in a chain
  double ghost_width() const {
    double width = own_group_only ? 0 : radius * static_cast<double>(layers);
    for (const auto& next : then) width = std::max(width, next.ghost_width());
    return width;
  }
};

/// One patch: owned galaxies are the first rows.
struct Inputs {
  std::size_t owned = 0;
  std::span<const std::int64_t> id;    ///< [nodes] random numbers belong to these
  std::span<const Vec3> pos;           ///< [nodes,3] Mpc/h, unwrapped
  std::span<const std::int64_t> host;  ///< [owned] id of the host halo
  features::NodeFeatures nodes;
  graph::Edges environment;  ///< over all nodes
  graph::Edges group;        ///< over owned nodes
  std::vector<Inputs> then = {};  ///< as Needs::then asks for
};

/// Galaxies of the owned rows, in their order.
struct Painted {
  std::vector<Mat3> frame;             ///< [owned] columns: major, intermediate, minor axis, box coordinates
  std::vector<double> b_to_a, c_to_a;  ///< [owned] in (0, 1], c_to_a <= b_to_a
  std::vector<std::vector<double>> scalars;       ///< [scalar][owned], as Painter::scalars() declares them
  std::vector<std::uint8_t> out_of_distribution;  ///< [owned]
  std::vector<Vec3> spin = {};                    ///< [owned] unit, where axes were painted beside it; else empty
};

/// Galaxies that are known, of the owned rows, to be judged by a painter.
struct Observed {
  std::vector<Mat3> frame;                       ///< [owned]
  std::vector<std::vector<double>> labels;       ///< [label][owned], as Painter::labels() names them
  std::vector<std::vector<std::uint8_t>> known;  ///< [1 + label][owned] 0: no orientation, or no such label
};

class Painter {
 public:
  virtual ~Painter() = default;
  /// As painter.kind names it.
  virtual std::string kind() const = 0;
  virtual const Needs& needs() const = 0;
  /// Columns beyond frame and axis ratios, with unit and description.
  virtual const std::vector<catalog::ColumnSpec>& scalars() const = 0;
  /// Throws model_error naming galaxy and label where what was drawn is not finite.
  Painted paint(const Inputs& inputs) const;
  /// Every scalar that it draws, axis ratios included.
  virtual std::vector<std::string> labels() const = 0;
  virtual Orientation orientation() const { return Orientation::ellipsoid; }
  /// Whether galaxies have a spin: Painted::spin, or the frame's last column.
  virtual bool paints_spin() const { return orientation() == Orientation::spin; }
  /// log p(galaxy | environment) [owned], nats: scalars in the units of their columns, frames against Haar
  /// measure. Members of a host are judged together: their sum is the log p of the group. Throws model_error
  /// where the painter has no density.
  virtual std::vector<double> log_density(const Inputs& inputs, const Observed& galaxies) const;
  /// The standard normal noise [owned, labels] from which the painter would make these labels; NaN where one
  /// is not known. None where the painter starts from no such noise.
  virtual std::optional<std::vector<double>> starting_noise(const Inputs&, const Observed&) const {
    return std::nullopt;
  }
  /// SHA-256 of the model file; empty where there is none.
  virtual std::string sha256() const { return {}; }
  /// What the model files say, in the order of a chain; none where there is no file.
  virtual std::vector<const ModelSpec*> models() const { return {}; }

 private:
  virtual Painted draw(const Inputs& inputs) const = 0;
};

/// The painter a config asks for; with painter.axes a chain of two. `halos` (columns only) decides whether its inputs are
/// there: model_error naming a missing one. Not collective: every rank reads the model.
std::unique_ptr<Painter> make_painter(const config::Config& config, const catalog::Table& halos,
                                      const catalog::Simulation& simulation);

}  // namespace halobrush::model
