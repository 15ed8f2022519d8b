// How ranks fail together. There are two kinds of work: what a rank does alone (`agree`) and what ranks do with one
// another (`together`: exchanges, collective HDF5, transforms).
#pragma once

#include <optional>
#include <type_traits>
#include <utility>

#include "halobrush/core/error.hpp"
#include "halobrush/mpi/communicator.hpp"

namespace halobrush::mpi {

/// The exception in flight as an Error; of anything that is not one, an internal error that names the rank. To be called
/// in a catch block.
Error current_error(const Communicator& comm);

/// Runs `work`; what it threw. Not collective.
template <class Work>
std::optional<Error> failure_of(const Communicator& comm, Work&& work) {
  try {
    work();
  } catch (...) {
    return current_error(comm);
  }
  return std::nullopt;
}

/// @collective Throws on every rank the error of the lowest failing rank; returns when there is none. A rank that cannot
/// communicate ends the run on all ranks, here and below.
void agree_on(const Communicator& comm, const std::optional<Error>& mine);

/// @collective The same after work that communicates: a failing rank waits five seconds for the others. If they do not
/// come, they wait for it inside of the work: it prints its error, with its rank, and ends the run on all ranks.
void agree_on_or_end(const Communicator& comm, const std::optional<Error>& mine);

namespace detail {

template <class Work, class Agree>
auto guarded(const Communicator& comm, Work&& work, Agree&& agree) {
  using Result = std::invoke_result_t<Work>;
  if constexpr (std::is_void_v<Result>) {
    agree(comm, failure_of(comm, [&] { work(); }));
  } else {
    std::optional<Result> result;
    agree(comm, failure_of(comm, [&] { result.emplace(work()); }));
    return std::move(*result);
  }
}

}  // namespace detail

/// @collective Runs `work` on every rank; `work` itself must not communicate. Returns its result.
template <class Work>
auto agree(const Communicator& comm, Work&& work) {
  return detail::guarded(comm, std::forward<Work>(work), agree_on);
}

/// @collective Runs work that communicates. Returns its result.
template <class Work>
auto together(const Communicator& comm, Work&& work) {
  return detail::guarded(comm, std::forward<Work>(work), agree_on_or_end);
}

}  // namespace halobrush::mpi
