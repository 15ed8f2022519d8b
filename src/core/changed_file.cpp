#include "halobrush/core/changed_file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <optional>
#include <sstream>

#include "halobrush/core/error.hpp"
#include "halobrush/core/files.hpp"
#include "halobrush/core/hash.hpp"

namespace halobrush {
namespace {

namespace fs = std::filesystem;

constexpr auto page_bytes = ChangedFile::page_bytes;
constexpr std::size_t most_held = (std::size_t{8} << 20) / page_bytes;  // pages; each time the disk is waited for
constexpr auto first_line = "halobrush: bytes of a file before it was changed in place, to be put back by halobrush align --restore";

// A backup is a page of text, then records. A crash may leave half a record: the file then still has its page.
struct Record {
  std::uint64_t check = 0;  // XXH3-64 of the rest
  std::uint64_t page = 0;
  std::array<std::byte, page_bytes> bytes{};

  std::uint64_t hash() const { return xxh3(std::as_bytes(std::span(this, 1)).subspan(sizeof(check))); }
};
static_assert(sizeof(Record) == 2 * sizeof(std::uint64_t) + page_bytes);

constexpr std::uint64_t end_mark = ~std::uint64_t{0};  // in place of a page's number: the change is finished

std::size_t read_at(int fd, const fs::path& path, std::uint64_t at, std::span<std::byte> bytes) {
  std::size_t done = 0;
  while (done < bytes.size()) {
    const auto n = ::pread(fd, bytes.data() + done, bytes.size() - done, static_cast<off_t>(at + done));
    if (n < 0 && errno != EINTR) throw io_error("{}: cannot be read ({}); check the file system", path.string(), std::strerror(errno));
    if (n == 0) break;
    if (n > 0) done += static_cast<std::size_t>(n);
  }
  return done;
}

void write_at(int fd, const fs::path& path, std::uint64_t at, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const auto n = ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(at));
    if (n < 0 && errno != EINTR) throw cannot_write(path, errno);
    if (n > 0) bytes = bytes.subspan(static_cast<std::size_t>(n)), at += static_cast<std::uint64_t>(n);
  }
}

void flush_to_disk(int fd, const fs::path& path) {
  if (::fsync(fd) != 0) throw cannot_write(path, errno);
}

int open_to_write(const fs::path& path) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
  if (fd < 0) throw cannot_write(path, errno);
  return fd;
}

// As HDF5 locks files that it opens; file systems without locks have none.
void take(int fd, const fs::path& file) {
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
    throw io_error("{}: another program has it open; close it there, then run again", file.string());
}

// Closes itself.
class Opened {
 public:
  explicit Opened(const fs::path& path) : path_(path), fd_(open_to_write(path)) {}
  ~Opened() { ::close(fd_); }
  Opened(const Opened&) = delete;
  Opened& operator=(const Opened&) = delete;

  std::uint64_t size() const {
    struct stat file {};
    if (::fstat(fd_, &file) != 0) throw cannot_write(path_, errno);
    return static_cast<std::uint64_t>(file.st_size);
  }
  void take() const { halobrush::take(fd_, path_); }
  void write(std::uint64_t at, std::span<const std::byte> bytes) const { write_at(fd_, path_, at, bytes); }
  void cut(std::uint64_t bytes) const {
    if (::ftruncate(fd_, static_cast<off_t>(bytes)) != 0) throw cannot_write(path_, errno);
    sync();
  }
  void sync() const { flush_to_disk(fd_, path_); }

 private:
  fs::path path_;
  int fd_;
};

std::optional<Record> next_record(std::istream& backup) {
  Record record;
  if (!backup.read(reinterpret_cast<char*>(&record), sizeof(record)) || record.hash() != record.check) return std::nullopt;
  return record;
}

// Empty where the last record is another one, or half of one.
std::string end_of(std::istream& backup, const fs::path& path) {
  const auto size = fs::file_size(path);
  if (size < page_bytes + sizeof(Record) || (size - page_bytes) % sizeof(Record) != 0) return "";
  backup.seekg(static_cast<std::streamoff>(size - sizeof(Record)));
  const auto last = next_record(backup);
  return last && last->page == end_mark ? std::string(reinterpret_cast<const char*>(last->bytes.data())) : "";
}

Record end_record(const std::string& sha256) {
  Record record;
  record.page = end_mark;
  std::ranges::copy(std::as_bytes(std::span(sha256)), record.bytes.begin());
  record.check = record.hash();
  return record;
}

std::map<std::string, std::string> lines_of(std::istream& backup) {
  std::string text(page_bytes, '\0');
  backup.read(text.data(), static_cast<std::streamsize>(text.size()));
  std::istringstream lines(text);
  std::map<std::string, std::string> facts;
  for (std::string line; std::getline(lines, line);)
    if (const auto colon = line.find(": "); colon != std::string::npos) facts[line.substr(0, colon)] = line.substr(colon + 2);
  return facts;
}

// Pages of the file get their old bytes.
void put_back_pages(const fs::path& file, const fs::path& backup, std::uint64_t bytes) {
  const Opened opened(file);
  opened.take();
  if (opened.size() < bytes)
    throw data_error("{}: has {} bytes and had {} (it is not the file that was being changed); bring that one back, or move {} away", file.string(), opened.size(), bytes,
                     backup.string());
  std::ifstream records(backup, std::ios::binary);
  records.seekg(page_bytes);
  while (const auto record = next_record(records)) {
    const auto at = record->page * page_bytes;
    if (record->page == end_mark || at >= bytes) break;
    opened.write(at, std::span(record->bytes).first(std::min<std::uint64_t>(page_bytes, bytes - at)));
  }
  opened.cut(bytes);
}

}  // namespace

