// halobrush train: a model from a galaxy catalog and its halos.
#include "../command.hpp"
#include "../parallel.hpp"
#include "halobrush/model/networks.hpp"

namespace halobrush::app {

Command train_command(CLI::App& program) {
  const auto settings = std::make_shared<Settings>(Settings{.sections = halo_sections({"train", "gan"})});
  auto* parser = program.add_subcommand("train", "train a model on a galaxy catalog");
  add_config(*parser, *settings);
  add_out(*parser, *settings, "train.model", "the model file");
  parser->footer("Example: mpirun -np 2 halobrush train config/demo-train.yaml --out my-model.safetensors");
  return {parser, [settings](int& argc, char**& argv) {
            return run_parallel(argc, argv, {[&] { return settings->load(); },
                                             [&](const auto& config) { return files_of_train(config, settings->file); },
                                             [](const auto& config, const auto& world, auto& log) {
                                               model::networks().train(config, world, log);
                                               return ExitCode::done;
                                             },
                                             false, [settings] { return settings->remarks(); }});
          }};
}

}  // namespace halobrush::app
