// What can be said without Python, and the call of the tool that says the rest.
#pragma once

#include <string>

#include "halobrush/catalog/table.hpp"
#include "halobrush/core/log.hpp"
#include "halobrush/evaluate/evaluate.hpp"

namespace halobrush::evaluate {

/// @collective Counts and means of the held-out galaxies, in evaluation.json.
void write_summary(const Request& request, const catalog::Table& rows, bool split_applies,
                   const mpi::Communicator& comm);

/// Root only. tools/evaluate.py; where it cannot run, the page and evaluation.json say why.
void write_report(const Request& request, Logger& log);

}  // namespace halobrush::evaluate
