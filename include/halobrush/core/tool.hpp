// Commands of the Python package in the folder python/, called where a Python is there.
#pragma once

#include <string>
#include <vector>

namespace halobrush {

struct Tool {
  std::string python, launcher, module;
};
/// A module of the package that came with the program (shared_files.hpp), run by python/run.py. Throws data_error when that is absent.
/// @param module  such as two_sample
/// @param python  its interpreter; empty: .venv beside python/, then python3
Tool find_tool(const std::string& module, const std::string& python);

/// Runs it; what it prints goes to the file `log`. Throws data_error with its last line when it fails.
void run_tool(const Tool& tool, const std::vector<std::string>& arguments, const std::string& log);

}  // namespace halobrush
