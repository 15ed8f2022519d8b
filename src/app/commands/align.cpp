// halobrush align: orientations for finished galaxy catalogs of other programs.
#include "halobrush/align/align.hpp"

#include "../command.hpp"
#include "../parallel.hpp"

namespace halobrush::app {

Command align_command(CLI::App& program) {
  struct Arguments {
    Settings settings{.sections = {"align", "limits", "compute", "log"}};
    align::Task task;
  };
  const auto arguments = std::make_shared<Arguments>();
  auto* parser = program.add_subcommand("align", "give the galaxies of finished catalogs (diffsky, OpenCosmo) orientations");
  parser->add_option("catalogs", arguments->task.files, "galaxy catalogs; copies of them are made")->required();
  parser->add_option("--out", arguments->task.out, "folder of the copies")->required();
  parser->add_flag("--overwrite", arguments->task.overwrite, "replace copies that were made of another catalog or with other settings");
  add_optional_config(*parser, arguments->settings);
  parser->footer("Example: mpirun -np 4 halobrush align lc_cores-*.diffsky_gals.hdf5 --out aligned");
  return {parser, [arguments](int& argc, char**& argv) {
            const auto& settings = arguments->settings;
            const auto& task = arguments->task;
            return run_parallel(argc, argv, {[&] { return settings.load(); },
                                             [&](const auto&) { return files_of_align(settings.file, task.files, task.out); },
                                             [&](const auto& config, const auto& world, auto& log) {
                                               align::run(task, config, world, log);
                                               return ExitCode::done;
                                             },
                                             false, [&] { return settings.remarks(); }});
          }};
}

}  // namespace halobrush::app
