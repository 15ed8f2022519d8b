// What a mock will be, known before its first tile is painted: kept with the tiles, so that a run that finds all of them
// staged needs no halos.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "halobrush/catalog/halo_catalog.hpp"
#include "halobrush/pipeline/origin.hpp"

namespace halobrush::paint {

struct Plan {
  std::vector<std::uint64_t> rows_of_tile;
  catalog::Table columns;  ///< of the mock, without rows
  catalog::Simulation simulation;
  catalog::Source source;
  catalog::LeftOut left_out;
  std::vector<std::string> remarks;  ///< on the halos
  pipeline::Differences differences;

  std::uint64_t galaxies() const;
};

std::string to_json(const Plan& plan);
/// Nothing when the text is no plan.
std::optional<Plan> plan_from_json(const std::string& text);

}  // namespace halobrush::paint
