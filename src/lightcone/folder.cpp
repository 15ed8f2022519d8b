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

bool is_empty_or_absent(const fs::path& folder) {
  std::error_code error;
  return !fs::exists(folder, error) || (fs::is_directory(folder, error) && fs::is_empty(folder, error));
}

// The list of files; null where there is none that can be read.
json list_in(const fs::path& folder) {
  std::ifstream file(folder / list_name);
  const auto list = json::parse(file, nullptr, false);
  const auto holds = [&](const char* name, json::value_t type) { return list.contains(name) && list[name].type() == type; };
  const bool whole = list.is_object() && holds("identity", json::value_t::string) && holds("files", json::value_t::object) && holds("others", json::value_t::array);
  return whole ? list : json();
}

std::set<std::string> names_in(const json& list) {
  std::set<std::string> names = {list_name};
  for (const auto& [name, unused] : list["files"].items()) names.insert(name);
  for (const auto& name : list["others"])
    if (name.is_string()) names.insert(name.get<std::string>());
  return names;
}

// A file that is there and not in the list; none: empty.
std::string stranger_in(const fs::path& folder, const std::set<std::string>& names) {
  for (const auto& entry : fs::directory_iterator(folder))
    if (const auto name = entry.path().filename().string(); !names.contains(name)) return name;
  return "";
}

// Only what a list names; the folder itself where nothing else is in it.
void remove_listed(const fs::path& folder) {
  const auto list = list_in(folder);
  if (list.is_null()) return;
  auto names = names_in(list);
  names.erase(list_name);
  for (const auto& name : names)
    if (fs::path(name).filename() == name) fs::remove(folder / name);
  fs::remove(folder / list_name);
  std::error_code not_empty;
  fs::remove(folder, not_empty);
}

}  // namespace

Folder::Folder(const std::string& path, catalog::Identity identity)
    : path_(behind_links(path)), partial_(path_.string() + ".partial"), old_(path_.string() + ".old"), identity_(std::move(identity)) {}

catalog::Found Folder::look() const {
  using catalog::Existing;
  if (is_empty_or_absent(path_)) return {};
  const auto list = list_in(path_);
  if (list.is_null()) return {Existing::damaged, fmt::format("{}: holds no {}", path_.string(), list_name)};
  for (const auto& name : names_in(list))
    if (!fs::exists(path_ / name)) return {Existing::other, fmt::format("its file {} is gone", name)};
  const auto differing = catalog::differences(catalog::identity_from(list["identity"].get<std::string>()), identity_);
  return {differing.empty() ? Existing::same : Existing::other, differing};
}

void Folder::require_replaceable() const {
  if (is_empty_or_absent(path_)) return;
  if (!fs::is_directory(path_)) throw config_error("output.path: {} is a file, and a light cone in several files needs a folder; choose another path", path_.string());
  const auto list = list_in(path_);
  if (list.is_null())
    throw config_error("output.path: {} holds files, and no {} of halobrush that names them; choose another path, or move them away", path_.string(), list_name);
  if (const auto name = stranger_in(path_, names_in(list)); !name.empty())
    throw config_error("output.path: {} holds {}, which halobrush did not write; choose another path, or move it away", path_.string(), name);
}

bool Folder::has(const std::string& name) const {
  return catalog::look_at(file(name), identity_).state == catalog::Existing::same;
}

void Folder::open() const {
  remove_listed(old_);
  std::error_code error;
  fs::create_directories(partial_, error);
  if (error) throw cannot_write(partial_, error.value());
  fs::remove(partial_ / (std::string(list_name) + ".tmp"));  // of a run that was killed
  if (!fs::is_empty(partial_) && list_in(partial_).is_null())
    throw config_error("output.path: {} holds files, and no {} of halobrush; move them away", partial_.string(), list_name);
  write_list({}, {});  // from here on the folder is known as a run's
  std::vector<fs::path> unfinished;
  for (const auto& entry : fs::directory_iterator(partial_))
    if (const auto name = entry.path().filename().string(); name != list_name && !(name.ends_with(".hdf5") && has(name))) unfinished.push_back(entry.path());
  for (const auto& path : unfinished) fs::remove(path);
}

void Folder::publish(const std::map<std::string, std::uint64_t>& galaxies, const std::map<std::string, std::string>& texts) const {
  std::vector<std::string> others;
  for (const auto& [name, text] : texts) {
    write_durably(partial_ / name, text);
    others.push_back(name);
  }
  write_list(galaxies, others);
  if (!is_empty_or_absent(path_)) halobrush::publish(path_, old_);
  halobrush::publish(partial_, path_);
  remove_listed(old_);
}

void Folder::write_list(const std::map<std::string, std::uint64_t>& galaxies, const std::vector<std::string>& others) const {
  const json list = {{"halobrush", version()}, {"identity", catalog::text_of(identity_)}, {"files", galaxies}, {"others", others}};
  write_durably(partial_ / list_name, list.dump(1) + "\n");
}

}  // namespace halobrush::lightcone
