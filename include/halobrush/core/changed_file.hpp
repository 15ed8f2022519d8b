// A file that is changed in place and can be put back byte for byte, at whatever moment the change ends: no byte is overwritten before the disk holds the
// old one in a backup, a file of its own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace halobrush {

/// What a backup says of its file.
struct BackupFacts {
  std::string file;              ///< its name
  std::uint64_t bytes = 0;       ///< before the change
  std::string sha256;            ///< before the change
  std::string sha256_changed;    ///< when the change was finished; empty: it was not
};

/// Makes the backup of a file of which nothing is changed yet.
void begin_backup(const std::filesystem::path& backup, const std::filesystem::path& file, const std::string& sha256);
/// Throws data_error where it is no backup.
BackupFacts facts_of_backup(const std::filesystem::path& backup);
bool holds_pages(const std::filesystem::path& backup);  ///< of a file that was changed
/// From now on the change is there for good.
void finish_backup(const std::filesystem::path& backup, const std::string& sha256_changed);
/// The file is as it was; where this is killed, it begins again. Throws data_error where the file has not the SHA-256 that it had. The backup then holds
/// nothing more.
void put_back(const std::filesystem::path& file, const std::filesystem::path& backup);

/// The file while it is changed. Pages of it that were there before are held in memory until some are together, then the backup gets the old ones, and is
/// flushed, and only then the file gets the new ones. What is written behind its old end goes there at once: to put it back, the file is cut.
class ChangedFile {
 public:
  /// Throws io_error, also where another program has locked the file.
  explicit ChangedFile(const std::filesystem::path& file);
  ~ChangedFile();
  ChangedFile(const ChangedFile&) = delete;
  ChangedFile& operator=(const ChangedFile&) = delete;

  /// Before anything is written.
  void save_to(const std::filesystem::path& backup);

  std::uint64_t size() const { return size_; }
  void read(std::uint64_t at, std::span<std::byte> bytes) const;  ///< zeros behind the end
  void write(std::uint64_t at, std::span<const std::byte> bytes);
  void resize(std::uint64_t bytes);  ///< never shorter than it was before
  void flush();                      ///< returns when the disk has all of it
  /// From now on writes do nothing: a library that failed may still try some when the program ends.
  void abandon();

  static constexpr std::size_t page_bytes = 4096;
  using Page = std::vector<std::byte>;

 private:
  Page& held(std::uint64_t page);
  void pass_on();
  void save_pages();

  std::filesystem::path file_, backup_;
  int fd_ = -1, backup_fd_ = -1;
  std::uint64_t before_ = 0, size_ = 0, backup_end_ = page_bytes;
  std::vector<bool> saved_;             // pages that the backup has
  std::map<std::uint64_t, Page> held_;  // by number of the page
  bool abandoned_ = false;
};

}  // namespace halobrush
