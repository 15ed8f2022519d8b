// What can be said without Python, and the call of the tool that says the rest.
#pragma once

#include <optional>
#include <string>

#include "halobrush/catalog/table.hpp"
#include "halobrush/core/log.hpp"
#include "halobrush/evaluate/evaluate.hpp"
#include "halobrush/pipeline/split.hpp"

namespace halobrush::evaluate {

/// @collective Counts and means of the held-out galaxies, in evaluation.json.
void write_summary(const Request& request, const catalog::Table& rows,
                   std::optional<pipeline::Split> held_out, const mpi::Communicator& comm);

/// Root only. Runs python/halobrush/evaluate.py; where it cannot run, the page and evaluation.json say why. False where a requirement fails or nothing was judged.
bool write_report(const Request& request, Logger& log);

}  // namespace halobrush::evaluate
