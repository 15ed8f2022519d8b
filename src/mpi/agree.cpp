#include "halobrush/mpi/agree.hpp"

#include <chrono>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <new>
#include <string>
#include <thread>

#include "halobrush/core/text.hpp"

namespace halobrush::mpi {
namespace {

using namespace std::chrono_literals;

constexpr auto patience = 5s;
constexpr auto no_memory = "halobrush: error: out of memory on a rank; use more ranks, nodes or tiles\n";
constexpr auto between_ranks = 50ms;  // so that one rank ends the run and prints, where several fail

[[noreturn]] void abort_all(int code) {
  MPI_Abort(MPI_COMM_WORLD, code);
  std::_Exit(code);  // should MPI_Abort come back
}

[[noreturn]] void end_run(const Communicator& comm, const Error& error) {
  try {
    std::cerr << fmt::format("halobrush: rank {}: error: {}\n", comm.rank(), printable_lines(error.what())) << std::flush;
  } catch (...) {  // no memory for the text
    std::fputs(no_memory, stderr);
  }
  abort_all(static_cast<int>(error.code()));
}

// What ranks need in order to agree: where that fails on one of them (MPI is out of memory), the others wait for it.
template <class Work>
auto or_end(const Communicator& comm, const std::optional<Error>& mine, Work&& work) {
  try {
    return work();
  } catch (...) {
    if (mine) end_run(comm, *mine);
    try {
      end_run(comm, current_error(comm));
    } catch (...) {  // no memory for the error
      std::fputs(no_memory, stderr);
      abort_all(static_cast<int>(ExitCode::internal));
    }
  }
}

// Libraries append a backtrace.
std::string first_line(const std::string& text) {
  return text.substr(0, text.find('\n'));
}

// Everyone throws the error of rank `failing`.
void throw_error_of(int failing, const Communicator& comm, const std::optional<Error>& mine) {
  int code = mine ? static_cast<int>(mine->code()) : 0;
  auto text = or_end(comm, mine, [&] {
    comm.broadcast(std::span(&code, 1), failing);
    return comm.broadcast(mine ? mine->what() : std::string(), failing);
  });
  throw Error(static_cast<ExitCode>(code), std::move(text));
}

}  // namespace

Error current_error(const Communicator& comm) {
  try {
    throw;
  } catch (const Error& error) {
    return error;
  } catch (const std::bad_alloc&) {
    return internal_error("out of memory on rank {}; use more ranks, nodes or tiles", comm.rank());
  } catch (const std::exception& error) {
    return internal_error("rank {}: {}", comm.rank(), first_line(error.what()));
  } catch (...) {
    return internal_error("rank {}: an exception of unknown type", comm.rank());
  }
}

void agree_on(const Communicator& comm, const std::optional<Error>& mine) {
  const int first_failing = or_end(comm, mine, [&] { return comm.min(mine ? comm.rank() : INT_MAX); });
  if (first_failing != INT_MAX) throw_error_of(first_failing, comm, mine);
}

void agree_on_or_end(const Communicator& comm, const std::optional<Error>& mine) {
  const int my_rank = mine ? comm.rank() : INT_MAX;
  int first_failing = INT_MAX, arrived = 0;
  or_end(comm, mine, [&] {
    MPI_Request request = MPI_REQUEST_NULL;
    check(MPI_Iallreduce(&my_rank, &first_failing, 1, MPI_INT, MPI_MIN, comm.handle(), &request), "MPI_Iallreduce");
    const auto end = std::chrono::steady_clock::now() + patience + comm.rank() * between_ranks;
    while (mine && !arrived) {
      check(MPI_Test(&request, &arrived, MPI_STATUS_IGNORE), "MPI_Test");
      if (arrived) break;
      if (std::chrono::steady_clock::now() > end) end_run(comm, *mine);
      std::this_thread::sleep_for(1ms);
    }
    if (!arrived) check(MPI_Wait(&request, MPI_STATUS_IGNORE), "MPI_Wait");
  });
  if (first_failing != INT_MAX) throw_error_of(first_failing, comm, mine);
}

}  // namespace halobrush::mpi
