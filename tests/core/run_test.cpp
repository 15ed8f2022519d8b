// What a run is given to write, and its lock.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>

#include "halobrush/core/error.hpp"
#include "halobrush/core/files.hpp"
#include "halobrush/core/lock.hpp"
#include "halobrush/core/memory.hpp"
#include "halobrush/core/outputs.hpp"
#include "halobrush/core/signals.hpp"
#include "halobrush/core/text.hpp"

namespace halobrush {
namespace {

namespace fs = std::filesystem;

class Folder : public testing::Test {
 protected:
  Folder() { fs::create_directories(folder_ / "sub"); }
  ~Folder() override { fs::remove_all(folder_); }

  std::string file(const std::string& name, const std::string& text = "text") const {
    std::ofstream(folder_ / name) << text;
    return (folder_ / name).string();
  }
  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  std::string link(const std::string& name, const std::string& to) const {
    fs::create_symlink(to, folder_ / name);
    return path(name);
  }

  fs::path folder_ = fs::temp_directory_path() / fmt::format("halobrush_run_{}", getpid());
};

std::pair<ExitCode, std::string> failure(const std::function<void()>& work) {
  try {
    work();
  } catch (const Error& error) {
    return {error.code(), error.what()};
  }
  return {ExitCode::done, ""};
}

using Outputs = Folder;

ExitCode code_of(const std::vector<OutputFile>& outputs, const std::vector<InputFile>& inputs) {
  const auto [code, text] = failure([&] { check_outputs(outputs, inputs); });
  if (code != ExitCode::done) {
    EXPECT_EQ(text.find('\n'), text.npos) << text;
    EXPECT_EQ(text.find(outputs.front().key), 0) << text;
  }
  return code;
}

TEST_F(Outputs, AnInputIsNoneByWhateverName) {
  const auto input = file("halos.list");
  const std::vector<InputFile> inputs = {{"configuration", ""}, {"input.path", input}};
  fs::create_hard_link(input, path("hard.list"));
  for (const auto& output : {input, path("sub/../halos.list"), link("link.list", input), path("hard.list")}) {
    const auto [code, text] = failure([&] { check_outputs(std::vector<OutputFile>{{"output.path", output}}, inputs); });
    EXPECT_EQ(code, ExitCode::config) << output;
    EXPECT_EQ(text, "output.path: " + output + " is input.path (" + input + "), which is read; choose another path");
  }
  EXPECT_EQ(code_of({{"output.path", path("new.hdf5")}}, inputs), ExitCode::done);
}

TEST_F(Outputs, FoldersDevicesPipesAndNothingAreNone) {
  mkfifo(path("pipe").c_str(), 0600);
  for (const auto& output : {path("sub"), link("to_sub", path("sub")), std::string("/dev/null"), path("pipe"), std::string(),
                             link("to_null", "/dev/null")})
    EXPECT_EQ(code_of({{"output.path", output}}, {}), ExitCode::config) << output;
}

TEST_F(Outputs, TheirFolderMustBeThere) {
  link("nowhere", path("none/file"));
  link("circle", path("circle"));
  for (const char* output : {"none/mock.hdf5", "file/mock.hdf5", "nowhere", "circle"}) {
    file("file");
    EXPECT_EQ(failure([&] { check_outputs(std::vector<OutputFile>{{"output.path", path(output)}}, {}); }).first,
              ExitCode::io)
        << output;
  }
  EXPECT_EQ(code_of({{"output.path", path("none/more/mock.hdf5"), {}, true}}, {}), ExitCode::done);
  EXPECT_EQ(failure([&] { check_outputs(std::vector<OutputFile>{{"output.path", path("file/mock.hdf5"), {}, true}}, {}); }).first, ExitCode::io);
  EXPECT_EQ(code_of({{"output.path", link("new", "sub/new.hdf5")}}, {}), ExitCode::done);
  EXPECT_EQ(behind_links(path("new")), fs::path(path("sub/new.hdf5")));
}

TEST_F(Outputs, AnotherFileIsKeptAndAnEmptyOneIsNot) {
  const auto keep = [](const std::string&) { return std::string("is no mock"); };
  EXPECT_EQ(code_of({{"output.path", file("thesis.tex"), keep}}, {}), ExitCode::config);
  EXPECT_EQ(code_of({{"output.path", file("made_by_mktemp", ""), keep}}, {}), ExitCode::done);
}

TEST_F(Outputs, TwoOfThemAreNotOneFile) {
  link("other", "model");
  const auto [code, text] = failure([&] {
    check_outputs(std::vector<OutputFile>{{"train.model", path("model")}, {"train.checkpoint", path("other")}}, {});
  });
  EXPECT_EQ(code, ExitCode::config);
  EXPECT_EQ(text, "train.checkpoint: " + path("other") + " is also train.model; choose another path");
}

TEST_F(Outputs, AFolderOfResultsIsThereOrCanBeMade) {
  EXPECT_EQ(failure([&] { check_folder("--out", path("a/b/c")); }).first, ExitCode::done);
  EXPECT_EQ(failure([&] { check_folder("--out", path("sub")); }).first, ExitCode::done);
  EXPECT_EQ(failure([&] { check_folder("--out", file("file")); }).first, ExitCode::config);
  EXPECT_EQ(failure([&] { check_folder("--out", path("file/sub")); }).first, ExitCode::io);
  EXPECT_FALSE(fs::exists(path("a")));
}

TEST_F(Outputs, SpaceIsComparedWithWhatIsNeeded) {
  EXPECT_EQ(failure([&] { require_space(folder_ / "to/come", 1); }).first, ExitCode::done);
  const auto [code, text] = failure([&] { require_space(folder_ / "to/come", 1e30); });
  EXPECT_EQ(code, ExitCode::io);
  EXPECT_NE(text.find("No space left"), text.npos) << text;
}

using Lock = Folder;

TEST_F(Lock, OneRunAtATime) {
  const auto place = path("mock.hdf5.lock");
  {
    const RunLock first(place, "output.path: mock.hdf5");
    const auto [code, text] = failure([&] { const RunLock second(place, "output.path: mock.hdf5"); });
    EXPECT_EQ(code, ExitCode::io);
    EXPECT_EQ(text.find("output.path: mock.hdf5: another run is at work on it (host "), 0) << text;
    EXPECT_NE(text.find(fmt::format("process {}, since 20", getpid())), text.npos) << text;
    EXPECT_EQ(first.taken_over_from(), "");
  }
  EXPECT_FALSE(fs::exists(place));
  const RunLock third(place, "output.path: mock.hdf5");
}

void age(const std::string& place, std::chrono::seconds by) {
  fs::last_write_time(place, fs::file_time_type::clock::now() - by);
}

TEST_F(Lock, OfADeadProcessOfThisHostIsTakenOver) {
  char host[256] = {};
  gethostname(host, sizeof host - 1);
  const auto place = file("mock.lock", fmt::format("host: {}\nprocess: 999999999\nprocess_start: 1\nsince: then\n", host));
  const RunLock lock(place, "mock");
  EXPECT_EQ(lock.taken_over_from(), fmt::format("host {}, process 999999999, since then", host));
}

TEST_F(Lock, OfAnotherHostLastsWhileItShowsLife) {
  using std::chrono::seconds;
  const std::string text = "host: nowhere\nprocess: 1\nprocess_start: 1\nsince: then\njob: 7\ntry: 0\n";
  const auto place = file("mock.lock", text);
  age(place, seconds(300));
  const auto [code, message] = failure([&] { const RunLock lock(place, "mock"); });
  EXPECT_EQ(code, ExitCode::io);
  EXPECT_NE(message.find("host nowhere, process 1, since then, job 7"), message.npos) << message;
  EXPECT_NE(message.find("remove " + place), message.npos) << message;
  EXPECT_TRUE(fs::exists(place));

  setenv("SLURM_JOB_ID", "7", 1);  // the same job
  setenv("SLURM_RESTART_COUNT", "0", 1);
  EXPECT_EQ(failure([&] { const RunLock lock(place, "mock"); }).first, ExitCode::io);
  setenv("SLURM_RESTART_COUNT", "1", 1);  // queued again
  { const RunLock lock(place, "mock"); }
  unsetenv("SLURM_JOB_ID"), unsetenv("SLURM_RESTART_COUNT");

  file("mock.lock", text);
  age(place, seconds(700));
  EXPECT_EQ(RunLock(place, "mock").taken_over_from(), "host nowhere, process 1, since then, job 7");
}

TEST_F(Lock, ThatIsNotTheRunsOwnAnyMoreStaysWhenTheRunEnds) {
  const auto place = path("mock.lock");
  {
    const RunLock first(place, "mock");
    fs::remove(place);
    file("mock.lock", "another's");
  }
  EXPECT_TRUE(fs::exists(place));
}

TEST(Signals, AreNotedAndAskedFor) {
  EXPECT_EQ(stop_asked(), "");
  sigset_t held;  // as the program's start holds them
  sigemptyset(&held);
  sigaddset(&held, SIGUSR1);
  sigprocmask(SIG_BLOCK, &held, nullptr);
  raise(SIGUSR1);
  EXPECT_EQ(stop_asked(), "");
  catch_signals();
  EXPECT_EQ(stop_asked(), "SIGUSR1");
  raise(SIGTERM);
  EXPECT_EQ(stop_asked(), "SIGTERM");
  const auto [code, text] = failure([] { stop_here_if_asked("the tiles"); });
  EXPECT_EQ(code, ExitCode::stopped);
  EXPECT_EQ(text, "stopped by SIGTERM before the tiles; run the same command again to go on");
}

TEST(Memory, IsANumberWithAUnitOfBytes) {
  EXPECT_EQ(bytes_in("3 GiB"), 3 * 0x1p30);
  EXPECT_EQ(bytes_in("800MB"), 8e8);
  EXPECT_EQ(bytes_in("2e9"), 2e9);
  for (const char* text : {"", "GB", "3 GiBs", "3 gib", "-1 GB", "0 GB", "nan GB", "inf", "1 GB 2"})
    EXPECT_FALSE(bytes_in(text).has_value()) << text;
}

TEST(Printable, ShowsWhatCannotBeSeen) {
  EXPECT_EQ(printable("\ufeff#ID \u202eabc\u200b\x07"), "?#ID ?abc??");
  EXPECT_EQ(printable("Größe — 10³ \u2013"), "Größe — 10³ \u2013");
  EXPECT_EQ(printable("\xec 5\xa0m\xc3"), "? 5?m?");
  EXPECT_EQ(printable_lines("a\n\ufeffb"), "a\n?b");
}

}  // namespace
}  // namespace halobrush
