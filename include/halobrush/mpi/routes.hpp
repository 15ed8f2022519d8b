// Records sent to the ranks that can work on them, and answers brought back.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

#include "halobrush/mpi/communicator.hpp"

namespace halobrush::mpi {

/// Where each record goes. Records arrive by the rank that sent them, in the order in which they were there.
class Routes {
 public:
  /// @param destination [records] rank of each record
  Routes(std::span<const int> destination, int ranks)
      : order_(destination.size()), counts_(static_cast<std::size_t>(ranks)) {
    for (const int rank : destination) ++counts_[static_cast<std::size_t>(rank)];
    std::vector<std::size_t> next(counts_.size());
    std::exclusive_scan(counts_.begin(), counts_.end(), next.begin(), std::size_t{0});
    for (std::size_t i = 0; i < destination.size(); ++i)
      order_[next[static_cast<std::size_t>(destination[i])]++] = i;
  }

  /// @collective Sends the value of record i to destination[i]; `value_of(i)` is called once for each.
  template <class ValueOf>
  auto send_each(ValueOf&& value_of, const Communicator& comm) const {
    using T = std::decay_t<decltype(value_of(std::size_t{0}))>;
    std::vector<T> ordered;
    ordered.reserve(order_.size());
    for (const auto i : order_) ordered.push_back(value_of(i));
    return comm.exchange(std::span<const T>(ordered), counts_);
  }

  /// @collective Sends values[i] to destination[i].
  template <Plain T>
  Received<T> send(std::span<const T> values, const Communicator& comm) const {
    return send_each([&](std::size_t i) { return values[i]; }, comm);
  }

  /// @collective One answer to each record that arrived, in the order of arrival (`received` are the counts of send),
  /// brought back: result[i] is the answer to record i.
  template <Plain T>
  std::vector<T> answer(std::span<const T> answers, std::span<const std::size_t> received,
                        const Communicator& comm) const {
    const auto ordered = comm.exchange(answers, received).data;
    std::vector<T> result(order_.size());
    for (std::size_t k = 0; k < ordered.size(); ++k) result[order_[k]] = ordered[k];
    return result;
  }

 private:
  std::vector<std::size_t> order_, counts_;  // indices of records, by rank
};

/// @collective Calls round(first, some) with pieces of `records`, as often on every rank: 262,144 records of all ranks in one
/// round, at least 1,024 of each, since all of them may go to one rank.
template <class T, class Round>
void in_rounds(std::span<const T> records, const Communicator& comm, Round&& round) {
  const auto at_once = std::max<std::size_t>((std::size_t{1} << 18) / static_cast<std::size_t>(comm.size()), 1024);
  const auto longest = comm.max(static_cast<std::uint64_t>(records.size()));
  for (std::size_t first = 0; first < longest; first += at_once) {
    const auto begin = std::min(first, records.size());
    round(begin, records.subspan(begin, std::min(at_once, records.size() - begin)));
  }
}

/// @collective Puts each question to the rank rank_of(question), where answers_of(questions) gives a vector with one answer
/// to each; take(i, answer) gets the answer to question i. Messages are of bounded size however many questions there are.
template <Plain Question, class RankOf, class AnswersOf, class Take>
void ask_ranks(std::span<const Question> questions, RankOf&& rank_of, AnswersOf&& answers_of, const Communicator& comm, Take&& take) {
  in_rounds(questions, comm, [&](std::size_t first, std::span<const Question> some) {
    std::vector<int> ranks(some.size());
    std::transform(some.begin(), some.end(), ranks.begin(), rank_of);
    const Routes routes(ranks, comm.size());
    const auto asked = routes.send(some, comm);
    const auto answers = answers_of(std::span<const Question>(asked.data));
    const auto found = routes.answer(std::span(answers), asked.counts, comm);
    for (std::size_t i = 0; i < some.size(); ++i) take(first + i, found[i]);
  });
}

}  // namespace halobrush::mpi
