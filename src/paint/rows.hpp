// The rows of a mock: what a painter said of each galaxy, beside what its halo says.
#pragma once

#include "halobrush/domain/patch.hpp"
#include "halobrush/model/painter.hpp"

namespace halobrush::paint {

/// The columns of a mock of such halos painted by `painter`, without rows.
catalog::Table mock_columns(const catalog::Table& halos, const model::Painter& painter);

/// The owned galaxies of a patch, in their order.
catalog::Table rows_of(const domain::Patch& patch, const model::Painted& painted,
                       const model::Painter& painter);

}  // namespace halobrush::paint
