// Copies of the catalogs in a folder.
#include <filesystem>

#include "halobrush/core/error.hpp"
#include "halobrush/core/files.hpp"
#include "halobrush/core/hash.hpp"
#include "ways.hpp"

namespace halobrush::align {
namespace {

namespace fs = std::filesystem;
using catalog::GalaxyFile;

// Removes the unfinished copy unless it was published.
class Partial {
 public:
  explicit Partial(fs::path path) : path_(std::move(path)) {}
  ~Partial() {
    std::error_code ignored;
    fs::remove(path_, ignored);
  }
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

// What the file system refuses, as one line.
void allowed(const fs::path& path, const std::error_code& error) {
  if (error) throw cannot_write(path, error.value());
}

Made made_of_copy(const std::string& copy) {
  try {
    return made_of(GalaxyFile::to_read(copy));
  } catch (const Error&) {  // no catalog: it is not ours
    return {};
  }
}

class Copies : public Way {
 public:
  Copies(const Task& task, const config::Config& config) : task_(task), orienter_(config) {
    std::vector<std::string> copies;
    for (const auto& file : task.files) copies.push_back(copy_of(file, task.out));
    if (const auto twice = twice_in(copies); !twice.empty())
      throw config_error("two of the catalogs would become {}; give those of one name in runs with another --out", twice);
  }

  Plan plan(const std::string& path) const override {
    refuse_half_changed(path);
    const auto file = GalaxyFile::to_read(path);
    orienter_.check(path, file);
    return {.done = done(path), .space = {{task_.out, static_cast<double>(fs::file_size(path)) + orienter_.new_bytes(file)}}, .remark = ""};
  }

  std::string work(const std::string& path, Counts& counts) const override {
    const auto copy = copy_of(path, task_.out);
    const Partial partial(copy + ".partial");
    begin(path, partial.path());
    const auto original = GalaxyFile::to_read(path);
    auto changed = GalaxyFile::to_change(partial.path().string());
    const auto oriented = orienter_.orient(path, sha256_hex_of_file(path), original, changed, counts);
    changed.close();
    const auto said = verified(copy, oriented, unchanged_columns(original), unchanged_columns(GalaxyFile::to_read(partial.path().string())));
    publish(partial.path(), copy);
    return said;
  }

 private:
  // Whether the copy is there and of this configuration.
  bool done(const std::string& path) const {
    const auto copy = copy_of(path, task_.out);
    std::error_code error;
    if (!fs::exists(copy, error)) return false;
    const auto made = made_of_copy(copy);
    if (made.settings.empty()) throw config_error("--out: {} is there and is no copy that halobrush align made; choose another folder", copy);
    if (made.settings == orienter_.settings() && made.original_sha256 == sha256_hex_of_file(path)) return true;
    if (task_.overwrite) return false;
    throw config_error("--out: {} is there and was made of another catalog, or with {}; choose another folder, or give --overwrite to replace it",
                       copy, made.settings);
  }

  static void begin(const std::string& path, const fs::path& partial) {
    std::error_code error;
    fs::remove(partial, error);
    fs::copy_file(path, partial, error);
    allowed(partial, error);
    fs::permissions(partial, fs::perms::owner_write, fs::perm_options::add, error);  // the original may be read-only
    allowed(partial, error);
  }

  const Task& task_;
  Orienter orienter_;
};

}  // namespace

std::unique_ptr<Way> make_copies(const Task& task, const config::Config& config) {
  return std::make_unique<Copies>(task, config);
}

}  // namespace halobrush::align
