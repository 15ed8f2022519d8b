// MPI-IO behind one class: a file that ranks write together, and the hints on how.
#pragma once

#include <mpi.h>

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "halobrush/mpi/communicator.hpp"

namespace halobrush::catalog {

using Hints = std::map<std::string, std::string>;

/// Throws config_error for a hint that MPI cannot be told, because its name or value is empty or too long.
void check_hints(const Hints& hints);

/// Whether ranks shall hand their rows to a few that write (romio_cb_write: enable). Otherwise each writes its own.
bool asks_for_collective_writes(const Hints& hints);

/// A file that the ranks of a communicator (one rank alone, too) write, each where it likes. Errors are io_errors with a cure.
class MpiFile {
 public:
  /// @collective Creates the file; what hints say of its stripes holds for a file that is not there yet.
  MpiFile(const std::string& path, const Hints& hints, const mpi::Communicator& comm);
  /// @collective
  ~MpiFile();
  MpiFile(const MpiFile&) = delete;
  MpiFile& operator=(const MpiFile&) = delete;

  /// Not collective.
  void write(std::uint64_t at, std::span<const std::byte> bytes) const;
  /// @collective The same, by way of few ranks that write for all; `bytes` may be none. At most most_together.
  void write_together(std::uint64_t at, std::span<const std::byte> bytes) const;
  static constexpr std::uint64_t most_together = 1 << 30;

  Hints hints_in_use() const;  ///< as far as MPI says: Open MPI repeats whatever it was told
  void close();                ///< @collective
  void abandon() { file_ = MPI_FILE_NULL; }  ///< leaves it open: other ranks could not open it, and cannot close it with us

 private:
  void check(int code) const;
  void check_written(int code, const MPI_Status& status, int bytes) const;
  std::string path_;
  MPI_File file_ = MPI_FILE_NULL;
};

/// One remark for each hint that is not in use as it was asked for.
std::vector<std::string> remarks_on_hints(const Hints& asked, const Hints& in_use);

}  // namespace halobrush::catalog
