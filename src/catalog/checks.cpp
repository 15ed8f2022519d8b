#include "checks.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "halobrush/core/error.hpp"

namespace halobrush::catalog {

std::optional<std::string> fault_of(const std::string& column, double value, const Simulation& simulation) {
  if (!std::isfinite(value)) return fmt::format("is {} (not finite); repair or remove the row", value);
  if ((column == "mass" || column == "radius") && !(value > 0))
    return fmt::format("is {} (a {} is positive); repair or remove the row", value, column);
  if (column == "id" && value < 0)
    return fmt::format("is {} (an id is not negative); repair or remove the row", value);
  if (column.size() == 1) {
    const double side = simulation.box[static_cast<std::size_t>(column[0] - 'x')];
    if (value < 0 || value > side)
      return fmt::format("is {} (outside the box of {} Mpc/h); check box and units", value, side);
  }
  return std::nullopt;
}

void check_unique_ids(const std::string& path, const Table& halos, const mpi::Communicator& comm) {
  const auto ids = halos.get<std::int64_t>("id");
  const auto home = [&](std::int64_t id) { return static_cast<std::size_t>(id % comm.size()); };
  std::vector<std::size_t> counts(static_cast<std::size_t>(comm.size()));
  for (const auto id : ids) ++counts[home(id)];
  std::vector<std::size_t> next(counts.size());
  std::exclusive_scan(counts.begin(), counts.end(), next.begin(), std::size_t{0});
  std::vector<std::int64_t> sorted(ids.size());
  for (const auto id : ids) sorted[next[home(id)]++] = id;

  auto mine = comm.exchange(std::span<const std::int64_t>(sorted), counts).data;
  std::sort(mine.begin(), mine.end());
  constexpr auto none = std::numeric_limits<std::int64_t>::max();
  const auto twice = std::adjacent_find(mine.begin(), mine.end());
  const auto lowest = comm.min(twice == mine.end() ? none : *twice);
  if (lowest != none)
    throw data_error("{}: id {} occurs more than once (ids name halos); keep one of the rows", path, lowest);
}

}  // namespace halobrush::catalog
