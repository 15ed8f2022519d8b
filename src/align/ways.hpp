// Where orientations go: into copies, into the catalogs themselves, or out of them again.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "halobrush/align/align.hpp"
#include "orienter.hpp"

namespace halobrush::align {

/// Bytes that a folder must have free.
struct Need {
  std::string folder;
  double bytes = 0;
};

struct Plan {
  bool done = false;  ///< before this run
  std::vector<Need> space;
  std::string remark;  ///< a line, or empty
};

/// Of one file of this rank; nothing is collective.
class Way {
 public:
  virtual ~Way() = default;
  /// Before any work: what cannot be done is refused.
  virtual Plan plan(const std::string& path) const = 0;
  /// Returns what is to be said of it.
  virtual std::string work(const std::string& path, Counts& counts) const = 0;
};

/// They throw config_error, also where two files would become one.
std::unique_ptr<Way> make_copies(const Task& task, const config::Config& config);
std::unique_ptr<Way> change_in_place(const Task& task, const config::Config& config);
std::unique_ptr<Way> restore(const Task& task);

/// The first text that is there twice; empty: none.
std::string twice_in(std::vector<std::string> texts);

}  // namespace halobrush::align
