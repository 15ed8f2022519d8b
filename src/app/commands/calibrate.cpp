// halobrush calibrate: strengths of the law of shapes from published vectors.
#include "halobrush/calibrate/calibrate.hpp"

#include "../command.hpp"
#include "../parallel.hpp"

namespace halobrush::app {

Command calibrate_command(CLI::App& program) {
  const auto settings = std::make_shared<Settings>(
      Settings{.sections = halo_sections({"painter", "analytic", "shapes", "stats", "validate", "calibrate", "output"})});
  auto* parser = program.add_subcommand("calibrate", "fit the strengths of the law of shapes to published vectors, or to a wanted A_1");
  add_config(*parser, *settings);
  add_out(*parser, *settings, "calibrate.path", "folder of the results");
  parser->footer("Example: halobrush calibrate config/lensing.yaml --set calibrate.a_1.all=2 --set calibrate.strengths=[nla] --out calibration");
  return {parser, [settings](int& argc, char**& argv) {
            return run_parallel(argc, argv, {[&] { return settings->load(); },
                                             [&](const auto& config) { return files_of_calibrate(config, settings->file); },
                                             [](const auto& config, const auto& world, auto& log) {
                                               calibrate::run(config, world, log);
                                               return ExitCode::done;
                                             },
                                             false, [settings] { return settings->remarks(); }});
          }};
}

}  // namespace halobrush::app
