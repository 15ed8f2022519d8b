// halobrush lightcone: painted snapshots on the sky of an observer.
#include "../command.hpp"
#include "../parallel.hpp"
#include "halobrush/lightcone/lightcone.hpp"
#include "halobrush/mpi/agree.hpp"

namespace halobrush::app {
namespace {

struct LightConeArguments {
  Settings settings{.sections = {"lightcone", "output", "log"}};
  bool dry_run = false, overwrite = false;
};

// A light cone in several files is a folder, which may be written with a slash at its end.
config::Config load(const Settings& settings) {
  auto config = settings.load();
  auto& path = config.output.path;
  while (config.lightcone.files != "one" && path.size() > 1 && path.ends_with('/')) path.pop_back();
  return config;
}

ExitCode make_or_look(const LightConeArguments& arguments, const config::Config& config, const mpi::Communicator& world, Logger& log) {
  if (!arguments.dry_run) return lightcone::run(config, arguments.overwrite, world, log);
  mpi::agree(world, [&] {
    if (world.root()) lightcone::dry_run(config, world.size(), log);
  });
  return ExitCode::done;
}

}  // namespace

Command lightcone_command(CLI::App& program) {
  const auto arguments = std::make_shared<LightConeArguments>();
  auto* parser = program.add_subcommand("lightcone", "put painted snapshots on the sky of an observer");
  add_config(*parser, arguments->settings);
  add_out(*parser, arguments->settings, "output.path", "the light cone");
  parser->add_flag("--dry-run", arguments->dry_run, "read headers only, print sizes, stop");
  parser->add_flag("--overwrite", arguments->overwrite, "replace a mock, or tiles, of another configuration; goes on from tiles of this one");
  parser->footer("Example: mpirun -np 16 halobrush lightcone config/lightcone.yaml --set 'lightcone.snapshots=[z0.hdf5, z1.hdf5]' --out cone.hdf5");
  return {parser, [arguments](int& argc, char**& argv) {
            const auto& settings = arguments->settings;
            return run_parallel(argc, argv, {[&] { return load(settings); },
                                             [&](const auto& config) { return files_of_lightcone(config, settings.file); },
                                             [&](const auto& config, const auto& world, auto& log) { return make_or_look(*arguments, config, world, log); },
                                             arguments->dry_run, [&] { return settings.remarks(); }});
          }};
}

}  // namespace halobrush::app
