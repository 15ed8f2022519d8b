// halobrush align: orientations for finished galaxy catalogs of other programs.
#include "halobrush/align/align.hpp"

#include "../command.hpp"
#include "../parallel.hpp"

namespace halobrush::app {
namespace {

void check_options(const align::Task& task) {
  if (!task.out.empty() + task.in_place + task.restore != 1)
    throw config_error("align: give one of --out FOLDER (copies), --in-place (the catalogs themselves) and --restore (as they were before)");
  if (task.overwrite && task.out.empty()) throw config_error("--overwrite: replaces copies (there are none without --out); leave it out");
  if (!task.backup.empty() && !task.in_place) throw config_error("--backup: is where --in-place saves what it overwrites; leave it out");
}

}  // namespace

Command align_command(CLI::App& program) {
  struct Arguments {
    Settings settings{.sections = {"align", "limits", "compute", "log"}};
    align::Task task;
  };
  const auto arguments = std::make_shared<Arguments>();
  auto* parser = program.add_subcommand("align", "give the galaxies of finished catalogs (diffsky, OpenCosmo) orientations");
  parser->add_option("catalogs", arguments->task.files, "galaxy catalogs")->required();
  parser->add_option("--out", arguments->task.out, "make copies in this folder");
  parser->add_flag("--overwrite", arguments->task.overwrite, "replace copies that were made of another catalog or with other settings");
  parser->add_flag("--in-place", arguments->task.in_place, "change the catalogs themselves; FILE.before-align then holds the bytes that were overwritten");
  parser->add_option("--backup", arguments->task.backup, "with --in-place: folder for these, and links to them beside the catalogs");
  parser->add_flag("--restore", arguments->task.restore, "put back, byte for byte, catalogs that were changed in place");
  add_optional_config(*parser, arguments->settings);
  parser->footer("Give one of --out, --in-place and --restore.\nExample: mpirun -np 4 halobrush align lc_cores-*.diffsky_gals.hdf5 --out aligned");
  return {parser, [arguments](int& argc, char**& argv) {
            const auto& settings = arguments->settings;
            const auto& task = arguments->task;
            return run_parallel(argc, argv, {[&] {
                                               check_options(task);
                                               return settings.load();
                                             },
                                             [&](const auto&) { return files_of_align(settings.file, task.files, task.out); },
                                             [&](const auto& config, const auto& world, auto& log) {
                                               align::run(task, config, world, log);
                                               return ExitCode::done;
                                             },
                                             false, [&] { return settings.remarks(); }});
          }};
}

}  // namespace halobrush::app
