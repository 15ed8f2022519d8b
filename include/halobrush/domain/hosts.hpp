// Which host halo each halo belongs to, across ranks.
#pragma once

#include <string>
#include <vector>

#include "halobrush/catalog/halo_catalog.hpp"
#include "halobrush/domain/box.hpp"
#include "halobrush/mpi/communicator.hpp"

namespace halobrush::domain {

enum class OrphanPolicy { error, promote };

/// @collective Climbs parent_id to the top (a parent may itself be a subhalo) and adds the host columns of
/// halo_catalog.hpp to every row. Throws data_error: duplicate id (naming it), a parent that is absent
/// (naming both ids, unless promoted: the orphan becomes a central and a remark counts them), a cycle of
/// parents.
void resolve_hosts(catalog::HaloCatalog& catalog, const Box& box, OrphanPolicy orphans,
                   const mpi::Communicator& comm);

}  // namespace halobrush::domain
