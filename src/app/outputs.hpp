// What each command reads and writes.
#pragma once

#include <string>
#include <vector>

#include "halobrush/config/config.hpp"
#include "halobrush/core/outputs.hpp"
#include "halobrush/validate/validate.hpp"

namespace halobrush::app {

struct Files {
  std::vector<InputFile> inputs;
  std::vector<OutputFile> outputs;
  /// A folder that must be to be had or made; key and path.
  InputFile folder = {};
  /// What one run at a time may write; the first of them names it.
  std::vector<InputFile> locked = {};
  /// What gives way to this run's product without being asked; the log says so. Empty: nothing does.
  std::string replaced = {};
};

/// `file` is the configuration's own.
Files files_of_paint(const config::Config& config, const std::string& file);
Files files_of_lightcone(const config::Config& config, const std::string& file);
Files files_of_train(const config::Config& config, const std::string& file);
Files files_of_convert(const config::Config& config, const std::string& file);
Files files_of_validate(const config::Config& config, const std::string& file, const validate::Task& task);
Files files_of_calibrate(const config::Config& config, const std::string& file);
/// Copies that are there already, and catalogs that are changed in place (no folder), are judged by align::run.
Files files_of_align(const std::string& file, const std::vector<std::string>& catalogs, const std::string& folder);
Files files_of_loglike(const config::Config& config, const std::string& model, const std::string& catalog,
                       const std::string& out);
Files files_of_evaluate(const config::Config& config, const std::string& model, const std::string& catalog,
                        const std::string& folder);

}  // namespace halobrush::app
