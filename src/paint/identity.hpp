// What makes two runs the same job: the keys that decide rows, and the hashes of everything read.
#pragma once

#include "halobrush/catalog/staging.hpp"
#include "halobrush/config/config.hpp"
#include "halobrush/mpi/communicator.hpp"

namespace halobrush::paint {

/// @collective The root hashes the files.
catalog::Identity identity_of(const config::Config& config, const mpi::Communicator& comm);

/// One text for a mock's provenance (its attribute of this name), to compare a finished mock with a run.
constexpr const char* identity_attribute = "identity";
std::string text_of(const catalog::Identity& identity);
catalog::Identity identity_from(const std::string& text);

}  // namespace halobrush::paint
