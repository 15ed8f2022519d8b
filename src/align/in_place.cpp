// The catalogs themselves are changed, and put back.
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "halobrush/core/changed_file.hpp"
#include "halobrush/core/error.hpp"
#include "halobrush/core/files.hpp"
#include "halobrush/core/hash.hpp"
#include "halobrush/core/lock.hpp"
#include "projection.hpp"
#include "ways.hpp"

namespace halobrush::align {
namespace {

namespace fs = std::filesystem;
using catalog::GalaxyFile;

constexpr auto ending = ".before-align";

// A catalog, by whatever links it is named, and what lies beside it.
struct Place {
  explicit Place(const std::string& path) {
    std::error_code error;
    file = fs::canonical(path, error);
    if (error) throw io_error("{}: cannot be read ({}); check the path", path, error.message());
    backup = fs::path(file) += ending;
  }
  RunLock lock() const { return RunLock(fs::path(file) += ".lock", file.string()); }

  // A link that leads nowhere may lead to a disk that is missing now.
  bool has_backup() const {
    if (fs::exists(backup)) return true;
    if (fs::is_symlink(backup))
      throw io_error("{}: leads to {}, which is not there; bring the backup back, or remove the link if you removed it", backup.string(), fs::read_symlink(backup).string());
    return false;
  }
  bool is_half_changed() const { return has_backup() && facts_of_backup(backup).sha256_changed.empty(); }

  fs::path file, backup;  // the backup, or a link to it
};

std::string backup_in(const std::string& folder, const Place& place) {
  return (fs::absolute(folder) / place.file.filename()).string() + ending;
}

// In this order a crash leaves no full backup without the link that leads to it.
void make_backup(const Place& place, const std::string& folder, const std::string& sha256) {
  if (folder.empty()) return begin_backup(place.backup, place.file, sha256);
  const auto backup = backup_in(folder, place);
  begin_backup(backup, place.file, sha256);
  const auto link = fs::path(place.backup) += ".tmp";
  fs::remove(link);
  fs::create_symlink(backup, link);
  publish(link, place.backup);
}

void refuse_full_backup(const std::string& backup) {
  if (fs::exists(backup) && holds_pages(backup)) throw config_error("--backup: {} is there already; choose another folder, or move it away", backup);
}

void undo(const Place& place) {
  put_back(place.file, place.backup);
  const auto backup = behind_links(place.backup);
  fs::remove(place.backup);
  fs::remove(backup);
}

class InPlace : public Way {
 public:
  InPlace(const Task& task, const config::Config& config) : task_(task), orienter_(config) {}

  Plan plan(const std::string& path) const override {
    const Place place(path);
    const auto lock = place.lock();
    Plan plan;
    if (place.is_half_changed()) {
      undo(place);
      plan.remark = fmt::format("{}: a run that changed it did not end; it is as it was before, and is done anew", path);
    }
    if (::access(place.file.c_str(), W_OK) != 0) throw cannot_write(path, errno);
    const auto file = GalaxyFile::to_read(path);
    plan.done = done(path, place, made_of(file).settings);
    if (plan.done) return plan;
    orienter_.check(path, file);
    if (!task_.backup.empty()) refuse_full_backup(backup_in(task_.backup, place));
    plan.space = space(place, file);
    return plan;
  }

  std::string work(const std::string& path, Counts& counts) const override {
    const Place place(path);
    const auto lock = place.lock();
    if (place.has_backup()) throw io_error("{}: another run has changed it meanwhile; run again", path);
    const auto sha256 = sha256_hex_of_file(place.file);
    const auto were = unchanged_columns(GalaxyFile::to_read(path));
    auto changed = std::make_shared<ChangedFile>(place.file);
    make_backup(place, task_.backup, sha256);
    try {
      const auto oriented = change(path, place, sha256, std::move(changed), counts);
      const auto said = verified(path, oriented, were, unchanged_columns(GalaxyFile::to_read(path)));
      finish_backup(place.backup, sha256_hex_of_file(place.file));
      return said + fmt::format("; what was before: {}", place.backup.string());
    } catch (...) {
      undo(place);
      throw;
    }
  }

