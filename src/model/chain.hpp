// Painters in a chain: p(scalars, spin | surroundings), then p(axes, ratios | scalars, spin, surroundings).
#pragma once

#include <memory>

#include "halobrush/model/axes_painter.hpp"

namespace halobrush::model {

std::unique_ptr<Painter> make_chain(std::unique_ptr<Painter> first, std::unique_ptr<AxesPainter> axes);

}  // namespace halobrush::model
