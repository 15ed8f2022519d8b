#include <fmt/ranges.h>

#include <algorithm>

#include "command.hpp"
#include "halobrush/core/error.hpp"
#include "halobrush/core/shared_files.hpp"

namespace halobrush::app {
namespace {

std::string section_of(const std::string& key) {
  return key.substr(0, key.find('.'));
}

bool uses(const std::vector<std::string>& sections, const std::string& section) {
  return section == "seed" || std::ranges::count(sections, section) > 0;
}

// Paths of what may have come with the program, beside the configuration. A model of axes is part of a run's identity as it is
// written (painter.axes) and is looked for where it is read.
std::vector<std::string*> shared_paths(config::Config& config) {
  std::vector<std::string*> paths = {&config.painter.model};
  for (auto& path : config.input.path.each) paths.push_back(&path);
  return paths;
}

}  // namespace

std::vector<std::string> Settings::checked_overrides() const {
  std::vector<std::string> known = config::sections(), all = overrides;
  for (const auto& text : overrides) {
    const auto key = text.substr(0, text.find('='));
    if (std::ranges::count(known, section_of(key)) > 0 && !uses(sections, section_of(key)))
      throw config_error("--set {}: this command has no use for it (it uses seed, {}); leave it out", key, fmt::join(sections, ", "));
  }
  if (!out.empty() && !out_key.empty()) all.push_back(out_key + "=" + out);
  return all;
}

config::Config Settings::load() const {
  auto config = config::load(or_shared(file), checked_overrides());
  for (auto* path : shared_paths(config)) *path = or_shared(*path);
  return config;
}

std::vector<std::string> Settings::remarks() const {
  const auto path = or_shared(file);
  auto config = config::load(path, checked_overrides());
  auto paths = shared_paths(config);
  auto given = file, axes = config.painter.axes;
  paths.push_back(&given);
  if (axes != "law") paths.push_back(&axes);
  std::vector<std::string> unused, remarks;
  for (const auto* one : paths)
    if (const auto taken = or_shared(*one); taken != *one) remarks.push_back(fmt::format("{} is not in this folder: {} is taken", *one, taken));
  if (!path.empty())
    for (const auto& section : config::sections_given(path))
      if (!uses(sections, section)) unused.push_back(section);
  if (!unused.empty()) remarks.push_back(fmt::format("this command has no use for {} in {}", fmt::join(unused, ", "), path));
  return remarks;
}

void add_overrides(CLI::App& command, Settings& settings) {
  command.add_option("--set", settings.overrides, "override a key: section.key=value (repeatable; keys: halobrush describe-config)")
      ->allow_extra_args(false);
}

void add_config(CLI::App& command, Settings& settings) {
  command.add_option("config,--config", settings.file, "configuration (YAML)")->required();
  add_overrides(command, settings);
}

void add_optional_config(CLI::App& command, Settings& settings) {
  command.add_option("--config", settings.file, "configuration (YAML)");
  add_overrides(command, settings);
}

void add_out(CLI::App& command, Settings& settings, const std::string& key, const std::string& what) {
  settings.out_key = key;
  command.add_option("--out", settings.out, fmt::format("{} (key {})", what, key));
}

std::vector<std::string> halo_sections(const std::vector<std::string>& more) {
  std::vector<std::string> sections = {"input", "cosmology", "density", "field", "domain", "limits", "compute", "log"};
  sections.insert(sections.end(), more.begin(), more.end());
  return sections;
}

}  // namespace halobrush::app
