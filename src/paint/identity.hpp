// What makes two runs the same job: the keys that decide rows, and the hashes of everything read.
#pragma once

#include "halobrush/catalog/reader.hpp"
#include "halobrush/catalog/staging.hpp"
#include "halobrush/config/config.hpp"
#include "halobrush/mpi/communicator.hpp"

namespace halobrush::paint {

/// @collective The hash and size of input.path. Not computed again where an earlier run noted them beside its tiles and
/// sizes, times and samples of the files are what they were then.
catalog::Content content_of_halos(const config::Config& config, const mpi::Communicator& comm);
/// @collective Notes them in the staging folder, which must be there.
void note_content(const config::Config& config, const catalog::Content& halos, const mpi::Communicator& comm);

/// @collective `halos`: of input.path.
catalog::Identity identity_of(const config::Config& config, const catalog::Content& halos, const mpi::Communicator& comm);

}  // namespace halobrush::paint
