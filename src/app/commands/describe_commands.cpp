// halobrush describe-commands: the command line for shells and for man, from the same declarations as --help.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <iostream>

#include "../command.hpp"
#include "halobrush/core/signals.hpp"
#include "halobrush/core/version.hpp"

namespace halobrush::app {
namespace {

std::vector<const CLI::App*> commands_in(const CLI::App& program) {
  return program.get_subcommands([](const CLI::App*) { return true; });
}

std::vector<std::string> long_options(const CLI::App& command) {
  std::vector<std::string> names;
  for (const auto* option : command.get_options())
    for (const auto& name : option->get_lnames()) names.push_back("--" + name);
  return names;
}

// Sourced by bash, or put into share/bash-completion/completions.
std::string for_bash(const CLI::App& program) {
  std::vector<std::string> names;
  std::string cases;
  for (const auto* command : commands_in(program)) {
    names.push_back(command->get_name());
    cases += fmt::format("    {}) words=\"{}\" ;;\n", command->get_name(), fmt::join(long_options(*command), " "));
  }
  return fmt::format(
      "# Completion of halobrush in bash.\n"
      "_halobrush() {{\n"
      "  local words=\"{}\"\n"
      "  ((COMP_CWORD > 1)) && case ${{COMP_WORDS[1]}} in\n{}  esac\n"
      "  mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"${{COMP_WORDS[COMP_CWORD]}}\")\n"
      "}}\n"
      "complete -o default -F _halobrush halobrush\n",
      fmt::join(names, " "), cases);
}

// A word of zsh's _describe, in single quotes: what is completed, and its explanation.
std::string described(const std::string& word, std::string about) {
  for (std::size_t at = 0; (at = about.find('\'', at)) != about.npos; at += 4) about.replace(at, 1, "'\\''");
  return fmt::format("'{}:{}'", word, about);
}

// Read by zsh as the function _halobrush of a folder of its fpath (share/zsh/site-functions).
std::string for_zsh(const CLI::App& program) {
  std::vector<std::string> commands;
  std::string cases;
  for (const auto* command : commands_in(program)) {
    commands.push_back(described(command->get_name(), command->get_description()));
    std::vector<std::string> options;
    for (const auto* option : command->get_options())
      for (const auto& name : option->get_lnames()) options.push_back(described("--" + name, option->get_description()));
    cases += fmt::format("  {})\n    options=({}) ;;\n", command->get_name(), fmt::join(options, "\n      "));
  }
  return fmt::format(
      "#compdef halobrush\n"
      "# Completion of halobrush in zsh.\n"
      "local -a commands options\n"
      "commands=({})\n"
      "if ((CURRENT == 2)); then\n"
      "  _describe command commands\n"
      "  return\n"
      "fi\n"
      "case $words[2] in\n{}esac\n"
      "if [[ $PREFIX == -* ]]; then _describe option options; else _files; fi\n",
      fmt::join(commands, "\n  "), cases);
}

std::string escaped(std::string text) {
  for (std::size_t at = 0; (at = text.find('\\', at)) != text.npos; at += 2) text.insert(at, "\\");
  for (std::size_t at = 0; (at = text.find('-', at)) != text.npos; at += 2) text.insert(at, "\\");
  if (text.starts_with('.') || text.starts_with('\'')) text.insert(0, "\\&");
  return text;
}

// Read by man (troff's macros `man`).
std::string for_man(const CLI::App& program) {
  std::string text = fmt::format(".TH HALOBRUSH 1 \"\" \"halobrush {}\"\n.SH NAME\nhalobrush \\- {}\n.SH SYNOPSIS\nhalobrush COMMAND [ARGUMENTS]\n.SH COMMANDS\n", version(),
                                 escaped(program.get_description()));
  for (const auto* command : commands_in(program)) {
    text += fmt::format(".SS {}\n{}.\n", escaped(command->get_name()), escaped(command->get_description()));
    for (const auto* option : command->get_options())
      text += fmt::format(".TP\n.B {}\n{}\n", escaped(option->get_name(true, true)), escaped(option->get_description()));
    if (const auto footer = command->get_footer(); !footer.empty()) text += fmt::format(".PP\n{}\n", escaped(footer));
  }
  return text + ".SH EXIT STATUS\n0 done; 1 a requirement fails; 2 configuration; 3 data; 4 model; 5 input or output; 70 a mistake of the program; 75 stopped in time. Of check: bits 8, 16 and 32.\n";
}

}  // namespace

Command describe_commands_command(CLI::App& program) {
  struct Wanted {
    bool man = false, zsh = false;
  };
  const auto wanted = std::make_shared<Wanted>();
  auto* parser = program.add_subcommand("describe-commands", "print a completion script for bash or zsh, or a manual page");
  auto* man = parser->add_flag("--man", wanted->man, "the manual page");
  parser->add_flag("--zsh", wanted->zsh, "completion for zsh")->excludes(man);
  parser->footer("Example: source <(halobrush describe-commands)");
  return {parser, [wanted, &program](int&, char**&) {
            leave_signals_alone();
            std::cout << (wanted->man ? for_man(program) : wanted->zsh ? for_zsh(program) : for_bash(program));
            return 0;
          }};
}

}  // namespace halobrush::app
