// Axes of galaxies whose mass and type are known, by the stated law (docs/align.md).
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "galaxies.hpp"
#include "halobrush/config/config.hpp"
#include "halobrush/model/axes_painter.hpp"

namespace halobrush::align {

/// What a galaxy's major axis is drawn about.
enum class Reference : std::int64_t { none, halo, host };

struct Axes {
  std::vector<Mat3> frame;           ///< columns: major, intermediate, minor axis
  std::vector<Reference> reference;  ///< none where the concentration is 0, too
};

class AxesLaw {
 public:
  explicit AxesLaw(const config::Config& config);
  ~AxesLaw();
  Axes draw(const Galaxies& galaxies) const;

 private:
  Reference reference(const Galaxies& galaxies, std::size_t row) const;
  config::Align align_;
  std::unique_ptr<model::AxesPainter> law_;
};

}  // namespace halobrush::align
