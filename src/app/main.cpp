// The program itself, which halobrush.c starts: finds the command and runs it.
#include <fmt/format.h>

#include <iostream>

#include "command.hpp"
#include "halobrush/catalog/hdf5_version.hpp"
#include "halobrush/core/error.hpp"
#include "halobrush/core/signals.hpp"
#include "halobrush/core/text.hpp"
#include "halobrush/core/version.hpp"
#include "halobrush/model/networks.hpp"
#include "halobrush/mpi/environment.hpp"

namespace {

using namespace halobrush;

std::string version_text() {
  return fmt::format("halobrush {}\nLibTorch {}\nHDF5 {}\nMPI {}", version(), model::torch_version(),
                     catalog::hdf5_version(), mpi::library_version());
}

std::vector<app::Command> commands_of(CLI::App& program) {
  return {app::paint_command(program),    app::train_command(program),     app::convert_command(program), app::validate_command(program),
          app::loglike_command(program),  app::evaluate_command(program),  app::calibrate_command(program), app::align_command(program),
          app::lightcone_command(program),
          app::info_command(program),     app::check_command(program),     app::checksum_command(program), app::describe_config_command(program),
          app::describe_commands_command(program)};
}

void check_name(const std::vector<app::Command>& commands, const std::string& word) {
  std::vector<std::string> names;
  for (const auto& command : commands) names.push_back(command.parser->get_name());
  if (!word.starts_with('-') && std::ranges::count(names, word) == 0)
    throw config_error("'{}' is no command{}; 'halobrush --help' lists them", printable(word), nearest_hint(word, names));
}

// What the parser of the command that was given says.
std::string help_of(const CLI::App& program) {
  const auto given = program.get_subcommands();
  return given.empty() ? "halobrush --help" : fmt::format("halobrush {} --help", given.front()->get_name());
}

// A shell variable that is not set gives an empty name.
void check_no_value_is_empty(const CLI::App& command) {
  for (const auto* option : command.get_options())
    for (const auto& value : option->results())
      if (value.empty())
        throw config_error("{}: an empty text is given; name what is meant (see 'halobrush {} --help')", option->get_name(), command.get_name());
}

int run(int argc, char** argv) {
  CLI::App program("Paints galaxies onto N-body halo catalogs with graph and SO(3)-diffusion models.", "halobrush");
  program.set_version_flag("--version", version_text());
  program.require_subcommand(1);
  program.footer("halobrush COMMAND --help says more, with an example. Keys of configurations: halobrush describe-config.");
  const auto commands = commands_of(program);
  if (argc > 1) check_name(commands, argv[1]);
  try {
    program.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return program.exit(error);  // --help, --version
    const std::string what = argc == 1 ? "no command is given" : error.what();
    throw config_error("{}; see '{}'", what == "--config is required" ? "no configuration is given" : what, help_of(program));
  }
  for (const auto& command : commands)
    if (command.parser->parsed()) {
      check_no_value_is_empty(*command.parser);
      return command.run(argc, argv);
    }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  catch_signals();
  try {
    return run(argc, argv);
  } catch (const Error& error) {
    std::cerr << "halobrush: error: " + printable_lines(error.what()) + "\n";  // one piece: every process of a launcher says it
    return static_cast<int>(error.code());
  } catch (const std::exception& error) {
    std::cerr << fmt::format("halobrush: internal error: {}\n", error.what());
    return static_cast<int>(ExitCode::internal);
  }
}
