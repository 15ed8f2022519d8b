#include "halobrush/core/lock.hpp"

#include <fcntl.h>
#include <pthread.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <map>
#include <mutex>
#include <sstream>
#include <thread>
#include <utility>

#include "halobrush/core/error.hpp"
#include "halobrush/core/files.hpp"
#include "halobrush/core/log.hpp"
#include "halobrush/core/signals.hpp"

namespace halobrush {
namespace {

using namespace std::chrono_literals;

constexpr auto sign_of_life = 30s;
constexpr double silence_s = 600;  // of a run that counts as gone

using Facts = std::map<std::string, std::string>;  // lines `name: value`

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::string this_host() {
  std::array<char, 256> name{};
  gethostname(name.data(), name.size() - 1);
  return name.data();
}

// A process number is used again; together with the time of its start it is not. Field 22, counted from the name in
// parentheses, which may hold anything.
std::string start_of_process(const std::string& pid) {
  std::ifstream file("/proc/" + pid + "/stat");
  std::string text;
  std::getline(file, text);
  const auto name_end = text.rfind(')');
  if (name_end == std::string::npos) return "";
  std::istringstream fields(text.substr(name_end + 1));
  std::string field;
  for (int k = 3; k <= 22; ++k) fields >> field;
  return field;
}

std::string now_text() {
  const std::time_t now = std::time(nullptr);
  std::tm local{};
  localtime_r(&now, &local);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &local);
  return text.data();
}

Facts own_facts() {
  const auto pid = std::to_string(getpid());
  return {{"host", this_host()},
          {"process", pid},
          {"process_start", start_of_process(pid)},
          {"since", now_text()},
          {"job", variable("SLURM_JOB_ID")},
          {"try", variable("SLURM_RESTART_COUNT")}};
}

std::string text_of(const Facts& facts) {
  std::string text;
  for (const auto& [name, value] : facts) text += name + ": " + value + "\n";
  return text;
}

Facts facts_in(int fd) {
  std::array<char, 4096> buffer{};
  const auto size = pread(fd, buffer.data(), buffer.size(), 0);
  std::istringstream lines(std::string(buffer.data(), size > 0 ? static_cast<std::size_t>(size) : 0));
  Facts facts;
  for (std::string line; std::getline(lines, line);)
    if (const auto colon = line.find(": "); colon != std::string::npos)
      facts[line.substr(0, colon)] = line.substr(colon + 2);
  return facts;
}

// A lock that another program or a person wrote; an empty one is about to get its name.
bool is_foreign(const Facts& facts, int fd) {
  struct stat file {};
  return fstat(fd, &file) == 0 && file.st_size > 0 && !facts.contains("host");
}

std::string named(Facts facts) {
  if (facts["host"].empty()) return "it does not say whose";
  return fmt::format("host {}, process {}, since {}{}", facts["host"], facts["process"], facts["since"],
                     facts["job"].empty() ? "" : ", job " + facts["job"]);
}

double age_of(int fd) {
  struct stat file {};
  if (fstat(fd, &file) != 0) return 0;
  return std::difftime(std::time(nullptr), file.st_mtime);
}

bool is_same_file(int fd, const std::filesystem::path& path) {
  struct stat open_file {}, named_file {};
  return fstat(fd, &open_file) == 0 && stat(path.c_str(), &named_file) == 0 &&
         open_file.st_ino == named_file.st_ino && open_file.st_dev == named_file.st_dev;
}

// What the system's lock cannot tell: runs on other hosts, and file systems without such locks.
bool is_alive(Facts holder, double age, bool created, bool system_lock) {
  if (holder.empty()) return !created && !system_lock && age < silence_s;  // one that is about to write its name
  if (holder["host"] == this_host())
    return !system_lock && !holder["process_start"].empty() &&
           start_of_process(holder["process"]) == holder["process_start"];
  const bool same_job = !holder["job"].empty() && holder["job"] == variable("SLURM_JOB_ID");
  if (same_job && holder["try"] != variable("SLURM_RESTART_COUNT")) return false;
  return age < silence_s;
}

}  // namespace

struct RunLock::State {
  std::filesystem::path path;
  int fd = -1;
  std::string taken_over;
  std::mutex mutex;
  std::condition_variable ended;
  bool end = false;
  std::thread life;

  Error busy(const std::string& what, const Facts& holder, double age) const {
    const bool here = holder.contains("host") && holder.at("host") == this_host();
    return io_error(
        "{}: another run is at work on it ({}); wait for it or stop it{}", what, named(holder),
        here ? ""
             : fmt::format("; it was seen {:.0f} s ago: if it is gone, remove {}, or run again once {:.0f} minutes "
                           "have passed without a sign of it",
                           age, path.string(), silence_s / 60));
  }

  // False where the file was removed between opening and locking it.
  bool try_to_take(const std::string& what) {
    bool created = true;
    fd = open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0 && errno == EEXIST) {
      created = false;
      fd = open(path.c_str(), O_RDWR | O_CLOEXEC);
      if (fd < 0 && errno == ENOENT) return false;
    }
    if (fd < 0) throw cannot_write(path, errno);
    const bool system_lock = flock(fd, LOCK_EX | LOCK_NB) == 0;
    const bool held = !system_lock && errno == EWOULDBLOCK;
    if (!held && !is_same_file(fd, path)) {
      close(std::exchange(fd, -1));
      return false;
    }
    const auto holder = facts_in(fd);
    const double age = age_of(fd);
    if (!held && is_foreign(holder, fd)) {
      close(std::exchange(fd, -1));
      throw io_error("{}: is needed to lock {}, but is no lock of halobrush; move it away", path.string(), what);
    }
    if (held || is_alive(holder, age, created, system_lock)) {
      close(std::exchange(fd, -1));
      throw busy(what, holder, age);
    }
    if (!holder.empty()) taken_over = named(holder);
    return true;
  }

  void write_name() const {
    const auto text = text_of(own_facts());
    if (ftruncate(fd, 0) != 0 || pwrite(fd, text.data(), text.size(), 0) != static_cast<ssize_t>(text.size()) ||
        fsync(fd) != 0) {
      const int reason = errno;
      unlink(path.c_str());
      close(fd);
      throw cannot_write(path, reason);
    }
  }

  void show_life() {
    std::unique_lock lock(mutex);
    while (!ended.wait_for(lock, sign_of_life, [this] { return end; })) {
      if (!is_same_file(fd, path)) return ask_to_stop("the loss of its lock");
      futimens(fd, nullptr);
    }
  }
};

RunLock::RunLock(const std::filesystem::path& path, const std::string& what) : state_(std::make_unique<State>()) {
  state_->path = path;
  while (!state_->try_to_take(what)) std::this_thread::sleep_for(10ms);
  state_->write_name();
  // Signals are for the thread that works.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  state_->life = std::thread([state = state_.get()] { state->show_life(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

RunLock::~RunLock() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->end = true;
  }
  state_->ended.notify_all();
  state_->life.join();
  if (is_same_file(state_->fd, state_->path)) unlink(state_->path.c_str());
  close(state_->fd);
}

const std::string& RunLock::taken_over_from() const {
  return state_->taken_over;
}

}  // namespace halobrush
