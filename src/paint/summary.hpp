// The JSON summary beside a mock.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "halobrush/catalog/halo_catalog.hpp"
#include "halobrush/catalog/table.hpp"
#include "halobrush/core/timer.hpp"
#include "halobrush/model/model_file.hpp"
#include "halobrush/mpi/communicator.hpp"
#include "halobrush/pipeline/input_shift.hpp"

namespace halobrush::paint {

/// Running moments of each column of the rows that this rank has seen, and how many values of a label lie outside
/// of the range of its training.
class ColumnStatistics {
 public:
  using Ranges = std::map<std::string, model::TrainedRange>;

  /// The labels of this model are judged; of two models with one label, the first is believed.
  void judge(const model::ModelSpec& model);
  void add(const catalog::Table& rows);
  void clear() { moments_.clear(); }  ///< forgets the rows

  struct Moments {
    std::string name;
    double count = 0, sum = 0, squares = 0, min = 0, max = 0, nan = 0;
    double infinite = 0;
    double outside = 0;      ///< of the range in training
    double far_outside = 0;  ///< by more than that range (without one in a thousand at each end) is wide
  };
  /// @collective Over all ranks; `columns` names them in order.
  std::vector<Moments> reduced(const catalog::Table& columns, const mpi::Communicator& comm) const;

  /// What is wrong with painted values, one sentence each: infinite ones, and labels that lie far outside of their
  /// range in training, or outside more often than galaxies of the training's kind would.
  std::vector<std::string> faults(const std::vector<Moments>& columns) const;
  const Ranges& ranges() const { return ranges_; }

 private:
  std::vector<Moments> moments_;
  Ranges ranges_;
  double trained_on_ = 0;  // galaxies
};

struct RunFacts {
  std::uint64_t galaxies = 0, tiles = 0, painted_tiles = 0, reused_tiles = 0;
  std::uint64_t painted_galaxies = 0, ghosts = 0;
  double paint_seconds = 0;  ///< the slowest rank's
  double busy_seconds = 0;   ///< processor time of this rank while tiles were painted
  catalog::LeftOut left_out = {};  ///< halos of the catalog that were left out on reading
};

/// What is said of the mock in its summary beside numbers.
struct Said {
  std::vector<std::string> warnings, remarks;
  pipeline::InputComparison inputs = {};
};

/// @collective Writes <output>.json on the root (temporary name, then rename); returns the fraction out of
/// distribution.
double write_summary(const std::string& path, const RunFacts& facts, const StageTimes& times,
                     const std::vector<ColumnStatistics::Moments>& columns,
                     const ColumnStatistics::Ranges& ranges, const Said& said,
                     const mpi::Communicator& comm);

}  // namespace halobrush::paint
