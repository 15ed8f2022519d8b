// A command of the program: its arguments, its help and what it does, in one file of src/app/commands.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>
#include <vector>

#include "halobrush/config/config.hpp"

namespace halobrush::app {

struct Command {
  CLI::App* parser;
  std::function<int(int& argc, char**& argv)> run;  ///< returns the exit code; throws Error
};

/// Each adds itself to the program.
Command paint_command(CLI::App& program);
Command train_command(CLI::App& program);
Command convert_command(CLI::App& program);
Command validate_command(CLI::App& program);
Command loglike_command(CLI::App& program);
Command evaluate_command(CLI::App& program);
Command calibrate_command(CLI::App& program);
Command align_command(CLI::App& program);
Command lightcone_command(CLI::App& program);
Command info_command(CLI::App& program);
Command check_command(CLI::App& program);
Command checksum_command(CLI::App& program);
Command describe_config_command(CLI::App& program);
Command describe_commands_command(CLI::App& program);

/// The configuration of a command: a file, then `--set section.key=value`, then `--out` where it stands for a key.
struct Settings {
  std::string file = {}, out = {};
  std::vector<std::string> overrides = {};
  std::vector<std::string> sections = {};  ///< that the command uses; `seed` is of all
  std::string out_key = {};                ///< for which --out stands; empty: the command has an --out of its own, or none

  /// The file, the halos and the models may be those that came with the program (core/shared_files.hpp). Throws config_error,
  /// also for a key on the command line that the command has no use for.
  config::Config load() const;
  /// The overrides alone, checked in the same way.
  std::vector<std::string> checked_overrides() const;
  /// Which file was taken, and what the command has no use for in it. Throws as load.
  std::vector<std::string> remarks() const;
};

/// CONFIG as the first argument, or by --config.
void add_config(CLI::App& command, Settings& settings);
/// --config, optional: the command's first argument is what it works on.
void add_optional_config(CLI::App& command, Settings& settings);
void add_overrides(CLI::App& command, Settings& settings);
/// --out PATH in place of `--set key=PATH`.
void add_out(CLI::App& command, Settings& settings, const std::string& key, const std::string& what);

/// Sections that halos are read and prepared by.
std::vector<std::string> halo_sections(const std::vector<std::string>& more);

}  // namespace halobrush::app
