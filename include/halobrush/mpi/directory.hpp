// What every rank can ask about any halo: records spread over the ranks by id.
#pragma once

#include <algorithm>
#include <bit>
#include <concepts>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <vector>

#include "halobrush/core/error.hpp"
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
    in_rounds(ids, comm_, [&](std::size_t first, std::span<const std::int64_t> some) {
      std::vector<int> owners(some.size());
      std::transform(some.begin(), some.end(), owners.begin(), [&](std::int64_t id) { return owner(id); });
      const auto arrived = Routes(owners, comm_.size()).send_each(
          [&](std::size_t i) { return Entry{some[i], record_of(first + i)}; }, comm_);
      insert(arrived.data);
    });
  }
  Directory(std::span<const std::int64_t> ids, std::span<const Record> records, const Communicator& comm)
      : Directory(ids, [&](std::size_t i) { return records[i]; }, comm) {}

  /// @collective The smallest id that was given more than once, the same on every rank.
  std::optional<std::int64_t> duplicate() const {
    const auto smallest = comm_.min(twice_.value_or(std::numeric_limits<std::int64_t>::max()));
    return comm_.max(twice_ ? 1 : 0) == 0 ? std::nullopt : std::optional(smallest);
  }

  /// @collective How many different ids there are.
  std::uint64_t distinct() const { return comm_.sum(static_cast<std::uint64_t>(entries_.size())); }

  /// @collective Calls take(i, record) for each of `ids`, with a null pointer where there is none; ids may repeat and
  /// may differ from rank to rank.
  template <class Take>
  void visit(std::span<const std::int64_t> ids, Take&& take) const {
    ask_ranks(
        ids, [&](std::int64_t id) { return owner(id); }, [&](std::span<const std::int64_t> asked) { return find(asked); }, comm_,
        [&](std::size_t i, const Answer& answer) { take(i, answer.known ? &answer.record : nullptr); });
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
  static constexpr auto free_slot = std::numeric_limits<std::uint32_t>::max();

  // Ids of one catalog have patterns (multiples of a power of ten, replicas), so their remainders do not spread them: the
  // bits are mixed before (the finaliser of splitmix64, Steele, Lea & Flood 2014, doi:10.1145/2660193.2660195).
  static std::uint64_t mixed(std::int64_t id) {
    auto z = static_cast<std::uint64_t>(id) + 0x9e3779b97f4a7c15ULL;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
  }
  int owner(std::int64_t id) const { return static_cast<int>(mixed(id) % static_cast<std::uint64_t>(comm_.size())); }
  void reserve(std::span<const std::int64_t> ids) {
    std::vector<std::uint64_t> counts(static_cast<std::size_t>(comm_.size()));
    for (const auto id : ids) ++counts[static_cast<std::size_t>(owner(id))];
    comm_.sum_in_place(std::span(counts));
    const auto mine = counts[static_cast<std::size_t>(comm_.rank())];
    if (mine >= free_slot / 2) throw internal_error("{} ids on a rank are too many; use more ranks", mine);
    entries_.reserve(mine);
    slots_.assign(std::bit_ceil(2 * mine + 2), free_slot);
  }
  // The slot of an id, or the free one where it belongs: by the high bits, then one after the other. Half of them stay free,
  // and an id costs as much among millions as among thousands.
  std::size_t first_slot_of(std::int64_t id) const {
    return static_cast<std::size_t>(mixed(id) >> (std::countl_zero(slots_.size()) + 1));
  }
  std::size_t slot_of(std::int64_t id) const {
    auto slot = first_slot_of(id);
    while (slots_[slot] != free_slot && entries_[slots_[slot]].id != id) slot = (slot + 1) & (slots_.size() - 1);
    return slot;
  }
  // Slots, and the entries that they name, lie far apart in memory: they are asked for ahead.
  static constexpr std::size_t ahead = 16;
  void insert(const std::vector<Entry>& entries) {
    for (std::size_t i = 0; i < entries.size(); ++i) {
      if (i + ahead < entries.size()) __builtin_prefetch(&slots_[first_slot_of(entries[i + ahead].id)], 1);
      insert(entries[i]);
    }
  }
  void insert(const Entry& entry) {
    auto& slot = slots_[slot_of(entry.id)];
    if (slot != free_slot) {
      twice_ = std::min(twice_.value_or(entry.id), entry.id);
      return;
    }
    slot = static_cast<std::uint32_t>(entries_.size());
    entries_.push_back(entry);
  }
  std::vector<Answer> find(std::span<const std::int64_t> ids) const {
    std::vector<Answer> answers(ids.size());
    for (std::size_t i = 0; i < ids.size(); ++i) {
      if (i + 2 * ahead < ids.size()) __builtin_prefetch(&slots_[first_slot_of(ids[i + 2 * ahead])]);
      if (i + ahead < ids.size())
        if (const auto row = slots_[first_slot_of(ids[i + ahead])]; row != free_slot) __builtin_prefetch(&entries_[row]);
      answers[i] = find(ids[i]);
    }
    return answers;
  }
  Answer find(std::int64_t id) const {
    const auto row = slots_[slot_of(id)];
    if (row == free_slot) return {Record{}, false};
    return {entries_[row].record, true};
  }

  const Communicator& comm_;
  std::vector<Entry> entries_;        // those that this rank owns, each id once
  std::vector<std::uint32_t> slots_;  // of a hash table: places in entries_
  std::optional<std::int64_t> twice_;  // the smallest id that came again
};

}  // namespace halobrush::mpi
