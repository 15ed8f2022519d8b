#include "hints.hpp"

#include <array>

#include "halobrush/core/error.hpp"
#include "halobrush/mpi/communicator.hpp"

namespace halobrush::catalog {
namespace {

// MPI counts the end of a text in.
void check_length(const std::string& hint, const char* what, const std::string& text, std::size_t most) {
  if (text.empty() || text.size() >= most)
    throw config_error("output.hints: '{}': its {} has {} characters, MPI takes 1 to {}; mend or remove it", hint, what,
                       text.size(), most - 1);
}

}  // namespace

void check_hints(const Hints& hints) {
  for (const auto& [name, value] : hints) {
    check_length(name, "name", name, MPI_MAX_INFO_KEY);
    check_length(name, "value", value, MPI_MAX_INFO_VAL);
  }
}

HintInfo::HintInfo(const Hints& hints) {
  if (hints.empty()) return;
  mpi::check(MPI_Info_create(&info_), "MPI_Info_create");
  for (const auto& [name, value] : hints)
    mpi::check(MPI_Info_set(info_, name.c_str(), value.c_str()), "MPI_Info_set");
}

HintInfo::~HintInfo() {
  if (info_ != MPI_INFO_NULL) MPI_Info_free(&info_);
}

bool asks_for_collective_writes(const Hints& hints) {
  const auto found = hints.find("romio_cb_write");
  return found != hints.end() && found->second == "enable";
}

Hints hints_in_use(MPI_File file) {
  MPI_Info info = MPI_INFO_NULL;
  mpi::check(MPI_File_get_info(file, &info), "MPI_File_get_info");
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
