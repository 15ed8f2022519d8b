// The program itself, which halobrush.c starts. The command line: halobrush convert | paint | train | loglike | evaluate | validate | calibrate | align | info |
// describe-config.

#include <CLI/CLI.hpp>
#include <iostream>
#include <optional>

#include "claim.hpp"
#include "halobrush/align/align.hpp"
#include "halobrush/calibrate/calibrate.hpp"
#include "halobrush/catalog/hdf5_version.hpp"
#include "halobrush/config/config.hpp"
#include "halobrush/convert/convert.hpp"
#include "halobrush/core/signals.hpp"
#include "halobrush/core/text.hpp"
#include "halobrush/core/version.hpp"
#include "halobrush/evaluate/evaluate.hpp"
#include "halobrush/likelihood/likelihood.hpp"
#include "halobrush/model/setup.hpp"
#include "halobrush/mpi/agree.hpp"
#include "halobrush/mpi/environment.hpp"
#include "halobrush/mpi/stop.hpp"
#include "halobrush/paint/paint.hpp"
#include "halobrush/pipeline/labelled.hpp"
#include "halobrush/train/train.hpp"
#include "halobrush/validate/validate.hpp"
#include "info.hpp"
#include "outputs.hpp"

namespace {

using namespace halobrush;

struct Arguments {
  std::vector<std::string> files;
  std::string config, file, model, out, restart = "auto";
  std::vector<std::string> overrides;
  std::int64_t draws = 3;
  bool dry_run = false, overwrite = false, density = true, table_only = false;
  validate::Task validation;
};

std::string version_text() {
  return fmt::format("halobrush {}\nLibTorch {}\nHDF5 {}\nMPI {}", version(), model::torch_version(),
                     catalog::hdf5_version(), mpi::library_version());
}

ExitCode paint(const config::Config& config, const Arguments& arguments, const mpi::Communicator& world,
               Logger& log) {
  if (arguments.dry_run) {
    mpi::agree(world, [&] {
      if (world.root()) paint::dry_run(config, world.size(), log);
    });
    return ExitCode::done;
  }
  const auto restart = arguments.restart == "never" ? paint::Restart::never
                       : arguments.overwrite        ? paint::Restart::overwrite
                                                    : paint::Restart::automatic;
  return paint::run(config, restart, world, log);
}

// A job on all ranks: what one rank fails at, all report once and return as one exit code. What it will write is
// looked at before it begins, and is its own until it ends.
template <class Configuration, class FilesOf, class Job>
int run_parallel(int& argc, char**& argv, Configuration&& configuration, FilesOf&& files_of, bool only_looks, Job&& job) {
  mpi::Environment environment(argc, argv);
  const mpi::Communicator world(MPI_COMM_WORLD);
  const auto log = make_logger(world.root());
  const auto run = [&] {
    const auto config = mpi::agree(world, configuration);
    const auto files = mpi::agree(world, [&] { return world.root() ? files_of(config) : app::Files{}; });
    app::check_files(files, world);
    std::optional<app::Claim> claim;
    if (!only_looks) claim.emplace(files, world, *log);
    mpi::stop_if_asked(world, "any work");
    const int node_rank = world.node().rank();
    mpi::agree(world, [&] {
      model::set_up_torch(static_cast<int>(config.compute.threads), config.compute.device, node_rank);
    });
    if (!model::has_fast_blas())
      log->warn(
          "LibTorch runs on a reference BLAS, several times slower than need be; install "
          "libopenblas0-pthread");
    return static_cast<int>(job(config, world, *log));
  };
  try {
    return mpi::together(world, run);
  } catch (const Error& error) {
    const char* kind = error.code() == ExitCode::stopped ? "" : "error: ";
    if (world.root()) std::cerr << "halobrush: " << kind << printable_lines(error.what()) << std::endl;
    return static_cast<int>(error.code());
  }
}

int run(int argc, char** argv) {
  CLI::App app("Paints galaxies onto N-body halo catalogs with graph and SO(3)-diffusion models.",
               "halobrush");
  app.set_version_flag("--version", version_text());
  app.require_subcommand(1);
  Arguments arguments;

  auto* paint_command = app.add_subcommand("paint", "paint a mock galaxy catalog");
  auto* train_command = app.add_subcommand("train", "train a model on a galaxy catalog");
  auto* convert_command = app.add_subcommand("convert", "turn a catalog into a halo or a training catalog");
  auto* calibrate_command =
      app.add_subcommand("calibrate", "fit the strengths of the law of shapes to published vectors, or to a wanted A_1");
  for (auto* command : {paint_command, train_command, convert_command, calibrate_command}) {
    command->add_option("config", arguments.config, "configuration (YAML)")->required();
  }
  auto* validate_command =
      app.add_subcommand("validate", "measure a galaxy catalog, compare it with references, pass or fail it");
  validate_command->add_option("mock", arguments.validation.mock, "galaxy catalog")->required();
  validate_command
      ->add_option("--reference", arguments.validation.references, "catalog to compare with (repeatable)")
      ->allow_extra_args(false);
  validate_command->add_option("--out", arguments.validation.out, "folder of the results")
      ->capture_default_str();
  validate_command->add_option("--config", arguments.config, "configuration (YAML)");
  paint_command->add_flag("--dry-run", arguments.dry_run, "read headers only, print sizes, stop");
  paint_command
      ->add_option("--restart", arguments.restart,
                   "auto: go on from staged tiles; never: paint anew, whatever there is of this mock")
      ->check(CLI::IsMember({"auto", "never"}));
  paint_command->add_flag("--overwrite", arguments.overwrite,
                          "replace a mock, or tiles, of another configuration; goes on from tiles of this one");
  auto* loglike_command =
      app.add_subcommand("loglike", "log p(galaxy | environment) of the galaxies of a catalog under a model");
  loglike_command
      ->add_option("model", arguments.model,
                   "model file, or 'analytic': the law the catalog was painted with")
      ->required();
  loglike_command->add_option("catalog", arguments.file, "galaxy catalog with labels")->required();
  loglike_command->add_option("--out", arguments.out, "table to write (default: <catalog>.loglike.hdf5)");
  auto* evaluate_command =
      app.add_subcommand("evaluate", "judge a model on galaxies that are known: statistics, figures, a page");
  evaluate_command->add_option("model", arguments.model, "model file, or 'analytic'")->required();
  evaluate_command->add_option("catalog", arguments.file, "galaxy catalog with labels")->required();
  evaluate_command->add_option("--out", arguments.out, "folder of the results")->required();
  evaluate_command
      ->add_option("--draws", arguments.draws,
                   "how often each galaxy is painted, with another seed (default 3)")
      ->check(CLI::Range(1, 1000));
  evaluate_command->add_flag("!--no-density", arguments.density, "leave log p out, which takes longest");
  evaluate_command->add_flag(
      "--table-only", arguments.table_only,
      "only evaluation.hdf5, with starting noise, and counts: for tools that pool several");
  auto* align_command = app.add_subcommand("align", "give the galaxies of finished catalogs (diffsky, OpenCosmo) orientations");
  align_command->add_option("catalogs", arguments.files, "galaxy catalogs; copies of them are made")->required();
  align_command->add_option("--out", arguments.out, "folder of the copies")->required();
  align_command->add_option("--config", arguments.config, "configuration (YAML): seed and section align");
  align_command->add_flag("--overwrite", arguments.overwrite, "replace copies that were made of another catalog or with other settings");
  auto* info_command = app.add_subcommand("info", "say what a file is: a mock, a model or a halo catalog");
  info_command->add_option("file", arguments.files, "a file; of a halo catalog also its folder, a pattern, or several files")->required();
  for (auto* command :
       {paint_command, train_command, convert_command, validate_command, loglike_command, evaluate_command,
        calibrate_command, align_command})
    command->add_option("--set", arguments.overrides, "override a key: section.key=value (repeatable)")
        ->allow_extra_args(false);
  auto* describe_command = app.add_subcommand("describe-config", "print every configuration key");

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? static_cast<int>(ExitCode::done) : static_cast<int>(ExitCode::config);
  }

