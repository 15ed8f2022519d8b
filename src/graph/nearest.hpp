// The nearest of many candidates that come in any order.
#pragma once

#include <algorithm>
#include <cstddef>
#include <limits>
#include <utility>
#include <vector>

namespace halobrush::graph {

/// The `count` nearest so far; of equal distances the lower index is nearer.
class Nearest {
 public:
  explicit Nearest(std::size_t count) : count_(count) {}
  void clear() { heap_.clear(); }
  double reach() const {
    return heap_.size() < count_ ? std::numeric_limits<double>::max() : heap_.front().first;
  }
  void offer(double distance2, std::size_t index) {
    const std::pair candidate(distance2, index);
    if (heap_.size() == count_) {
      if (!(candidate < heap_.front())) return;
      std::pop_heap(heap_.begin(), heap_.end());
      heap_.pop_back();
    }
    heap_.push_back(candidate);
    std::push_heap(heap_.begin(), heap_.end());
  }
  const std::vector<std::pair<double, std::size_t>>& found() const { return heap_; }

 private:
  std::size_t count_;
  std::vector<std::pair<double, std::size_t>> heap_;  ///< the worst in front
};

}  // namespace halobrush::graph
