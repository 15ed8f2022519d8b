// Records sent to the ranks that can work on them, and answers brought back in the order of the records.
#pragma once

#include <cstddef>
#include <numeric>
#include <span>
#include <vector>

#include "halobrush/mpi/communicator.hpp"

namespace halobrush::field {

/// Where each record goes, and the order in which they are sent.
class Post {
 public:
  /// @param destination [records] rank of each record
  Post(std::span<const int> destination, int ranks)
      : counts_(static_cast<std::size_t>(ranks)), place_(destination.size()) {
    for (const int to : destination) ++counts_[static_cast<std::size_t>(to)];
    std::vector<std::size_t> next(counts_.size());
    std::exclusive_scan(counts_.begin(), counts_.end(), next.begin(), std::size_t{0});
    for (std::size_t i = 0; i < place_.size(); ++i)
      place_[i] = next[static_cast<std::size_t>(destination[i])]++;
  }

  /// @collective
  template <mpi::Plain T>
  mpi::Received<T> send(std::span<const T> records, const mpi::Communicator& comm) const {
    std::vector<T> sorted(records.size());
    for (std::size_t i = 0; i < records.size(); ++i) sorted[place_[i]] = records[i];
    return comm.exchange(std::span<const T>(sorted), counts_);
  }

  /// @collective One answer to each received record, in the order of arrival; `received` are the counts of
  /// send().
  template <mpi::Plain T>
  std::vector<T> answer(std::span<const T> answers, std::span<const std::size_t> received,
                        const mpi::Communicator& comm) const {
    const auto sorted = comm.exchange(answers, received);
    std::vector<T> result(place_.size());
    for (std::size_t i = 0; i < result.size(); ++i) result[i] = sorted.data[place_[i]];
    return result;
  }

 private:
  std::vector<std::size_t> counts_, place_;
};

}  // namespace halobrush::field
