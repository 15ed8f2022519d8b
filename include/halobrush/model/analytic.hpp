// The analytic painter: a stated law with known density. Baseline, and ground truth of closure tests.
#pragma once

#include <array>

#include "halobrush/model/orientation_law.hpp"
#include "halobrush/model/painter.hpp"

namespace halobrush::model {

/// One galaxy's law: what its halo decides.
struct GalaxyLaw {
  double log_stellar_mass_mean = 0;
  bool central = true;
  Vec3 u, w;  ///< directions of the orientation law; zero where the halo gives none
};

class AnalyticPainter : public Painter {
 public:
  /// Needs mass and host, and what the columns of `halos` offer of shape, spin and tide (the least smoothed).
  /// @param h Hubble parameter: the law's masses are in Msun, the halos' in Msun/h
  AnalyticPainter(const config::AnalyticLaw& law, std::uint64_t seed, const catalog::Table& halos, double h);
  std::string kind() const override { return "analytic"; }
  const Needs& needs() const override { return needs_; }
  const std::vector<catalog::ColumnSpec>& scalars() const override;
  std::vector<std::string> labels() const override;

  /// log p(galaxy | halo) of each owned row, nats, exact: scalars in the units of their columns, b/a and c/a
  /// as they are, frame against Haar measure, any of a galaxy's four symmetric frames counted as the one
  /// given.
  std::vector<double> log_density(const Inputs& inputs, const Painted& galaxies) const;
  /// The same, of galaxies that must be known in full.
  std::vector<double> log_density(const Inputs& inputs, const Observed& galaxies) const override;

  /// log p(frame | halo) of each owned row, whatever the scalars: integrated over stellar mass and colour.
  std::vector<double> log_orientation_density(const Inputs& inputs, const std::vector<Mat3>& frames) const;

 private:
  Painted draw(const Inputs& inputs) const override;
  void require_independent_galaxies() const;
  GalaxyLaw law_of(const Inputs& inputs, std::size_t row) const;
  OrientationLaw orientation_of(const GalaxyLaw& galaxy, double log_stellar_mass, bool red) const;

  config::AnalyticLaw law_;
  std::uint64_t seed_;
  double log_h_;
  bool has_shape_, has_tide_;
  Needs needs_;
};

}  // namespace halobrush::model
