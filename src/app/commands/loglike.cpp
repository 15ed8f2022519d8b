// halobrush loglike: log p of known galaxies under a model.
#include "../command.hpp"
#include "../parallel.hpp"
#include "halobrush/core/shared_files.hpp"
#include "halobrush/likelihood/likelihood.hpp"
#include "halobrush/pipeline/labelled.hpp"

namespace halobrush::app {

Command loglike_command(CLI::App& program) {
  struct Arguments {
    Settings settings{.sections = halo_sections({"painter", "analytic", "shapes"})};
    likelihood::Request request;
  };
  const auto arguments = std::make_shared<Arguments>();
  auto* parser = program.add_subcommand("loglike", "log p(galaxy | environment) of the galaxies of a catalog under a model");
  parser->add_option("model", arguments->request.model, "model file, or 'analytic': the law the catalog was painted with")->required();
  parser->add_option("catalog", arguments->request.catalog, "galaxy catalog with labels")->required();
  parser->add_option("--out", arguments->request.output, "table to write (default: <catalog>.loglike.hdf5)");
  add_overrides(*parser, arguments->settings);
  parser->footer("Example: mpirun -np 2 halobrush loglike models/demo.safetensors truth.hdf5 --out log_p.hdf5");
  return {parser, [arguments](int& argc, char**& argv) {
            auto& request = arguments->request;
            if (request.model != "analytic") request.model = or_shared(request.model);
            if (request.output.empty()) request.output = request.catalog + ".loglike.hdf5";
            return run_parallel(argc, argv, {[&] { return pipeline::config_for(request.model, request.catalog, arguments->settings.checked_overrides()); },
                                             [&](const auto& config) { return files_of_loglike(config, request.model, request.catalog, request.output); },
                                             [&](const auto& config, const auto& world, auto& log) {
                                               likelihood::run(request, config, world, log);
                                               return ExitCode::done;
                                             }});
          }};
}

}  // namespace halobrush::app
