#include "folder.hpp"

#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <vector>

#include "halobrush/core/error.hpp"
#include "halobrush/core/files.hpp"
#include "halobrush/core/version.hpp"

namespace halobrush::lightcone {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr const char* list_name = "lightcone.json";
constexpr const char* suffixes[] = {"", ".partial", ".tmp"};  // of files that are being written

fs::path partial_of(const fs::path& path) {
  return path.string() + ".partial";
}

// Apart from a list that a run began to write when it was killed.
bool is_empty_or_absent(const fs::path& folder) {
  std::error_code error;
  if (!fs::exists(folder, error)) return true;
  fs::directory_iterator entry(folder, error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error))
    if (entry->path().filename() != std::string(list_name) + ".tmp") return false;
  return !error;
}

// The list of files; null where there is none that can be read.
json list_in(const fs::path& folder) {
  std::ifstream file(folder / list_name);
  const auto list = json::parse(file, nullptr, false);
  const auto holds = [&](const char* name, json::value_t type) { return list.contains(name) && list[name].type() == type; };
  const bool whole = list.is_object() && holds("identity", json::value_t::string) && holds("files", json::value_t::object) && holds("others", json::value_t::array);
  return whole ? list : json();
}

catalog::Identity identity_in(const json& list) {
  return catalog::identity_from(list["identity"].get<std::string>());
}

// Names of files in the folder, but none that leads out of it.
std::set<std::string> names_in(const json& list) {
  std::set<std::string> names;
  const auto add = [&](const std::string& name) {
    if (fs::path(name).filename() == name) names.insert(name);
  };
  for (const auto& [name, galaxies] : list["files"].items()) add(name);
  for (const auto& name : list["others"])
    if (name.is_string()) add(name.get<std::string>());
  return names;
}

bool lies_in(const fs::path& path, const fs::path& folder) {
  const auto within = fs::absolute(path).lexically_normal().lexically_relative(fs::absolute(folder).lexically_normal());
  return !within.empty() && *within.begin() != "..";
}

void remove_file(const fs::path& path) {
  std::error_code error;
  fs::remove(path, error);
  if (error) throw cannot_write(path, error.value());
}

}  // namespace

void check_folder_is_free(const std::string& path, const std::string& staging) {
  if (path.empty()) throw config_error("output.path: is not given; name the folder of the light cone (--out FOLDER)");
  const auto folder = behind_links(path), partial = partial_of(folder);
  for (const auto& there : {folder, partial}) {
    if (lies_in(staging, there)) throw config_error("output.staging: {} lies in {}, the folder of the light cone; choose another", staging, there.string());
    std::error_code error;
    if (fs::exists(there, error) && !fs::is_directory(there, error))
      throw config_error("output.path: {} is a file, and a light cone in several files needs a folder; choose another path", there.string());
    if (!is_empty_or_absent(there) && list_in(there).is_null())
      throw config_error("output.path: {} holds files, and no {} of halobrush; choose another path, or move them away", there.string(), list_name);
  }
}

Folder::Folder(const std::string& path, catalog::Identity identity)
    : path_(behind_links(path)), partial_(partial_of(path_)), identity_(std::move(identity)) {}

catalog::Found Folder::look() const {
  using catalog::Existing;
  if (is_empty_or_absent(path_)) return {};
  const auto list = list_in(path_);
  if (list.is_null()) return {Existing::damaged, fmt::format("it holds no {}", list_name)};
  if (const auto differing = catalog::differences(identity_in(list), identity_); !differing.empty()) return {Existing::other, differing};
  std::error_code error;
  for (const auto& name : names_in(list)) {
    if (!fs::exists(path_ / name, error)) return {Existing::damaged, fmt::format("its file {} is gone", name)};
    if (list["files"].contains(name) && catalog::look_at((path_ / name).string(), identity_).state != Existing::same)
      return {Existing::damaged, fmt::format("its file {} is not what was written", name)};
  }
  return {Existing::same, ""};
}

void Folder::open(const std::map<std::string, std::uint64_t>& galaxies, const std::map<std::string, std::string>& texts) const {
  std::error_code error;
  fs::create_directories(partial_, error);
  if (error) throw cannot_write(partial_, error.value());
  if (const auto list = list_in(partial_); !list.is_null() && !catalog::differences(identity_in(list), identity_).empty())
    for (const auto& name : names_in(list))
      for (const char* suffix : suffixes) remove_file(partial_ / (name + suffix));
  std::vector<std::string> others;
  for (const auto& [name, text] : texts) others.push_back(name);
  const json list = {{"halobrush", version()}, {"identity", catalog::text_of(identity_)}, {"files", galaxies}, {"others", others}};
  write_durably(partial_ / list_name, list.dump(1) + "\n");
  for (const auto& [name, text] : texts) write_durably(partial_ / name, text);
}

bool Folder::has(const std::string& name) const {
  return catalog::look_at(file(name), identity_).state == catalog::Existing::same;
}

void Folder::publish() const {
  for (const char* leftover : {".partial", ".tmp"})
    for (const auto& name : names_in(list_in(partial_))) remove_file(partial_ / (name + leftover));
  halobrush::publish(partial_, path_);
}

}  // namespace halobrush::lightcone
