// HDF5 behind a few calls: handles that close themselves, attributes, and one-dimensional columns read and
// written collectively. Every failure is an Error with the file's name and HDF5's innermost message; HDF5
// itself prints nothing.
#pragma once

#include <hdf5.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "halobrush/catalog/table.hpp"
#include "halobrush/core/error.hpp"
#include "halobrush/mpi/communicator.hpp"

namespace halobrush::catalog::h5 {

class Handle {
 public:
  using Close = herr_t (*)(hid_t);
  Handle() = default;
  Handle(hid_t id, Close close) : id_(id), close_(close) {}
  Handle(Handle&& other) noexcept : id_(std::exchange(other.id_, H5I_INVALID_HID)), close_(other.close_) {}
  Handle& operator=(Handle&& other) noexcept {
    std::swap(id_, other.id_);
    std::swap(close_, other.close_);
    return *this;
  }
  ~Handle() {
    if (id_ >= 0) close_(id_);
  }
  operator hid_t() const { return id_; }
  hid_t release() { return std::exchange(id_, H5I_INVALID_HID); }

 private:
  hid_t id_ = H5I_INVALID_HID;
  Close close_ = nullptr;
};

/// @collective where it has a communicator, and so are every call on what it contains and the destructor: an
/// exception must leave its scope on all ranks (mpi::agree).
class File {
 public:
  static File create(const std::string& path, const mpi::Communicator& comm);
  static File create(const std::string& path);  ///< not collective
  static File open(const std::string& path, const mpi::Communicator& comm);
  static File open(const std::string& path);  ///< not collective

  hid_t id() const { return handle_; }
  void close();  ///< flushes; throws io_error

 private:
  explicit File(Handle handle) : handle_(std::move(handle)) {}
  Handle handle_;
};

bool exists(hid_t at, const std::string& path);
/// Groups remember the order in which things were put into them.
Handle create_group(hid_t parent, const std::string& name);
Handle open_group(hid_t parent, const std::string& path);
void link_hard(hid_t from, const std::string& name, hid_t to, const std::string& link);
/// Names in a group in their order, without second links to an object that has been named already.
std::vector<std::string> members(hid_t group);

/// Text attributes are variable-length UTF-8 (fixed-length ones reach Python as bytes).
void write_attribute(hid_t at, const std::string& name, const std::string& text);
void write_attribute(hid_t at, const std::string& name, double value);
void write_attribute(hid_t at, const std::string& name, std::int64_t value);
void write_attribute(hid_t at, const std::string& name, bool value);
void write_attribute(hid_t at, const std::string& name, std::span<const double> values);
std::vector<std::string> attributes(hid_t at);  ///< in their order
std::optional<std::string> text_attribute(hid_t at, const std::string& name);
std::optional<std::vector<double>> numbers_attribute(hid_t at, const std::string& name);

void write_scalar(hid_t parent, const std::string& name, double value);
void write_scalar(hid_t parent, const std::string& name, std::int64_t value);

/// Row-major; in a file of one process.
void write_array(hid_t parent, const std::string& name, const std::vector<std::uint64_t>& shape,
                 std::span<const double> values);

/// A column of `rows` values of the type that `like` holds; booleans become what h5py reads as bool.
Handle create_column(hid_t parent, const std::string& name, const ColumnData& like, std::uint64_t rows);
Handle open_column(hid_t parent, const std::string& name);
/// Throws data_error when it is not one-dimensional.
std::uint64_t rows_of(hid_t column);
/// @collective Every rank writes its own slice, which may be empty. Throws internal_error when HDF5 fell back
/// to independent writes.
void write_slice(hid_t column, std::uint64_t first, const ColumnData& values);
/// @collective in a file opened with a communicator. Integers come as int64, what is of another type as
/// data_error.
ColumnData read_slice(hid_t column, std::uint64_t first, std::uint64_t rows);
/// Sizes along the dimensions of a dataset; not collective.
std::vector<std::uint64_t> shape_of(hid_t dataset);
/// Rows [first, first + rows) of a dataset of one or two dimensions as numbers, row by row; booleans are 0 and
/// 1. Not collective.
std::vector<double> read_rows(hid_t dataset, std::uint64_t first, std::uint64_t rows);
/// No values, of the type that read_slice gives.
ColumnData no_values_of(hid_t column);

}  // namespace halobrush::catalog::h5
