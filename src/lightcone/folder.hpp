// A light cone in several files: a folder that gets its name when all of them are complete.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

#include "halobrush/catalog/existing.hpp"
#include "halobrush/catalog/identity.hpp"

namespace halobrush::lightcone {

/// Throws config_error where no path is given, or where something that no run wrote is in the way, under its name or under that of the
/// unfinished folder, or where the staging folder lies in them. Reads nothing else.
void check_folder_is_free(const std::string& path, const std::string& staging);

/// Not collective; the root alone opens and publishes. What lies under the name of the folder is never replaced.
class Folder {
 public:
  /// `path`: without a slash at its end.
  Folder(const std::string& path, catalog::Identity identity);

  /// What lies under the name of the folder; an empty folder is none.
  catalog::Found look() const;

  /// Makes the unfinished folder, `<path>.partial`, writes `texts` and `lightcone.json`, which names everything in it. Files that an earlier
  /// run of this configuration completed stay; those that one of another configuration named go. Throws io_error.
  /// @param galaxies  of each catalog to come, by its name
  void open(const std::map<std::string, std::uint64_t>& galaxies, const std::map<std::string, std::string>& texts) const;
  /// Where a file is written.
  std::string file(const std::string& name) const { return (partial_ / name).string(); }
  /// Whether a catalog is complete already.
  bool has(const std::string& name) const;
  /// Gives the folder its name.
  void publish() const;

 private:
  std::filesystem::path path_, partial_;
  catalog::Identity identity_;
};

}  // namespace halobrush::lightcone
