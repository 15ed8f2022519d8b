// The rows of a mock: what a painter said of each galaxy, beside what its halo says.
#pragma once

#include "halobrush/catalog/reader.hpp"
#include "halobrush/config/config.hpp"
#include "halobrush/core/log.hpp"
#include "halobrush/domain/patch.hpp"
#include "halobrush/model/painter.hpp"

namespace halobrush::paint {

/// An empty table with the columns that halos will have when they are painted, by what the catalog's header says.
catalog::Table expected_columns(const catalog::HaloHeader& header, const config::Config& config);

/// The columns of a mock of such halos painted by `painter`, without rows.
catalog::Table mock_columns(const catalog::Table& halos, const model::Painter& painter);

/// How a mock is written.
catalog::WriteOptions write_options(const config::Config& config);

/// Before the first tile is painted: throws where a mock with these columns could not be written (data_error, config_error),
/// and says what its readers will not see as it is. Not collective.
void check_output(const config::Config& config, const catalog::Simulation& simulation, const catalog::Table& columns, Logger& log);

/// The owned galaxies of a patch, in their order.
catalog::Table rows_of(const domain::Patch& patch, const model::Painted& painted,
                       const model::Painter& painter);

}  // namespace halobrush::paint
