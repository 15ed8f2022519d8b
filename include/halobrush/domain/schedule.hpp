// Which rank paints which tiles, decided while they are painted.
#pragma once

#include <cstdint>
#include <deque>
#include <vector>

namespace halobrush::domain {

/// What is known of a tile before it is painted.
struct TileCost {
  std::int64_t tile = 0;
  double cost = 0;   ///< in any unit: about proportional to the time that it takes
  double bytes = 0;  ///< of its galaxies
  int keeper = 0;    ///< the rank that holds them
};

/// A rank gets tiles that it keeps itself, the dearest first; when it has painted them, of those of the rank that has
/// most left. Several at once as long as they are a small share of what is left and of a time.
class Schedule {
 public:
  /// `bytes`: of the galaxies that a rank gets at once; one tile is the least.
  Schedule(std::vector<TileCost> tiles, int ranks, double bytes);

  /// The next tiles of `rank`; none at the end. `seconds`: what the earliest of its tiles took that it has not told of;
  /// 0: it has nothing to tell.
  std::vector<std::int64_t> take(int rank, double seconds);

  /// Share of all costs that was given away, 0 to 1.
  double given() const { return all_ > 0 ? 1 - left_ / all_ : 1; }

 private:
  struct Queue {
    std::deque<TileCost> tiles;
    double cost = 0;
  };
  double most_at_once() const;

  std::vector<Queue> queues_;      // [ranks], the dearest first
  std::vector<std::deque<double>> in_work_;  // [ranks] costs of what was taken and not yet told of
  double bytes_, all_ = 0, left_ = 0;
  double painted_ = 0, seconds_ = 0;  // so far
};

}  // namespace halobrush::domain