void begin_backup(const fs::path& backup, const fs::path& file, const std::string& sha256) {
  auto text = fmt::format("{}\nbytes: {}\nsha256: {}\nfile: {}\n", first_line, fs::file_size(file), sha256, file.filename().string());
  text.resize(page_bytes, '\n');
  write_durably(backup, std::as_bytes(std::span(text)));
}

BackupFacts facts_of_backup(const fs::path& backup) {
  std::ifstream file(backup, std::ios::binary);
  if (!file) throw io_error("{}: cannot be read; it is the backup of a file that was changed, make it readable", backup.string());
  const auto lines = lines_of(file);
  BackupFacts facts;
  const auto get = [&](const char* name) {
    const auto found = lines.find(name);
    return found == lines.end() ? std::string() : found->second;
  };
  const auto bytes = get("bytes");
  facts.file = get("file"), facts.sha256 = get("sha256");
  if (facts.sha256.empty() || std::from_chars(bytes.data(), bytes.data() + bytes.size(), facts.bytes).ec != std::errc())
    throw data_error("{}: is no backup that halobrush made; move it away", backup.string());
  facts.sha256_changed = end_of(file, backup);
  return facts;
}

bool holds_pages(const fs::path& backup) {
  return fs::file_size(backup) > page_bytes;
}

void finish_backup(const fs::path& backup, const std::string& sha256_changed) {
  const auto record = end_record(sha256_changed);
  const Opened opened(backup);
  opened.write(opened.size(), std::as_bytes(std::span(&record, 1)));
  opened.sync();
}

void put_back(const fs::path& file, const fs::path& backup) {
  const auto facts = facts_of_backup(backup);
  const Opened opened(backup);
  if (!facts.sha256_changed.empty()) opened.cut(opened.size() - sizeof(Record));  // where this is killed, the change counts as unfinished
  put_back_pages(file, backup, facts.bytes);
  if (sha256_hex_of_file(file) != facts.sha256)
    throw data_error("{}: its SHA-256 is not that from before the change, which {} names (another program has changed the file, too); get the file from where it came from",
                     file.string(), backup.string());
  opened.cut(page_bytes);
}

ChangedFile::ChangedFile(const fs::path& file) : file_(file), fd_(open_to_write(file)) {
  try {
    take(fd_, file);
    before_ = size_ = fs::file_size(file);
  } catch (...) {
    ::close(fd_);
    throw;
  }
  saved_.resize((before_ + page_bytes - 1) / page_bytes);
}

ChangedFile::~ChangedFile() {
  ::close(fd_);
  if (backup_fd_ >= 0) ::close(backup_fd_);
}

void ChangedFile::save_to(const fs::path& backup) {
  backup_ = backup;
  backup_fd_ = open_to_write(backup);
}

void ChangedFile::read(std::uint64_t at, std::span<std::byte> bytes) const {
  const auto found = read_at(fd_, file_, at, bytes);
  std::ranges::fill(bytes.subspan(found), std::byte{0});
  const auto end = at + bytes.size();
  for (auto page = held_.lower_bound(at / page_bytes); page != held_.end() && page->first * page_bytes < end; ++page) {
    const auto start = page->first * page_bytes, from = std::max(at, start), to = std::min(end, start + page_bytes);
    std::memcpy(bytes.data() + (from - at), page->second.data() + (from - start), to - from);
  }
}

void ChangedFile::write(std::uint64_t at, std::span<const std::byte> bytes) {
  if (abandoned_) return;
  size_ = std::max(size_, at + bytes.size());
  while (!bytes.empty() && at / page_bytes < saved_.size()) {
    const auto within = at % page_bytes, count = std::min<std::uint64_t>(bytes.size(), page_bytes - within);
    std::memcpy(held(at / page_bytes).data() + within, bytes.data(), count);
    bytes = bytes.subspan(count), at += count;
  }
  write_at(fd_, file_, at, bytes);
}

ChangedFile::Page& ChangedFile::held(std::uint64_t page) {
  if (const auto found = held_.find(page); found != held_.end()) return found->second;
  if (held_.size() >= most_held) pass_on();
  Page bytes(page_bytes);
  read_at(fd_, file_, page * page_bytes, bytes);
  return held_.emplace(page, std::move(bytes)).first->second;
}

void ChangedFile::save_pages() {
  for (const auto& [page, bytes] : held_) {
    if (saved_[page]) continue;
    Record record;
    record.page = page;
    read_at(fd_, file_, page * page_bytes, record.bytes);
    record.check = record.hash();
    write_at(backup_fd_, backup_, backup_end_, std::as_bytes(std::span(&record, 1)));
    backup_end_ += sizeof(record);
  }
  flush_to_disk(backup_fd_, backup_);
}

void ChangedFile::pass_on() {
  save_pages();
  for (const auto& [page, bytes] : held_) {
    const auto at = page * page_bytes;
    saved_[page] = true;
    write_at(fd_, file_, at, std::span(bytes).first(std::min<std::uint64_t>(page_bytes, size_ - at)));
  }
  held_.clear();
}

void ChangedFile::resize(std::uint64_t bytes) {
  if (abandoned_) return;
  size_ = std::max(bytes, before_);
  pass_on();  // a held page may reach behind the new end
  if (::ftruncate(fd_, static_cast<off_t>(size_)) != 0) throw cannot_write(file_, errno);
}

void ChangedFile::flush() {
  if (abandoned_) return;
  pass_on();
  flush_to_disk(fd_, file_);
}

void ChangedFile::abandon() {
  abandoned_ = true;
  held_.clear();
  ::flock(fd_, LOCK_UN);
}

}  // namespace halobrush
