// A light cone in several files: a folder that gets its name when all of them are complete.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "halobrush/catalog/existing.hpp"
#include "halobrush/catalog/identity.hpp"

namespace halobrush::lightcone {

/// Not collective; the root alone opens and publishes.
class Folder {
 public:
  /// `path`: without a slash at its end.
  Folder(const std::string& path, catalog::Identity identity);

  /// What lies under the name of the folder; an empty one is none.
  catalog::Found look() const;
  /// Throws config_error where something is there that no run wrote.
  void require_replaceable() const;

  /// Makes the folder in which files are written. What an earlier run of the same configuration completed in it stays; what a run of another
  /// one left goes. Throws io_error, and config_error for files that no run wrote.
  void open() const;
  /// Where a file is written.
  std::string file(const std::string& name) const { return (partial_ / name).string(); }
  /// Whether it is complete already.
  bool has(const std::string& name) const;

  /// Writes `texts` beside the files, names all in `lightcone.json` and gives the folder its name, in place of an older one.
  /// @param galaxies  of each file, by its name
  void publish(const std::map<std::string, std::uint64_t>& galaxies, const std::map<std::string, std::string>& texts) const;

 private:
  void write_list(const std::map<std::string, std::uint64_t>& galaxies, const std::vector<std::string>& others) const;
  std::filesystem::path path_, partial_, old_;
  catalog::Identity identity_;
};

}  // namespace halobrush::lightcone
