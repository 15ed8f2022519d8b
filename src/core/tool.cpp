#include "halobrush/core/tool.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "halobrush/core/error.hpp"
#include "halobrush/core/shared_files.hpp"

extern char** environ;

namespace halobrush {
namespace {

namespace fs = std::filesystem;

std::string last_line(const std::string& path) {
  std::ifstream file(path);
  std::string line, last;
  while (std::getline(file, line))
    if (!line.empty()) last = line;
  return last.empty() ? "it printed nothing" : last;
}

}  // namespace

Tool find_tool(const std::string& module, const std::string& python) {
  const auto launcher = shared_file("python/run.py");
  if (!launcher) throw data_error("python/run.py is neither in a folder above the program nor in share/halobrush there");
  if (!python.empty()) return {python, launcher->string(), module};
  std::error_code error;
  const auto venv = launcher->parent_path().parent_path() / ".venv/bin/python";
  return {fs::exists(venv, error) ? venv.string() : "python3", launcher->string(), module};
}

void run_tool(const Tool& tool, const std::vector<std::string>& arguments, const std::string& log) {
  std::vector<std::string> words = {tool.python, tool.launcher, tool.module};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (auto& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);

  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, log.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
  posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
  pid_t child = 0;
  const int failure = posix_spawnp(&child, argv[0], &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (failure != 0) throw data_error("{} cannot be run ({})", tool.python, std::strerror(failure));
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
    throw data_error("halobrush.{} failed ({}); see {}", tool.module, last_line(log), log);
}

}  // namespace halobrush
