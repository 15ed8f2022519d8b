// Which files a halo catalog consists of: input.path names a file, a folder or a pattern, or several of them.
#pragma once

#include <concepts>
#include <string>
#include <utility>
#include <vector>

#include "halobrush/mpi/communicator.hpp"

namespace halobrush::catalog {

/// What names a halo catalog, as it was given. A path that exists is that file or folder, whatever its name; another
/// one with `*`, `?` or `[` is a pattern.
struct InputPaths {
  std::vector<std::string> each;

  InputPaths(std::vector<std::string> paths) : each(std::move(paths)) {}
  template <std::convertible_to<std::string> Path>
  InputPaths(const Path& path) : each{path} {}

  /// For messages: the first one, and how many more there are.
  std::string brief() const;
  /// The path; of several a YAML list, which input.path takes.
  std::string text() const;
};

enum class HaloFormat { rockstar, halobrush, subfind, opencosmo, mpi_rockstar, genericio, compaso, column_map };

/// The files of a catalog, in natural order of their names ("2" before "10"), each once.
struct CatalogFiles {
  HaloFormat format = HaloFormat::rockstar;
  std::string path;  ///< the one file or SUBFIND folder; empty where a catalog has several files
  std::vector<std::string> files;
  std::vector<std::string> remarks = {};  ///< on files of a folder that are none of the catalog
};

/// `format` as input.format. Not collective. Throws io_error (unreadable), config_error (no such format) and data_error:
/// no halo catalog, a pattern without a match, a folder without a halo catalog, files of several formats, a file that
/// is absent from a numbered set.
CatalogFiles files_of_catalog(const InputPaths& paths, const std::string& format = "auto");
/// @collective The root looks.
CatalogFiles files_of_catalog(const InputPaths& paths, const std::string& format, const mpi::Communicator& comm);

/// "out_2.list" before "out_10.list".
bool natural_less(const std::string& a, const std::string& b);

}  // namespace halobrush::catalog
