// Files in HACC's GenericIO format: named columns, written by ranks, each of which has a block of every column. The
// layout is that of GenericIO.h and GenericIO.cxx (Argonne National Laboratory,
// https://git.cels.anl.gov/hacc/genericio).
#pragma once

#include <array>
#include <cstdint>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include "halobrush/catalog/table.hpp"
#include "halobrush/core/error.hpp"

namespace halobrush::catalog {

struct GenericIoVariable {
  std::string name;
  bool floating = false, is_signed = false;
  std::uint64_t bytes = 0, element_bytes = 0;  ///< of a row, and of one number of it
};

/// Where a rank's rows of one column are.
struct GenericIoBlock {
  std::uint64_t start = 0, bytes = 0;  ///< without the checksum behind it
  bool blosc = false;                  ///< begins with the checksum of the bytes that were compressed
};

struct GenericIoRank {
  std::uint64_t rows = 0, number = 0;
  std::vector<GenericIoBlock> blocks;  ///< one a variable
};

/// What the header says; all of it was found to fit the file.
struct GenericIoHeader {
  std::string path;
  bool big_endian = false;
  std::array<double, 3> origin{}, scale{};  ///< corner and sides of the box; 0: not said
  std::vector<GenericIoVariable> variables;
  std::vector<GenericIoRank> ranks;

  std::uint64_t rows() const;
  std::vector<std::string> names() const;
  const GenericIoVariable* find(const std::string& name) const;
};

/// Whether a file begins as one of any version does.
bool is_genericio(const std::array<char, 9>& start);

/// Throws io_error (unreadable) and data_error: cut short, damaged (by its checksum), a version or a filter that is not
/// known here, numbers that contradict each other or the size of the file.
GenericIoHeader read_genericio_header(const std::string& path);

/// A column of one rank. The whole block is compared with its checksum before any number of it is handed out; a block
/// that is not compressed is not kept whole where it is large.
class GenericIoColumn {
 public:
  /// Throws data_error (damaged, more than one number a row, a type that is not known here), io_error.
  GenericIoColumn(const GenericIoHeader& header, const GenericIoRank& rank, const std::string& name);

  /// Rows [first, first + count) of the rank: integers as int64, numbers as float or double. Throws data_error for an
  /// integer beyond int64.
  ColumnData rows(std::uint64_t first, std::uint64_t count);

 private:
  Error damaged(const char* why) const;
  void check_stored();
  void inflate();
  [[nodiscard]] std::vector<char> bytes(std::uint64_t first, std::uint64_t count);

  const GenericIoHeader& header_;
  const GenericIoRank& rank_;
  GenericIoVariable variable_;
  GenericIoBlock block_;
  std::ifstream file_;
  std::optional<std::vector<char>> all_;  // of a block that is compressed or small
};

/// A column without rows, of the type that rows() gives.
ColumnData no_rows(const GenericIoHeader& header, const std::string& name);

}  // namespace halobrush::catalog
