// halobrush check: whether files are whole, by their headers and end marks alone.
#include <fmt/format.h>

#include <iostream>

#include "../command.hpp"
#include "halobrush/align/align.hpp"
#include "halobrush/catalog/mock.hpp"
#include "halobrush/catalog/reader.hpp"
#include "halobrush/core/error.hpp"
#include "halobrush/core/signals.hpp"
#include "halobrush/core/text.hpp"
#include "halobrush/model/model_file.hpp"

namespace halobrush::app {
namespace {

// Bits of the exit code, apart from the codes of other endings.
enum Fault { unreadable = 8, damaged = 16, unknown = 32 };

// Throws Error where the file is not whole.
std::string kind_of_whole(const std::string& path) {
  align::refuse_half_changed(path);
  const auto kind = catalog::kind_of(path);
  if (kind == catalog::FileKind::mock) return fmt::format("mock, {} galaxies", catalog::summarise_mock(path).rows);
  if (kind == catalog::FileKind::model) {
    model::read_model(path);
    return "model";
  }
  if (!catalog::is_halo_catalog(kind)) return "";
  catalog::ReadOptions options;
  options.describe = options.headers_only = true;
  const auto header = catalog::read_header({{path}}, options);
  return fmt::format("halo catalog ({}), {}{} halos", header.source.format, header.rows_exact ? "" : "about ", header.rows);
}

int check(const std::string& path) {
  std::string text;
  int fault = 0;
  try {
    text = kind_of_whole(path);
    if (text.empty()) fault = unknown, text = "is neither a mock, a model nor a halo catalog";
  } catch (const Error& error) {
    fault = error.code() == ExitCode::io ? unreadable : damaged;
    text = error.what();
    if (text.starts_with(path + ": ")) text = text.substr(path.size() + 2);
  } catch (const std::exception& error) {
    fault = damaged, text = error.what();
  }
  std::cout << printable_lines(fmt::format("{}: {}{}\n", path, fault == 0 ? "whole: " : "FAULT: ", text));
  return fault;
}

}  // namespace

Command check_command(CLI::App& program) {
  const auto files = std::make_shared<std::vector<std::string>>();
  auto* parser = program.add_subcommand("check", "look whether files are whole: headers and end marks only, a line each");
  parser->add_option("files", *files, "mocks, models, halo catalogs")->required();
  parser->footer("The exit code has bit 8 for a file that cannot be read, bit 16 for a damaged one, bit 32 for one of another kind. Columns are not compared with their checksums.\nExample: halobrush check mocks/*.hdf5");
  return {parser, [files](int&, char**&) {
            leave_signals_alone();
            int faults = 0;
            for (const auto& path : *files) faults |= check(path);
            return faults;
          }};
}

}  // namespace halobrush::app
