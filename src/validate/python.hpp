// The Python tools that validation calls where a Python is there: figures and the two-sample test.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace halobrush::validate {

/// A tool of the folder tools/, found beside the program (its build tree or checkout).
struct Tool {
  std::string python, script;
};
/// Throws data_error saying what is absent: the script, or a Python. @param python  configured; empty: .venv
/// beside tools/, then python3.
Tool find_tool(const std::string& script, const std::string& python);

/// Runs it; what it prints goes to the file `log`. Throws data_error with its last line when it fails.
void run_tool(const Tool& tool, const std::vector<std::string>& arguments, const std::string& log);

}  // namespace halobrush::validate
