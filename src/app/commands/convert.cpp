// halobrush convert: a catalog of another format becomes one of halobrush.
#include "../command.hpp"
#include "../parallel.hpp"
#include "halobrush/convert/convert.hpp"

namespace halobrush::app {

Command convert_command(CLI::App& program) {
  const auto settings = std::make_shared<Settings>(Settings{.sections = halo_sections({"convert"})});
  auto* parser = program.add_subcommand("convert", "turn a catalog into a halo or a training catalog");
  add_config(*parser, *settings);
  add_out(*parser, *settings, "convert.path", "the catalog to write");
  parser->footer("Example: halobrush convert config/demo.yaml --set convert.kind=halos --out halos.hdf5");
  return {parser, [settings](int& argc, char**& argv) {
            return run_parallel(argc, argv, {[&] { return settings->load(); },
                                             [&](const auto& config) { return files_of_convert(config, settings->file); },
                                             [](const auto& config, const auto& world, auto& log) {
                                               convert::run(config, world, log);
                                               return ExitCode::done;
                                             },
                                             false, [settings] { return settings->remarks(); }});
          }};
}

}  // namespace halobrush::app
