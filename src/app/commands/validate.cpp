// halobrush validate: statistics of a mock, judged.
#include "halobrush/validate/validate.hpp"

#include "../command.hpp"
#include "../parallel.hpp"

namespace halobrush::app {

Command validate_command(CLI::App& program) {
  struct Arguments {
    Settings settings{.sections = halo_sections({"stats", "validate"})};
    validate::Task task;
  };
  const auto arguments = std::make_shared<Arguments>();
  auto* parser = program.add_subcommand("validate", "measure a galaxy catalog, compare it with references, pass or fail it (exit code 1)");
  parser->add_option("mock", arguments->task.mocks, "galaxy catalog; several: draws on one halo catalog, whose mean is judged")->required();
  parser->add_option("--reference", arguments->task.references, "catalog to compare with (repeatable)")->allow_extra_args(false);
  parser->add_option("--out", arguments->task.out, "folder of the results")->capture_default_str();
  add_optional_config(*parser, arguments->settings);
  parser->footer("Example: mpirun -np 2 halobrush validate mock.hdf5 --reference truth.hdf5 --out validation");
  return {parser, [arguments](int& argc, char**& argv) {
            const auto& settings = arguments->settings;
            return run_parallel(argc, argv, {[&] { return settings.load(); },
                                             [&](const auto& config) { return files_of_validate(config, settings.file, arguments->task); },
                                             [&](const auto& config, const auto& world, auto& log) { return validate::run(arguments->task, config, world, log); },
                                             false, [&] { return settings.remarks(); }});
          }};
}

}  // namespace halobrush::app
