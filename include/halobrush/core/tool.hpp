// The Python tools of the folder tools/, called where a Python is there.
#pragma once

#include <string>
#include <vector>

namespace halobrush {

struct Tool {
  std::string python, script;
};
/// A script of the folder tools/ that came with the program (shared_files.hpp). Throws data_error when it is absent.
/// @param python  its interpreter; empty: .venv beside tools/, then python3
Tool find_tool(const std::string& script, const std::string& python);

/// Runs it; what it prints goes to the file `log`. Throws data_error with its last line when it fails.
void run_tool(const Tool& tool, const std::vector<std::string>& arguments, const std::string& log);

}  // namespace halobrush
