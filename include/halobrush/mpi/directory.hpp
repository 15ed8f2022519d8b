// What every rank can ask about any halo: records spread over the ranks by id.
#pragma once

#include <algorithm>
#include <bit>
#include <concepts>
#include <cstdint>
#include <limits>
#include <numeric>
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
      entries_.insert(entries_.end(), arrived.data.begin(), arrived.data.end());
    });
    sort_into_buckets();
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
    if (mine > std::numeric_limits<std::uint32_t>::max()) throw internal_error("{} ids on a rank are too many; use more ranks", mine);
    entries_.reserve(mine);
  }

  // Buckets of two to four entries by the high bits of the mixed id. They are filled by sorting, one after the other, so that
  // an id costs as much among millions as among thousands: a hash table's slots, visited in any order, lie in no cache.
  std::size_t bucket_of(std::int64_t id) const { return bits_ == 0 ? 0 : static_cast<std::size_t>(mixed(id) >> (64 - bits_)); }
  void sort_into_buckets() {
    bits_ = std::bit_width(entries_.size() / 4);
    const int low = bits_ / 2;
    std::vector<Entry> other(entries_.size());
    sort_by_digit(entries_, other, 0, low);
    sort_by_digit(other, entries_, low, bits_ - low);
    starts_.assign((std::size_t{1} << bits_) + 1, 0);
    std::size_t kept = 0, first = 0, bucket = 0;
    for (const auto& entry : entries_) {
      const auto here = bucket_of(entry.id);
      if (here != bucket) bucket = here, first = kept;
      const auto of_bucket = std::span(entries_).subspan(first, kept - first);
      if (std::ranges::any_of(of_bucket, [&](const Entry& before) { return before.id == entry.id; })) {
        twice_ = std::min(twice_.value_or(entry.id), entry.id);
        continue;
      }
      entries_[kept++] = entry;
      ++starts_[bucket + 1];
    }
    std::partial_sum(starts_.begin(), starts_.end(), starts_.begin());
    entries_.resize(kept);
  }
  // A stable pass of a radix sort, by `bits` bits of the bucket's number from bit `shift` on.
  void sort_by_digit(const std::vector<Entry>& from, std::vector<Entry>& to, int shift, int bits) const {
    const auto digit = [&](const Entry& entry) { return (bucket_of(entry.id) >> shift) & ((std::size_t{1} << bits) - 1); };
    std::vector<std::size_t> next((std::size_t{1} << bits) + 1);
    for (const auto& entry : from) ++next[digit(entry) + 1];
    std::partial_sum(next.begin(), next.end(), next.begin());
    for (const auto& entry : from) to[next[digit(entry)]++] = entry;
  }
  // Buckets, and their entries, lie far apart in memory: they are asked for ahead.
  std::vector<Answer> find(std::span<const std::int64_t> ids) const {
    constexpr std::size_t ahead = 16;
    std::vector<Answer> answers(ids.size());
    for (std::size_t i = 0; i < ids.size(); ++i) {
      if (i + 2 * ahead < ids.size()) __builtin_prefetch(&starts_[bucket_of(ids[i + 2 * ahead])]);
      if (i + ahead < ids.size()) __builtin_prefetch(entries_.data() + starts_[bucket_of(ids[i + ahead])]);
      answers[i] = find(ids[i]);
    }
    return answers;
  }
  Answer find(std::int64_t id) const {
    const auto bucket = bucket_of(id);
    for (auto k = starts_[bucket]; k < starts_[bucket + 1]; ++k)
      if (entries_[k].id == id) return {entries_[k].record, true};
    return {Record{}, false};
  }

  const Communicator& comm_;
  std::vector<Entry> entries_;         // those that this rank owns, each id once, by bucket
  std::vector<std::uint32_t> starts_;  // the first entry of each bucket, and one behind the last
  int bits_ = 0;                       // of a bucket's number
  std::optional<std::int64_t> twice_;  // the smallest id that came again
};

}  // namespace halobrush::mpi
