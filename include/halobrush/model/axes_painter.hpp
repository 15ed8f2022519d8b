// The second painter of a chain: axes and ratios of galaxies whose scalars and spin were painted before.
#pragma once

#include <array>
#include <memory>
#include <string>

#include "halobrush/catalog/halo_catalog.hpp"
#include "halobrush/model/painter.hpp"

namespace halobrush::model {

class AxesPainter {
 public:
  virtual ~AxesPainter() = default;
  virtual std::string kind() const = 0;
  virtual const Needs& needs() const = 0;
  /// Scalars that it adds.
  virtual std::vector<catalog::ColumnSpec> scalars() const { return {}; }
  virtual std::vector<const ModelSpec*> models() const { return {}; }
  /// Replaces frame and ratios of `galaxies`, and adds its scalars. `inputs`: of its own needs().
  virtual void paint(const Inputs& inputs, Painted& galaxies) const = 0;
};

/// Of the stated law: strength at log10(M*/Msun) = 10.5 and its slope, cut to [0, 50].
double concentration(const std::array<double, 2>& strength, double log_stellar_mass);

/// The stated law of section `shapes` (docs/lensing.md). `first`: the painter before it, whose scalars and spin it goes
/// by. `frame`: rotation of its random numbers. Throws config_error where first painter or halos lack what the law needs.
std::unique_ptr<AxesPainter> make_shape_law(const config::Shapes& law, std::uint64_t seed, const Mat3& frame,
                                            const Painter& first, const catalog::Table& halos,
                                            const catalog::Simulation& simulation);

/// A painter that learned axes and ratios. Throws config_error where it paints none.
std::unique_ptr<AxesPainter> learned_axes(std::unique_ptr<Painter> painter, const std::string& path);

/// As painter.axes asks for, after `first`.
std::unique_ptr<AxesPainter> make_axes_painter(const config::Config& config, const Painter& first,
                                               const catalog::Table& halos, const catalog::Simulation& simulation);

/// What `first` paints, ready for an AxesPainter: with Painted::spin where it paints one.
Painted paint_first(const Painter& first, const Inputs& inputs);

}  // namespace halobrush::model
