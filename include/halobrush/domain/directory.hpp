// What every rank can ask about any halo: records spread over the ranks by id.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <numeric>
#include <optional>
#include <span>
#include <vector>

#include "halobrush/mpi/communicator.hpp"

namespace halobrush::domain {

/// Indices of `destination`, grouped by rank and in order within a rank, and how many go to each: what
/// Communicator::exchange wants.
struct Routes {
  std::vector<std::size_t> order, counts;

  Routes(std::span<const int> destination, int ranks)
      : order(destination.size()), counts(static_cast<std::size_t>(ranks)) {
    for (const int rank : destination) ++counts[static_cast<std::size_t>(rank)];
    std::vector<std::size_t> next(counts.size());
    std::exclusive_scan(counts.begin(), counts.end(), next.begin(), std::size_t{0});
    for (std::size_t i = 0; i < destination.size(); ++i)
      order[next[static_cast<std::size_t>(destination[i])]++] = i;
  }

  /// @collective Sends values[i] to destination[i].
  template <mpi::Plain T>
  mpi::Received<T> send(std::span<const T> values, const mpi::Communicator& comm) const {
    std::vector<T> ordered(order.size());
    std::transform(order.begin(), order.end(), ordered.begin(), [&](std::size_t i) { return values[i]; });
    return comm.exchange(std::span<const T>(ordered), counts);
  }
};

/// A distributed map from id (>= 0) to Record.
template <mpi::Plain Record>
class Directory {
 public:
  /// @collective Records of all ranks; records[i] belongs to ids[i].
  Directory(std::span<const std::int64_t> ids, std::span<const Record> records, const mpi::Communicator& comm)
      : comm_(comm) {
    std::vector<Entry> mine(ids.size());
    for (std::size_t i = 0; i < ids.size(); ++i) mine[i] = {ids[i], records[i]};
    entries_ = routes(ids).send(std::span<const Entry>(mine), comm).data;
    std::sort(entries_.begin(), entries_.end(), by_id);
  }

  /// @collective The smallest id that was given more than once, the same on every rank.
  std::optional<std::int64_t> duplicate() const {
    const auto twice = std::adjacent_find(entries_.begin(), entries_.end(),
                                          [](const Entry& a, const Entry& b) { return a.id == b.id; });
    const bool found = twice != entries_.end();
    const auto smallest = comm_.min(found ? twice->id : std::numeric_limits<std::int64_t>::max());
    return comm_.max(found ? 1 : 0) == 0 ? std::nullopt : std::optional(smallest);
  }

  /// @collective How many different ids there are.
  std::uint64_t distinct() const {
    std::uint64_t count = 0;
    for (std::size_t i = 0; i < entries_.size(); ++i) count += i == 0 || entries_[i].id != entries_[i - 1].id;
    return comm_.sum(count);
  }

  /// @collective The records of `ids` in their order; ids may repeat and may differ from rank to rank.
  std::vector<std::optional<Record>> lookup(std::span<const std::int64_t> ids) const {
    const auto to_owners = routes(ids);
    const auto asked = to_owners.send(ids, comm_);
    std::vector<Answer> answers(asked.data.size());
    std::transform(asked.data.begin(), asked.data.end(), answers.begin(),
                   [&](std::int64_t id) { return find(id); });
    const auto received = comm_.exchange(std::span<const Answer>(answers), asked.counts);
    std::vector<std::optional<Record>> found(ids.size());
    for (std::size_t k = 0; k < received.data.size(); ++k)
      if (received.data[k].known) found[to_owners.order[k]] = received.data[k].record;
    return found;
  }

 private:
  struct Entry {
    std::int64_t id;
    Record record;
  };
  struct Answer {
    Record record;
    bool known;
  };
  static bool by_id(const Entry& a, const Entry& b) { return a.id < b.id; }

  Routes routes(std::span<const std::int64_t> ids) const {
    std::vector<int> owner(ids.size());
    std::transform(ids.begin(), ids.end(), owner.begin(),
                   [&](std::int64_t id) { return static_cast<int>(id % comm_.size()); });
    return Routes(owner, comm_.size());
  }
  Answer find(std::int64_t id) const {
    const auto it =
        std::lower_bound(entries_.begin(), entries_.end(), id,
                         [](const Entry& entry, std::int64_t wanted) { return entry.id < wanted; });
    if (it == entries_.end() || it->id != id) return {Record{}, false};
    return {it->record, true};
  }

  const mpi::Communicator& comm_;
  std::vector<Entry> entries_;  ///< those whose id modulo the number of ranks is this rank, by id
};

}  // namespace halobrush::domain