  if (*describe_command || *info_command) leave_signals_alone();
  if (*describe_command) {
    std::cout << config::describe();
    return 0;
  }
  if (*info_command) {
    std::cout << printable_lines(app::info(arguments.files));
    return 0;
  }
  if (*loglike_command || *evaluate_command) {
    const std::string out = arguments.out.empty() ? arguments.file + ".loglike.hdf5" : arguments.out;
    return run_parallel(
        argc, argv,
        [&] { return pipeline::config_for(arguments.model, arguments.file, arguments.overrides); },
        [&](const auto& config) {
          return *loglike_command ? app::files_of_loglike(config, arguments.model, arguments.file, out)
                                  : app::files_of_evaluate(config, arguments.model, arguments.file, out);
        },
        false,
        [&](const auto& config, const auto& world, auto& log) {
          if (*loglike_command)
            likelihood::run({arguments.model, arguments.file, out}, config, world, log);
          else
            evaluate::run({arguments.model, arguments.file, out, arguments.draws, arguments.density,
                           !arguments.table_only},
                          config, world, log);
          return ExitCode::done;
        });
  }
  return run_parallel(
      argc, argv, [&] { return config::load(arguments.config, arguments.overrides); },
      [&](const auto& config) {
        if (*paint_command) return app::files_of_paint(config, arguments.config);
        if (*validate_command) return app::files_of_validate(config, arguments.config, arguments.validation);
        if (*convert_command) return app::files_of_convert(config, arguments.config);
        if (*calibrate_command) return app::files_of_calibrate(config, arguments.config);
        if (*align_command) return app::files_of_align(arguments.config, arguments.files, arguments.out);
        return app::files_of_train(config, arguments.config);
      },
      arguments.dry_run,
      [&](const auto& config, const auto& world, auto& log) {
        if (*paint_command) return paint(config, arguments, world, log);
        if (*validate_command) return validate::run(arguments.validation, config, world, log);
        if (*convert_command)
          convert::run(config, world, log);
        else if (*calibrate_command)
          calibrate::run(config, world, log);
        else if (*align_command)
          align::run({arguments.files, arguments.out, arguments.overwrite}, config, world, log);
        else
          train::run(config, world, log);
        return ExitCode::done;
      });
}

}  // namespace

int main(int argc, char** argv) {
  catch_signals();
  try {
    return run(argc, argv);
  } catch (const Error& error) {
    std::cerr << "halobrush: error: " << printable_lines(error.what()) << std::endl;
    return static_cast<int>(error.code());
  } catch (const std::exception& error) {
    std::cerr << "halobrush: internal error: " << error.what() << std::endl;
    return static_cast<int>(ExitCode::internal);
  }
}
