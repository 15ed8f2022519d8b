// halobrush info: what a file is, on one screen.
#include "../info.hpp"

#include <iostream>

#include "../command.hpp"
#include "halobrush/core/shared_files.hpp"
#include "halobrush/core/signals.hpp"
#include "halobrush/core/text.hpp"

namespace halobrush::app {

Command info_command(CLI::App& program) {
  const auto files = std::make_shared<std::vector<std::string>>();
  auto* parser = program.add_subcommand("info", "say what a file is: a mock, a model or a halo catalog");
  parser->add_option("file", *files, "a file; of a halo catalog also its folder, a pattern, or several files")->required();
  parser->footer("Example: halobrush info out_100.list");
  return {parser, [files](int&, char**&) {
            leave_signals_alone();
            for (auto& file : *files) file = or_shared(file);
            std::cout << printable_lines(info(*files));
            return 0;
          }};
}

}  // namespace halobrush::app
