// halobrush paint: the main job.
#include "../command.hpp"
#include "../parallel.hpp"
#include "halobrush/mpi/agree.hpp"
#include "halobrush/paint/paint.hpp"

namespace halobrush::app {
namespace {

struct PaintArguments {
  Settings settings{.sections = halo_sections({"painter", "analytic", "shapes", "output"})};
  std::string restart = "auto";
  bool dry_run = false, overwrite = false;

  paint::Restart how() const {
    return restart == "never" ? paint::Restart::never : overwrite ? paint::Restart::overwrite : paint::Restart::automatic;
  }
};

ExitCode paint_or_look(const PaintArguments& arguments, const config::Config& config, const mpi::Communicator& world, Logger& log) {
  if (!arguments.dry_run) return paint::run(config, arguments.how(), world, log);
  mpi::agree(world, [&] {
    if (world.root()) paint::dry_run(config, world.size(), log);
  });
  return ExitCode::done;
}

}  // namespace

Command paint_command(CLI::App& program) {
  const auto arguments = std::make_shared<PaintArguments>();
  auto* parser = program.add_subcommand("paint", "paint a mock galaxy catalog");
  add_config(*parser, arguments->settings);
  add_out(*parser, arguments->settings, "output.path", "the mock");
  parser->add_flag("--dry-run", arguments->dry_run, "read headers only, print sizes, stop");
  parser->add_option("--restart", arguments->restart, "auto: go on from staged tiles; never: paint anew, whatever there is of this mock")
      ->check(CLI::IsMember({"auto", "never"}));
  parser->add_flag("--overwrite", arguments->overwrite, "replace a mock, or tiles, of another configuration; goes on from tiles of this one");
  parser->footer("Example: mpirun -np 64 halobrush paint config/lensing.yaml --set input.path=out_100.list --out mock.hdf5");
  return {parser, [arguments](int& argc, char**& argv) {
            const auto& settings = arguments->settings;
            return run_parallel(argc, argv, {[&] { return settings.load(); },
                                             [&](const auto& config) { return files_of_paint(config, settings.file); },
                                             [&](const auto& config, const auto& world, auto& log) { return paint_or_look(*arguments, config, world, log); },
                                             arguments->dry_run, [&] { return settings.remarks(); }});
          }};
}

}  // namespace halobrush::app
