// Small files and folders for the tests of the catalog module.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "halobrush/catalog/table.hpp"
#include "halobrush/core/error.hpp"
#include "halobrush/mpi/communicator.hpp"

namespace halobrush::catalog {

/// An empty folder that all ranks see, removed at the end.
class SharedFolder {
 public:
  explicit SharedFolder(const mpi::Communicator& comm) : comm_(comm) {
    std::string name = (std::filesystem::temp_directory_path() / "halobrush.XXXXXX").string();
    if (comm.root() && mkdtemp(name.data()) == nullptr) name = "";
    path_ = comm.broadcast(name);
  }
  ~SharedFolder() {
    comm_.barrier();
    if (comm_.root()) std::filesystem::remove_all(path_);
  }
  SharedFolder(const SharedFolder&) = delete;
  SharedFolder& operator=(const SharedFolder&) = delete;

  std::string operator/(const std::string& name) const { return (path_ / name).string(); }
  std::vector<std::string> files() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(path_))
      names.push_back(entry.path().filename());
    std::sort(names.begin(), names.end());
    return names;
  }

  /// Written by rank 0, there for all ranks on return.
  std::string write(const std::string& name, const std::string& text) const {
    comm_.barrier();  // others may still read what this replaces
    if (comm_.root()) std::ofstream(path_ / name, std::ios::binary) << text;
    comm_.barrier();
    return *this / name;
  }

 private:
  const mpi::Communicator& comm_;
  std::filesystem::path path_;
};

inline std::string contents(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// Runs `work`, which must throw exactly this error.
template <class Work>
void expect_error(ExitCode code, const std::string& text, Work&& work) {
  try {
    work();
    ADD_FAILURE() << "no error, expected: " << text;
  } catch (const Error& error) {
    EXPECT_EQ(error.what(), text);
    EXPECT_EQ(static_cast<int>(error.code()), static_cast<int>(code));
  }
}

/// The rows of all ranks in rank order, on every rank.
inline Table gather(const Table& mine, const mpi::Communicator& comm) {
  Table all;
  for (const auto& column : mine.columns())
    std::visit(
        [&](const auto& values) {
          using T = typename std::decay_t<decltype(values)>::value_type;
          all.add(column.spec, comm.gather_all(std::span<const T>(values)).data);
        },
        column.data);
  return all;
}

inline void expect_equal(const Table& a, const Table& b) {
  EXPECT_EQ(a.rows(), b.rows());
  ASSERT_EQ(a.columns().size(), b.columns().size());
  for (std::size_t c = 0; c < a.columns().size(); ++c) {
    EXPECT_EQ(a.columns()[c].spec.name, b.columns()[c].spec.name);
    EXPECT_EQ(a.columns()[c].spec.unit, b.columns()[c].spec.unit);
    EXPECT_EQ(a.columns()[c].spec.description, b.columns()[c].spec.description);
    EXPECT_TRUE(a.columns()[c].data == b.columns()[c].data) << a.columns()[c].spec.name;
  }
}

}  // namespace halobrush::catalog
