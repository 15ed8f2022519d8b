// The JSON summary beside a mock.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "halobrush/catalog/table.hpp"
#include "halobrush/core/timer.hpp"
#include "halobrush/mpi/communicator.hpp"

namespace halobrush::paint {

/// Running moments of each column of the rows that this rank has seen.
class ColumnStatistics {
 public:
  void add(const catalog::Table& rows);

  struct Moments {
    std::string name;
    double count = 0, sum = 0, squares = 0, min = 0, max = 0, nan = 0;
  };
  /// @collective Over all ranks; `columns` names them in order.
  std::vector<Moments> reduced(const catalog::Table& columns, const mpi::Communicator& comm) const;

 private:
  std::vector<Moments> moments_;
};

struct RunFacts {
  std::uint64_t galaxies = 0, tiles = 0, painted_tiles = 0, reused_tiles = 0;
  std::uint64_t painted_galaxies = 0, ghosts = 0;
  double paint_seconds = 0;  ///< the slowest rank's
};

/// @collective Writes <output>.json on the root (temporary name, then rename); returns the fraction out of
/// distribution.
double write_summary(const std::string& path, const RunFacts& facts, const StageTimes& times,
                     const ColumnStatistics& statistics, const catalog::Table& columns,
                     const mpi::Communicator& comm);

}  // namespace halobrush::paint
