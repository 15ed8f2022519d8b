// What identifies the files of an input, and whether they are still what they were.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "halobrush/catalog/input_files.hpp"
#include "halobrush/mpi/communicator.hpp"

namespace halobrush::catalog {

/// A file as the file system sees it: any writing changes one of the numbers.
struct FileState {
  std::uint64_t bytes = 0;
  std::int64_t changed_ns = 0;  ///< time of the last change of content or state (ctime), nanoseconds since 1970
  std::uint64_t inode = 0;
  bool operator==(const FileState&) const = default;
};
/// Not collective. Throws io_error.
std::vector<FileState> states_of(const std::vector<std::string>& files);
/// @collective The root looks.
std::vector<FileState> states_of(const std::vector<std::string>& files, const mpi::Communicator& comm);

/// Size of the pieces of which large files are hashed.
inline constexpr std::uint64_t piece_bytes = std::uint64_t{1} << 26;

/// SHA-256 and size. Of a file of at most 64 MiB the hash is its plain SHA-256; of a larger one the SHA-256 of the
/// hexadecimal hashes of its pieces of 64 MiB, one a line; of several files that of their hashes, one a line.
struct Content {
  std::string sha256;
  std::uint64_t bytes = 0;
  std::vector<std::string> files = {};
  std::vector<FileState> states = {};  ///< of the files, before they were hashed
};

/// `format` as input.format. Not collective. Throws io_error, data_error (as files_of_catalog).
Content content_of(const InputPaths& paths, const std::string& format = "auto");
/// @collective Each rank hashes some of the pieces.
Content content_of(const InputPaths& paths, const mpi::Communicator& comm, const std::string& format = "auto");
/// @collective The same of files that are known; `states`: of each of them.
Content content_of_files(std::vector<std::string> files, std::vector<FileState> states, const mpi::Communicator& comm);

/// @collective Throws io_error naming the first file whose size or time of change is not what it was.
void check_unchanged(const std::vector<std::string>& files, const std::vector<FileState>& before,
                     const mpi::Communicator& comm);

/// A cheap look at an input, by which a later run sees that it is the same without hashing it: states of the files,
/// and hashes (XXH3) of five samples of 1 MiB, spread evenly from the first to the last byte.
struct Fingerprint {
  static constexpr std::size_t samples = 5;
  struct File {
    FileState state;
    std::array<std::uint64_t, samples> hashes{};
    bool operator==(const File&) const = default;
  };
  std::vector<std::string> paths;  ///< absolute, in the order of the catalog
  std::vector<File> files;
  bool operator==(const Fingerprint&) const = default;

  std::string to_json() const;
  /// Throws data_error where the text is none of to_json's.
  static Fingerprint from_json(const std::string& text);
};

/// @collective Each rank looks at some of the files. Throws io_error, data_error (as files_of_catalog).
Fingerprint fingerprint_of(const InputPaths& paths, const mpi::Communicator& comm,
                           const std::string& format = "auto");

}  // namespace halobrush::catalog
