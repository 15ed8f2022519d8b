// Seconds spent in each named stage of a run, on this rank.
#pragma once

#include <chrono>
#include <string>
#include <utility>
#include <vector>

namespace halobrush {

class Timer {
 public:
  double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

/// Stages keep the order of their first use, the same on every rank.
class StageTimes {
 public:
  /// Runs `work` and adds its time to `stage`.
  template <class Work>
  decltype(auto) measure(const std::string& stage, Work&& work) {
    struct Stop {
      StageTimes& times;
      std::size_t index;
      Timer timer;
      ~Stop() { times.stages_[index].second += timer.seconds(); }
    } stop{*this, index_of(stage), {}};
    return std::forward<Work>(work)();
  }
  const std::vector<std::pair<std::string, double>>& stages() const { return stages_; }

 private:
  std::size_t index_of(const std::string& stage) {
    for (std::size_t i = 0; i < stages_.size(); ++i)
      if (stages_[i].first == stage) return i;
    stages_.emplace_back(stage, 0.0);
    return stages_.size() - 1;
  }
  std::vector<std::pair<std::string, double>> stages_;
};

}  // namespace halobrush
