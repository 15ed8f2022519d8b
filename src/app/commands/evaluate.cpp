// halobrush evaluate: what a model paints beside known galaxies, judged.
#include "halobrush/evaluate/evaluate.hpp"

#include "../command.hpp"
#include "../parallel.hpp"
#include "halobrush/core/shared_files.hpp"
#include "halobrush/pipeline/labelled.hpp"

namespace halobrush::app {

Command evaluate_command(CLI::App& program) {
  struct Arguments {
    Settings settings{.sections = halo_sections({"painter", "analytic", "shapes"})};
    evaluate::Request request;
    bool no_density = false, table_only = false;
  };
  const auto arguments = std::make_shared<Arguments>();
  auto* parser = program.add_subcommand("evaluate", "judge a model on galaxies that are known: statistics, figures, a page (exit code 1: a requirement fails, or nothing could be judged)");
  parser->add_option("model", arguments->request.model, "model file, or 'analytic'")->required();
  parser->add_option("catalog", arguments->request.catalog, "galaxy catalog with labels")->required();
  parser->add_option("--out", arguments->request.folder, "folder of the results")->required();
  parser->add_option("--draws", arguments->request.draws, "how often each galaxy is painted, with another seed (default 3)")->check(CLI::Range(1, 1000));
  parser->add_flag("--no-density", arguments->no_density, "leave log p out, which takes longest");
  parser->add_flag("--table-only", arguments->table_only, "only evaluation.hdf5, with starting noise, and counts: for tools that pool several");
  add_overrides(*parser, arguments->settings);
  parser->footer("Example: mpirun -np 2 halobrush evaluate models/demo.safetensors truth.hdf5 --out evaluation");
  return {parser, [arguments](int& argc, char**& argv) {
            auto& request = arguments->request;
            if (request.model != "analytic") request.model = or_shared(request.model);
            request.density = !arguments->no_density;
            request.statistics = !arguments->table_only;
            return run_parallel(argc, argv, {[&] { return pipeline::config_for(request.model, request.catalog, arguments->settings.checked_overrides()); },
                                             [&](const auto& config) { return files_of_evaluate(config, request.model, request.catalog, request.folder); },
                                             [&](const auto& config, const auto& world, auto& log) { return evaluate::run(request, config, world, log); }});
          }};
}

}  // namespace halobrush::app
