// A failure on one rank becomes the same exception on every rank.
#pragma once

#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

#include "halobrush/core/error.hpp"
#include "halobrush/mpi/communicator.hpp"

namespace halobrush::mpi {

/// @collective Throws on every rank the error of the lowest failing rank; returns when there is none.
void agree_on(const Communicator& comm, const std::optional<Error>& mine);

/// @collective Runs `work` on every rank; `work` itself must not communicate. Returns its result.
template <class Work>
auto agree(const Communicator& comm, Work&& work) {
  using Result = std::invoke_result_t<Work>;
  std::optional<Error> failure;
  auto guarded = [&](auto&& run) {
    try {
      run();
    } catch (const Error& error) {
      failure = error;
    } catch (const std::bad_alloc&) {
      failure = internal_error("out of memory on rank {}; use more ranks, nodes or tiles", comm.rank());
    } catch (const std::exception& error) {
      failure = internal_error("rank {}: {}", comm.rank(), error.what());
    }
  };
  if constexpr (std::is_void_v<Result>) {
    guarded([&] { work(); });
    agree_on(comm, failure);
  } else {
    std::optional<Result> result;
    guarded([&] { result.emplace(work()); });
    agree_on(comm, failure);
    return std::move(*result);
  }
}

}  // namespace halobrush::mpi
