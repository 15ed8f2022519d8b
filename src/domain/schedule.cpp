#include "halobrush/domain/schedule.hpp"

#include <algorithm>
#include <functional>
#include <utility>

namespace halobrush::domain {

Schedule::Schedule(std::vector<TileCost> tiles, int ranks, double bytes)
    : queues_(static_cast<std::size_t>(ranks)), in_work_(queues_.size()), bytes_(bytes) {
  std::ranges::stable_sort(tiles, std::ranges::greater{}, &TileCost::cost);
  for (const auto& tile : tiles) {
    auto& queue = queues_[static_cast<std::size_t>(tile.keeper)];
    queue.tiles.push_back(tile);
    queue.cost += tile.cost;
    left_ += tile.cost;
  }
  all_ = left_;
}

// A quarter of a rank's share of what is left, so that ranks end together, and ten seconds, so that a run can be stopped
// by any of them. Before the first seconds are known: one tile.
double Schedule::most_at_once() const {
  constexpr double share = 0.25, seconds = 10;
  if (seconds_ == 0) return 0;
  return std::min(share * left_ / static_cast<double>(queues_.size()), seconds * painted_ / seconds_);
}

std::vector<std::int64_t> Schedule::take(int rank, double seconds) {
  auto& in_work = in_work_[static_cast<std::size_t>(rank)];
  if (seconds > 0 && !in_work.empty()) {
    painted_ += in_work.front();
    seconds_ += seconds;
    in_work.pop_front();
  }
  const auto rest = [](const Queue& q) { return std::pair(!q.tiles.empty(), q.cost); };
  auto& own = queues_[static_cast<std::size_t>(rank)];
  auto& queue = own.tiles.empty() ? *std::ranges::max_element(queues_, {}, rest) : own;
  const double most = most_at_once();
  double cost = 0, bytes = 0;
  std::vector<std::int64_t> taken;
  while (!queue.tiles.empty()) {
    const auto& tile = queue.tiles.front();
    if (!taken.empty() && (cost + tile.cost > most || bytes + tile.bytes > bytes_)) break;
    cost += tile.cost;
    bytes += tile.bytes;
    taken.push_back(tile.tile);
    queue.tiles.pop_front();
  }
  queue.cost = queue.tiles.empty() ? 0 : queue.cost - cost;
  left_ -= cost;
  if (!taken.empty()) in_work.push_back(cost);
  return taken;
}

}  // namespace halobrush::domain
