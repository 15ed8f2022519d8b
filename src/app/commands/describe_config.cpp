// halobrush describe-config: every key, or a configuration to start from.
#include <fmt/ranges.h>

#include <algorithm>
#include <iostream>

#include "../command.hpp"
#include "halobrush/core/error.hpp"
#include "halobrush/core/signals.hpp"
#include "halobrush/core/text.hpp"

namespace halobrush::app {

Command describe_config_command(CLI::App& program) {
  struct Arguments {
    std::string section;
    bool yaml = false;
  };
  const auto arguments = std::make_shared<Arguments>();
  auto* parser = program.add_subcommand("describe-config", "print the configuration keys");
  parser->add_option("section", arguments->section, "only the keys of this section");
  parser->add_flag("--yaml", arguments->yaml, "as a configuration with the default values, to start from");
  parser->footer("Example: halobrush describe-config input --yaml");
  return {parser, [arguments](int&, char**&) {
            leave_signals_alone();
            const auto known = config::sections();
            const auto& section = arguments->section;
            if (!section.empty() && std::ranges::count(known, section) == 0)
              throw config_error("describe-config: no section '{}'{}; sections are {}", printable(section), nearest_hint(section, known), fmt::join(known, ", "));
            std::cout << (arguments->yaml ? config::template_yaml(section) : config::describe(section));
            return 0;
          }};
}

}  // namespace halobrush::app
