#include "parallel.hpp"

#include <iostream>
#include <optional>

#include "claim.hpp"
#include "halobrush/core/text.hpp"
#include "halobrush/model/networks.hpp"
#include "halobrush/mpi/agree.hpp"
#include "halobrush/mpi/environment.hpp"
#include "halobrush/mpi/stop.hpp"

namespace halobrush::app {

int run_parallel(int& argc, char**& argv, const Job& job) {
  mpi::Environment environment(argc, argv);
  const mpi::Communicator world(MPI_COMM_WORLD);
  const auto log = make_logger(world.root());
  const auto run = [&] {
    const auto config = mpi::agree(world, job.configuration);
    const auto files = mpi::agree(world, [&] { return world.root() ? job.files(config) : Files{}; });
    check_files(files, world);
    std::optional<Claim> claim;
    if (!job.only_looks) claim.emplace(files, world, *log);
    mpi::stop_if_asked(world, "any work");
    model::prepare_networks({static_cast<int>(config.compute.threads), config.compute.device, world.node().rank(),
                             [log](const std::string& text) { log->warn(text); }});
    if (job.remarks && world.root())
      for (const auto& remark : job.remarks()) log->info("configuration: {}", remark);
    return static_cast<int>(job.work(config, world, *log));
  };
  try {
    return mpi::together(world, run);
  } catch (const Error& error) {
    const char* kind = error.code() == ExitCode::stopped ? "" : "error: ";
    if (world.root()) std::cerr << "halobrush: " << kind << printable_lines(error.what()) << std::endl;
    return static_cast<int>(error.code());
  }
}

}  // namespace halobrush::app