 private:
  bool done(const std::string& path, const Place& place, const std::string& settings) const {
    if (settings == orienter_.settings()) return true;
    const bool backup = place.has_backup();
    if (settings.empty() && !backup) return false;
    if (settings.empty())
      throw config_error("{}: is not aligned, and {} is the backup of a catalog of that name that was; move the backup away", path, place.backup.string());
    throw config_error("{}: was aligned already, with {}; {}", path, settings,
                       backup ? "put it back as it was with halobrush align --restore first" : "its backup is gone, give the catalog as it was before");
  }

  // New values of a column with filters may need another place.
  std::vector<Need> space(const Place& place, const GalaxyFile& file) const {
    double grows = orienter_.new_bytes(file), saved = 0;
    for (const auto& group : file.groups())
      for (const auto& column : replaced_columns(group)) {
        const auto bytes = static_cast<double>(group.stored_bytes(column));
        saved += bytes;
        if (group.filtered(column)) grows += bytes;
      }
    return {{place.file.parent_path().string(), grows}, {task_.backup.empty() ? place.file.parent_path().string() : task_.backup, saved}};
  }

  Oriented change(const std::string& path, const Place& place, const std::string& sha256, std::shared_ptr<ChangedFile> changed, Counts& counts) const {
    try {
      changed->save_to(place.backup);
      auto file = GalaxyFile::to_change(path, changed);
      const auto oriented = orienter_.orient(path, sha256, file, file, counts);
      file.close();
      return oriented;
    } catch (...) {
      changed->abandon();
      throw;
    }
  }

  const Task& task_;
  Orienter orienter_;
};

class Restoring : public Way {
 public:
  Plan plan(const std::string& path) const override {
    const Place place(path);
    const auto lock = place.lock();
    if (place.has_backup()) return {};
    if (!made_of(GalaxyFile::to_read(path)).settings.empty())
      throw config_error("{}: there is no {}, from which it could be put back; give the catalog as it was before", path, place.backup.string());
    return {.done = true, .space = {}, .remark = ""};
  }

  std::string work(const std::string& path, Counts&) const override {
    const Place place(path);
    const auto lock = place.lock();
    const auto facts = facts_of_backup(place.backup);
    if (!facts.sha256_changed.empty() && sha256_hex_of_file(place.file) != facts.sha256_changed)
      throw data_error("{}: is no longer what align made of it (its SHA-256 is another one), and would lose what was changed since; move {} away to keep it", path,
                       place.backup.string());
    undo(place);
    return fmt::format("{}: is as it was before, byte for byte (SHA-256 {})", path, facts.sha256);
  }
};

// Files that are one, or whose backups would be.
void check_places(const Task& task) {
  std::vector<std::string> files, backups;
  for (const auto& path : task.files) {
    const Place place(path);
    files.push_back(place.file.string());
    if (!task.backup.empty()) backups.push_back(backup_in(task.backup, place));
  }
  if (const auto twice = twice_in(files); !twice.empty()) throw config_error("two of the catalogs are {}; give it once", twice);
  if (const auto twice = twice_in(backups); !twice.empty())
    throw config_error("two of the catalogs would have the backup {}; give those of one name in runs with another --backup", twice);
}

}  // namespace

std::unique_ptr<Way> change_in_place(const Task& task, const config::Config& config) {
  check_places(task);
  return std::make_unique<InPlace>(task, config);
}

std::unique_ptr<Way> restore(const Task& task) {
  check_places(task);
  return std::make_unique<Restoring>();
}

void refuse_half_changed(const std::string& path) {
  std::error_code error;
  if (!fs::exists(path, error)) return;
  if (const Place place(path); place.is_half_changed())
    throw data_error("{}: a run that changes it in place has not ended; run that again, or put the catalog back with halobrush align --restore", path);
}

}  // namespace halobrush::align
