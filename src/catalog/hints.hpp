// Hints to MPI-IO: how a file is striped and how ranks share in writing it.
#pragma once

#include <mpi.h>

#include <map>
#include <string>
#include <vector>

namespace halobrush::catalog {

using Hints = std::map<std::string, std::string>;

/// Throws config_error for a hint that MPI cannot be told, because its name or value is empty or too long.
void check_hints(const Hints& hints);

/// Hints as MPI takes them.
class HintInfo {
 public:
  explicit HintInfo(const Hints& hints);
  ~HintInfo();
  HintInfo(const HintInfo&) = delete;
  HintInfo& operator=(const HintInfo&) = delete;
  operator MPI_Info() const { return info_; }

 private:
  MPI_Info info_ = MPI_INFO_NULL;
};

/// Whether ranks shall pass their rows on to a few that write (romio_cb_write: enable). Otherwise each writes its own.
bool asks_for_collective_writes(const Hints& hints);

/// What MPI says of an open file; Open MPI repeats whatever it was told.
Hints hints_in_use(MPI_File file);

/// One remark for each hint that is not in use as it was asked for.
std::vector<std::string> remarks_on_hints(const Hints& asked, const Hints& in_use);

}  // namespace halobrush::catalog
