#include "claim.hpp"

#include <filesystem>

#include "halobrush/core/error.hpp"
#include "halobrush/core/files.hpp"
#include "halobrush/mpi/agree.hpp"

namespace halobrush::app {
namespace {

namespace fs = std::filesystem;

// `<path>.lock`, the same by whatever way the path is written.
fs::path lock_of(const std::string& path) {
  std::error_code error;
  const auto whole = fs::absolute(behind_links(path));  // of a relative name that is not there nothing else would remain
  auto place = fs::weakly_canonical(whole, error);
  if (error) place = whole;
  if (!place.has_filename()) place = place.parent_path();
  fs::create_directories(place.parent_path(), error);
  if (error) throw cannot_write(place.parent_path(), error.value());
  return place += ".lock";
}

}  // namespace

void check_files(const Files& files, const mpi::Communicator& comm) {
  mpi::agree(comm, [&] {
    if (!comm.root()) return;
    const auto& folder = files.folder;
    if (folder.key == "--out" || folder.key == "calibrate.path") {  // the outputs lie in it, if it is there
      check_folder(folder.key, folder.path);
      if (!fs::exists(folder.path)) return;
    }
    check_outputs(files.outputs, files.inputs);
    if (!folder.key.empty()) check_folder(folder.key, folder.path);
  });
}

Claim::Claim(const Files& files, const mpi::Communicator& comm, Logger& log) {
  mpi::agree(comm, [&] {
    if (!comm.root()) return;
    for (const auto& [key, path] : files.locked) {
      locks_.push_back(std::make_unique<RunLock>(lock_of(path), key + ": " + path));
      if (const auto& dead = locks_.back()->taken_over_from(); !dead.empty())
        log.info("{}: goes on where a run ended without a word ({})", path, dead);
    }
    if (!files.replaced.empty() && fs::exists(files.replaced))
      log.warn("{} is there already; it is replaced when this run is done", files.replaced);
  });
}

}  // namespace halobrush::app
