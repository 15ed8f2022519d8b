#include "mpi_file.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <set>

#include "halobrush/core/error.hpp"
#include "halobrush/core/files.hpp"
#include "halobrush/core/text.hpp"

namespace halobrush::catalog {
namespace {

// MPI counts the end of a text in.
void check_length(const std::string& hint, const char* what, const std::string& text, std::size_t most) {
  if (text.empty() || text.size() >= most)
    throw config_error("output.hints: '{}': its {} has {} characters, MPI takes 1 to {}; mend or remove it", hint, what,
                       text.size(), most - 1);
}

// Hints as MPI takes them.
class Info {
 public:
  explicit Info(const Hints& hints) {
    if (hints.empty()) return;
    mpi::check(MPI_Info_create(&info_), "MPI_Info_create");
    for (const auto& [name, value] : hints)
      mpi::check(MPI_Info_set(info_, name.c_str(), value.c_str()), "MPI_Info_set");
  }
  ~Info() {
    if (info_ != MPI_INFO_NULL) MPI_Info_free(&info_);
  }
  Info(const Info&) = delete;
  Info& operator=(const Info&) = delete;
  operator MPI_Info() const { return info_; }

 private:
  MPI_Info info_ = MPI_INFO_NULL;
};

// MPI-IO has errors of its own; the system's say the same, with a cure.
int reason_of(int code) {
  int kind = MPI_ERR_IO;
  MPI_Error_class(code, &kind);
  switch (kind) {
    case MPI_ERR_NO_SPACE:
      return ENOSPC;
    case MPI_ERR_QUOTA:
      return EDQUOT;
    case MPI_ERR_ACCESS:
      return EACCES;
    case MPI_ERR_READ_ONLY:
      return EROFS;
    case MPI_ERR_NO_SUCH_FILE:
      return ENOENT;
    default:
      return EIO;
  }
}

}  // namespace

// MPI libraries divide by these without a look at them.
void check_number(const std::string& name, const std::string& value) {
  static const std::set<std::string> numbers = {"cb_nodes", "cb_buffer_size", "striping_factor", "striping_unit"};
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  const bool good = error == std::errc() && end == value.data() + value.size() && number > 0;
  if (numbers.contains(name) && !good)
    throw config_error("output.hints: {} is '{}'; give a whole number > 0", name, printable(value));
}

void check_hints(const Hints& hints) {
  for (const auto& [name, value] : hints) {
    check_length(name, "name", name, MPI_MAX_INFO_KEY);
    check_length(name, "value", value, MPI_MAX_INFO_VAL);
    check_number(name, value);
  }
}

bool asks_for_collective_writes(const Hints& hints) {
  const auto found = hints.find("romio_cb_write");
  return found != hints.end() && found->second == "enable";
}

MpiFile::MpiFile(const std::string& path, const Hints& hints, const mpi::Communicator& comm) : path_(path) {
  check(MPI_File_open(comm.handle(), path.c_str(), MPI_MODE_CREATE | MPI_MODE_WRONLY, Info(hints), &file_));
}

MpiFile::~MpiFile() {
  if (file_ != MPI_FILE_NULL) MPI_File_close(&file_);
}

void MpiFile::close() {
  check(MPI_File_close(&file_));
}

void MpiFile::check(int code) const {
  if (code != MPI_SUCCESS) throw cannot_write(path_, reason_of(code));
}

// Open MPI calls a write a success of which the disk took a part or nothing; the system's reason is then still there.
void MpiFile::check_written(int code, const MPI_Status& status, int bytes) const {
  const int reason = errno;
  check(code);
  int written = 0;
  MPI_Get_count(&status, MPI_BYTE, &written);
  if (written != bytes) throw cannot_write(path_, reason != 0 ? reason : ENOSPC);
}

void MpiFile::write(std::uint64_t at, std::span<const std::byte> bytes) const {
  while (!bytes.empty()) {
    const auto some = bytes.first(std::min<std::size_t>(bytes.size(), most_together));
    MPI_Status status;
    errno = 0;
    const int code = MPI_File_write_at(file_, static_cast<MPI_Offset>(at), some.data(), static_cast<int>(some.size()),
                                       MPI_BYTE, &status);
    check_written(code, status, static_cast<int>(some.size()));
    bytes = bytes.subspan(some.size());
    at += some.size();
  }
}

void MpiFile::write_together(std::uint64_t at, std::span<const std::byte> bytes) const {
  MPI_Status status;
  errno = 0;
  const int code = MPI_File_write_at_all(file_, static_cast<MPI_Offset>(at), bytes.data(), static_cast<int>(bytes.size()),
                                         MPI_BYTE, &status);
  check_written(code, status, static_cast<int>(bytes.size()));
}

Hints MpiFile::hints_in_use() const {
  MPI_Info info = MPI_INFO_NULL;
  mpi::check(MPI_File_get_info(file_, &info), "MPI_File_get_info");
  Hints hints;
  int count = 0;
  MPI_Info_get_nkeys(info, &count);
  for (int k = 0; k < count; ++k) {
    std::array<char, MPI_MAX_INFO_KEY + 1> name{};
    std::array<char, MPI_MAX_INFO_VAL + 1> value{};
    int there = 0;
    MPI_Info_get_nthkey(info, k, name.data());
    MPI_Info_get(info, name.data(), MPI_MAX_INFO_VAL, value.data(), &there);
    if (there) hints[name.data()] = value.data();
  }
  MPI_Info_free(&info);
  return hints;
}

std::vector<std::string> remarks_on_hints(const Hints& asked, const Hints& in_use) {
  std::vector<std::string> remarks;
  for (const auto& [name, value] : asked) {
    const auto found = in_use.find(name);
    if (found == in_use.end())
      remarks.push_back(fmt::format("output.hints: {} is unknown to this MPI library, which passes over it", name));
    else if (found->second != value)
      remarks.push_back(fmt::format("output.hints: {} is {} in this MPI library, not {}", name, found->second, value));
  }
  return remarks;
}

}  // namespace halobrush::catalog
