#include "halobrush/core/files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include "halobrush/core/log.hpp"

namespace halobrush {
namespace {

class Descriptor {
 public:
  Descriptor(const std::filesystem::path& path, int flags)
      : path_(path), fd_(::open(path.c_str(), flags | O_CLOEXEC, 0666)) {
    if (fd_ < 0) throw cannot_write(path_, errno);
  }
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  void write(std::span<const std::byte> bytes) const {
    while (!bytes.empty()) {
      const auto n = ::write(fd_, bytes.data(), bytes.size());
      if (n < 0 && errno != EINTR) throw cannot_write(path_, errno);
      if (n > 0) bytes = bytes.subspan(static_cast<std::size_t>(n));
    }
  }
  void reserve(std::uint64_t bytes) const {
    if (bytes == 0 || ::fallocate(fd_, FALLOC_FL_KEEP_SIZE, 0, static_cast<off_t>(bytes)) == 0) return;
    const int reason = errno;
    if (reason != EOPNOTSUPP && reason != ENOSYS) throw cannot_write(path_, reason);
    struct statvfs disk {};
    if (::fstatvfs(fd_, &disk) == 0 && disk.f_bavail * disk.f_frsize < bytes)
      throw cannot_write(path_, ENOSPC);
  }
  void begin_sync() const { ::sync_file_range(fd_, 0, 0, SYNC_FILE_RANGE_WRITE); }
  void sync() const {
    if (::fsync(fd_) != 0) throw cannot_write(path_, errno);
  }
  /// Some file systems report a full disk no earlier than here.
  void close() {
    const int fd = std::exchange(fd_, -1);
    if (::close(fd) != 0) throw cannot_write(path_, errno);
  }
  bool ends_a_line() const {
    const auto size = ::lseek(fd_, 0, SEEK_END);
    char last = '\n';
    return size <= 0 || (::pread(fd_, &last, 1, size - 1) == 1 && last == '\n');
  }

 private:
  std::filesystem::path path_;
  int fd_;
};

void sync_folder_of(const std::filesystem::path& path) {
  const auto folder = path.parent_path();
  Descriptor(folder.empty() ? "." : folder, O_RDONLY | O_DIRECTORY).sync();
}

std::string cure_of(int reason) {
  switch (reason) {
    case ENOSPC:
    case EDQUOT:
      return "free space or choose another folder, then run again";
    case EACCES:
    case EPERM:
    case EROFS:
      return "choose a folder that you may write to";
    case ENOENT:
      return "create the folder or choose another one";
    default:
      return "check the path and the file system";
  }
}

// The folder itself, or the nearest above it that is there.
std::filesystem::path existing(std::filesystem::path folder) {
  std::error_code error;
  folder = std::filesystem::absolute(folder, error);
  while (!std::filesystem::exists(folder, error) && folder.has_relative_path()) folder = folder.parent_path();
  return folder;
}

}  // namespace

Error cannot_write(const std::filesystem::path& path, int reason) {
  return io_error("{}: cannot be written ({}); {}", path.string(), std::strerror(reason), cure_of(reason));
}

std::filesystem::path behind_links(const std::filesystem::path& path) {
  constexpr int most = 40;  // as the system has it
  auto target = path;
  for (int links = 0; links < most; ++links) {
    std::error_code error;
    const auto next = std::filesystem::read_symlink(target, error);
    if (error) return target;  // no link, or nothing there
    target = target.parent_path() / next;
  }
  throw cannot_write(path, ELOOP);
}

void require_space(const std::filesystem::path& folder, double bytes) {
  struct statvfs disk {};
  if (::statvfs(existing(folder).c_str(), &disk) != 0) return;
  const double free = static_cast<double>(disk.f_bavail) * static_cast<double>(disk.f_frsize);
  if (free < bytes)
    throw io_error("{}: {} ({} are needed and {} are free); {}", folder.string(), std::strerror(ENOSPC),
                   human_bytes(bytes), human_bytes(free), cure_of(ENOSPC));
}

bool same_file_system(const std::filesystem::path& a, const std::filesystem::path& b) {
  struct stat first {}, second {};
  return ::stat(existing(a).c_str(), &first) == 0 && ::stat(existing(b).c_str(), &second) == 0 &&
         first.st_dev == second.st_dev;
}

void create_empty(const std::filesystem::path& path) {
  Descriptor(path, O_WRONLY | O_CREAT | O_TRUNC).close();
}

void reserve(const std::filesystem::path& path, std::uint64_t bytes) {
  Descriptor(path, O_WRONLY).reserve(bytes);
}

void release(const std::filesystem::path& path) {
  if (::truncate(path.c_str(), static_cast<off_t>(std::filesystem::file_size(path))) != 0) throw cannot_write(path, errno);
}

void flush(const std::filesystem::path& path) {
  Descriptor file(path, O_RDONLY);
  file.sync();
  file.close();
}

void begin_flush(const std::filesystem::path& path) {
  Descriptor(path, O_RDONLY).begin_sync();
}

void write_durably(const std::filesystem::path& path, std::span<const std::byte> bytes) {
  const auto temporary = std::filesystem::path(path) += ".tmp";
  try {
    Descriptor file(temporary, O_WRONLY | O_CREAT | O_TRUNC);
    file.write(bytes);
    file.close();
    publish(temporary, path);
  } catch (...) {
    std::error_code ignored;
    std::filesystem::remove(temporary, ignored);
    throw;
  }
}

void write_durably(const std::filesystem::path& path, const std::string& text) {
  write_durably(behind_links(path), std::as_bytes(std::span(text)));
}

void publish(const std::filesystem::path& from, const std::filesystem::path& to) {
  flush(from);
  if (std::rename(from.c_str(), to.c_str()) != 0) throw cannot_write(to, errno);
  sync_folder_of(to);
}

void append_line_durably(const std::filesystem::path& path, const std::string& line) {
  std::error_code error;
  const bool is_new = !std::filesystem::exists(path, error);
  Descriptor file(path, O_RDWR | O_CREAT | O_APPEND);
  const std::string text = (file.ends_a_line() ? "" : "\n") + line + "\n";
  file.write(std::as_bytes(std::span(text)));
  file.sync();
  file.close();
  if (is_new) sync_folder_of(path);
}

}  // namespace halobrush
