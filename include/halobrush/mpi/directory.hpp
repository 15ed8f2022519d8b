// What every rank can ask about any halo: records spread over the ranks by id.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <vector>

#include "halobrush/mpi/communicator.hpp"
#include "halobrush/mpi/routes.hpp"

namespace halobrush::mpi {

/// A distributed map from id (>= 0) to Record. Messages are of bounded size however many ids there are.
template <Plain Record>
class Directory {
 public:
  /// @collective Records of all ranks; record_of(i) belongs to ids[i].
  template <std::invocable<std::size_t> RecordOf>
  Directory(std::span<const std::int64_t> ids, RecordOf&& record_of, const Communicator& comm) : comm_(comm) {
    reserve(ids);
    in_rounds(ids, [&](std::size_t first, std::span<const std::int64_t> some) {
      const auto arrived = routes(some).send_each(
          [&](std::size_t i) { return Entry{some[i], record_of(first + i)}; }, comm_);
      entries_.insert(entries_.end(), arrived.data.begin(), arrived.data.end());
    });
    std::sort(entries_.begin(), entries_.end(), by_id);
  }
  Directory(std::span<const std::int64_t> ids, std::span<const Record> records, const Communicator& comm)
      : Directory(ids, [&](std::size_t i) { return records[i]; }, comm) {}

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

  /// @collective Calls take(i, record) for each of `ids`, with a null pointer where there is none; ids may repeat and
  /// may differ from rank to rank.
  template <class Take>
  void visit(std::span<const std::int64_t> ids, Take&& take) const {
    in_rounds(ids, [&](std::size_t first, std::span<const std::int64_t> some) {
      const auto to_owners = routes(some);
      const auto asked = to_owners.send(some, comm_);
      std::vector<Answer> answers(asked.data.size());
      std::transform(asked.data.begin(), asked.data.end(), answers.begin(),
                     [&](std::int64_t id) { return find(id); });
      const auto found = to_owners.answer(std::span<const Answer>(answers), asked.counts, comm_);
      for (std::size_t i = 0; i < some.size(); ++i)
        take(first + i, found[i].known ? &found[i].record : nullptr);
    });
  }

  /// @collective The records of `ids` in their order.
  std::vector<std::optional<Record>> lookup(std::span<const std::int64_t> ids) const {
    std::vector<std::optional<Record>> found(ids.size());
    visit(ids, [&](std::size_t i, const Record* record) {
      if (record != nullptr) found[i] = *record;
    });
    return found;
  }

 private:
  struct Entry {
    std::int64_t id;
    [[no_unique_address]] Record record;
  };
  struct Answer {
    Record record;
    bool known;
  };
  static constexpr std::size_t most_at_once = std::size_t{1} << 18;  // records of one rank in one round of messages
  static bool by_id(const Entry& a, const Entry& b) { return a.id < b.id; }

  // Ids of one catalog have patterns (multiples of a power of ten, replicas), so their remainders do not spread them: the
  // bits are mixed before (the finaliser of splitmix64, Steele, Lea & Flood 2014, doi:10.1145/2660193.2660195).
  int owner(std::int64_t id) const {
    auto z = static_cast<std::uint64_t>(id) + 0x9e3779b97f4a7c15ULL;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return static_cast<int>((z ^ (z >> 31)) % static_cast<std::uint64_t>(comm_.size()));
  }
  Routes routes(std::span<const std::int64_t> ids) const {
    std::vector<int> owners(ids.size());
    std::transform(ids.begin(), ids.end(), owners.begin(), [&](std::int64_t id) { return owner(id); });
    return Routes(owners, comm_.size());
  }
  // @collective As many rounds on every rank.
  template <class Round>
  void in_rounds(std::span<const std::int64_t> ids, Round&& round) const {
    const auto longest = comm_.max(static_cast<std::uint64_t>(ids.size()));
    for (std::size_t first = 0; first < longest; first += most_at_once) {
      const auto begin = std::min(first, ids.size());
      round(begin, ids.subspan(begin, std::min(most_at_once, ids.size() - begin)));
    }
  }
  void reserve(std::span<const std::int64_t> ids) {
    std::vector<std::uint64_t> counts(static_cast<std::size_t>(comm_.size()));
    for (const auto id : ids) ++counts[static_cast<std::size_t>(owner(id))];
    comm_.sum_in_place(std::span(counts));
    entries_.reserve(counts[static_cast<std::size_t>(comm_.rank())]);
  }
  Answer find(std::int64_t id) const {
    const auto it =
        std::lower_bound(entries_.begin(), entries_.end(), id,
                         [](const Entry& entry, std::int64_t wanted) { return entry.id < wanted; });
    if (it == entries_.end() || it->id != id) return {Record{}, false};
    return {it->record, true};
  }

  const Communicator& comm_;
  std::vector<Entry> entries_;  ///< those that this rank owns, by id
};

}  // namespace halobrush::mpi
