// One way to fail on one rank, by name; tests/mpi/failing.sh runs every one. What the program prints and returns is what
// `halobrush` would.
#include <cstdlib>
#include <iostream>
#include <new>
#include <string>
#include <vector>

#include "halobrush/core/error.hpp"
#include "halobrush/mpi/agree.hpp"
#include "halobrush/mpi/communicator.hpp"
#include "halobrush/mpi/environment.hpp"
#include "halobrush/mpi/service.hpp"

namespace {

using namespace halobrush;

[[noreturn]] void fail(const std::string& how) {
  if (how == "error") throw io_error("disk: is full; make room");
  if (how == "memory") throw std::bad_alloc();
  if (how == "unknown") throw 1;
  throw std::runtime_error("a library failed\nat this line of its own");
}

void exchange(const mpi::Communicator& world) {
  const std::vector<int> mine(static_cast<std::size_t>(world.size()), world.rank());
  const std::vector<std::size_t> counts(mine.size(), 1);
  world.exchange(std::span<const int>(mine), counts);
}

// Ranks ask one another; the failing one leaves without a word to those that still ask it.
void ask(const mpi::Communicator& world, bool fails, const std::string& how) {
  mpi::Service service(world, [](int, std::span<const std::byte>) { return mpi::Bytes(1); });
  for (int round = 0; round < 3; ++round)
    for (int rank = 0; rank < world.size(); ++rank) {
      if (fails && round == 1) fail(how);
      const mpi::Service::Question question{rank, {}};
      service.ask(std::span(&question, 1));
    }
  service.finish();
}

// `where`: before, within or after the exchanges of work that communicates, in work that a rank does alone, outside of
// both, while ranks ask one another, or on all ranks alike.
void run(const std::string& where, const std::string& how, int rank, const mpi::Communicator& world) {
  const bool mine = world.rank() == rank || where == "all";
  mpi::together(world, [&] {
    if (where == "before" && mine) fail(how);
    exchange(world);
    if ((where == "within" || where == "all") && mine) fail(how);
    exchange(world);
    if (where == "after" && mine) fail(how);
  });
  mpi::agree(world, [&] {
    if (where == "alone" && mine) fail(how);
  });
  if (where == "asking") ask(world, mine, how);
  if (where == "outside" && mine) fail(how);
  world.barrier();
}

}  // namespace

int main(int argc, char** argv) {
  mpi::Environment environment(argc, argv);
  const mpi::Communicator world(MPI_COMM_WORLD);
  try {
    mpi::together(world, [&] { run(argv[1], argv[2], std::atoi(argv[3]), world); });
  } catch (const Error& error) {
    if (world.root()) std::cerr << "halobrush: error: " << error.what() << std::endl;
    return static_cast<int>(error.code());
  }
}
