// HDF5 behind a few calls: handles that close themselves, attributes, columns to be filled, and one class for
// every dataset that is read. Nothing here is collective: each rank reads through a file handle of its own, so that what is
// wrong with the rows of one leaves no other waiting, and one rank alone makes a file (layout.hpp). Every
// failure is an Error with the names of file and object and HDF5's innermost message; HDF5 itself prints nothing.
#pragma once

#include <hdf5.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "h5_guard.hpp"
#include "halobrush/catalog/table.hpp"
#include "halobrush/core/error.hpp"
#include "halobrush/mpi/communicator.hpp"

namespace halobrush {
class ChangedFile;
}

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
    if (id_ >= 0 && !library_is_lost()) close_(id_);
  }
  operator hid_t() const { return id_; }
  hid_t release() { return std::exchange(id_, H5I_INVALID_HID); }

 private:
  hid_t id_ = H5I_INVALID_HID;
  Close close_ = nullptr;
};

class File {
 public:
  /// What has at least `alignment` bytes begins at multiples of them; 0: anywhere.
  static File create(const std::string& path, std::uint64_t alignment = 0);
  static File open_to_change(const std::string& path);
  /// What HDF5 reads and writes goes through `file`.
  static File open_to_change(const std::string& path, const std::shared_ptr<ChangedFile>& file);
  /// Throws io_error where the file cannot be had (absent, not readable, held by a writer),
  /// data_error where it is no HDF5 file or damaged.
  static File open(const std::string& path);

  hid_t id() const { return handle_; }
  void close();  ///< throws io_error

 private:
  explicit File(Handle handle) : handle_(std::move(handle)) {}
  Handle handle_;
};

/// For messages: HDF5's own about what failed last, where it failed; the file that an object is in; a path in it.
std::string reason();
std::string file_of(hid_t id);
std::string path_of(hid_t parent, const std::string& name);

/// Throws data_error where a link on the way leads nowhere.
bool exists(hid_t at, const std::string& path);
/// Groups remember the order in which things were put into them.
Handle create_group(hid_t parent, const std::string& name);
Handle open_group(hid_t parent, const std::string& path);  ///< throws data_error where there is none
void link_hard(hid_t from, const std::string& name, hid_t to, const std::string& link);
bool same_object(hid_t group, const std::string& name, const std::string& other);  ///< two names of one
/// Names of all links in a group in their order, also of second names and links to nowhere. Throws data_error for
/// one that cannot be printed.
std::vector<std::string> members(hid_t group);
/// Of a dataset of compounds; none of anything else.
std::vector<std::string> fields_of(hid_t at, const std::string& dataset);
/// Paths of all datasets below, and of the fields of those that hold compounds, DATASET/FIELD; the first `most` of them.
std::vector<std::string> columns_below(hid_t group, std::size_t most);

/// Text attributes are variable-length UTF-8 (fixed-length ones reach Python as bytes).
void write_attribute(hid_t at, const std::string& name, const std::string& text);
void write_attribute(hid_t at, const std::string& name, double value);
void write_attribute(hid_t at, const std::string& name, std::int64_t value);
void write_attribute(hid_t at, const std::string& name, bool value);
void write_attribute(hid_t at, const std::string& name, std::span<const double> values);
std::vector<std::string> attributes(hid_t at);  ///< in their order
bool has_attribute(hid_t at, const std::string& name);  ///< throws data_error where that cannot be known
std::optional<std::string> text_attribute(hid_t at, const std::string& name);
/// Of a type of numbers: it has bits, which lie within its bytes, and those of a float are sign, exponent and mantissa of IEEE 754 (or of
/// x86's long double). HDF5 decodes whatever a damaged type says: another bias of the exponent makes other numbers.
bool has_its_bits(hid_t type);
/// Booleans are 0 and 1.
std::optional<std::vector<double>> numbers_attribute(hid_t at, const std::string& name);

void write_scalar(hid_t parent, const std::string& name, double value);
void write_scalar(hid_t parent, const std::string& name, std::int64_t value);

/// Row-major; in a file of one process.
void write_array(hid_t parent, const std::string& name, const std::vector<std::uint64_t>& shape,
                 std::span<const double> values);
void write_array(hid_t parent, const std::string& name, std::span<const std::int64_t> values);
/// At least one value; many that are equal take little space.
void write_compressed_array(hid_t parent, const std::string& name, std::span<const std::int64_t> values);

/// A column of `rows` values of the type that `like` holds, not yet written; booleans become what h5py reads as bool.
Handle create_column(hid_t parent, const std::string& name, const ColumnData& like, std::uint64_t rows);
/// The byte of the file at which its values begin, one behind the other.
std::uint64_t place_of(hid_t column);

/// What all ones in an unsigned type mean: a number too large, or -1 of a writer that had no signed type.
enum class AllOnes { too_large, minus_one };

/// A dataset of numbers or booleans, opened to be read: links are followed; what cannot be read as it was meant is
/// refused when it is opened (a link to nowhere, a group, text and compounds, a filter that is not installed, a
/// source of a virtual dataset or a raw file that is gone, values that were never written). Not collective. Every
/// failure is a data_error that names file and object; a number that does not fit names row and value, too.
class Column {
 public:
  Column(hid_t parent, const std::string& name);
  /// A field of a dataset of compounds; a list in each row is as a dataset [n,m].
  Column(hid_t parent, const std::string& name, const std::string& field);

  hid_t id() const { return dataset_; }
  bool is_field() const { return !field_.empty(); }
  const std::vector<std::uint64_t>& shape() const { return shape_; }
  std::uint64_t rows() const;  ///< of a column with one number a row; data_error for any other

  /// Rows [first, first + rows), one number each: integers as int64, booleans as uint8, floats as float or double.
  ColumnData read(std::uint64_t first, std::uint64_t rows) const;
  /// One number a row. Floats must be whole numbers of which the type holds every neighbour (up to 2^53 in 64 bits).
  std::vector<std::int64_t> integers(std::uint64_t first, std::uint64_t rows,
                                     AllOnes all_ones = AllOnes::too_large) const;
  /// One number a row, of integers or floats.
  std::vector<double> reals(std::uint64_t first, std::uint64_t rows) const;
  /// One number a row, 0 or 1 of any type.
  std::vector<std::uint8_t> booleans(std::uint64_t first, std::uint64_t rows) const;
  /// Of a dataset of any number of dimensions, row by row; booleans are 0 and 1.
  std::vector<double> numbers(std::uint64_t first, std::uint64_t rows) const;
  /// Number `k` of each row of a dataset [n,m].
  std::vector<double> component(std::uint64_t k, std::uint64_t first, std::uint64_t rows) const;

 private:
  enum class Kind { floats, integers, large_integers, booleans };
  Column(hid_t parent, const std::string& name, const std::string& field, int generation);  // 0: not the source of a virtual dataset
  void take_field();
  Kind kind_of(hid_t type) const;
  void check_storage();
  void check_filters(hid_t creation) const;
  void check_virtual(hid_t creation) const;
  void check_source(const std::string& path, const std::string& dataset, hid_t selected, std::uint64_t points) const;
  void check_raw_files(hid_t creation);
  void check_written(hid_t creation) const;
  std::vector<std::uint8_t> flags(std::uint64_t first, std::uint64_t rows) const;
  std::vector<std::int64_t> whole(const std::vector<double>& numbers, std::uint64_t first) const;
  [[noreturn]] void refuse(const std::string& why) const;
  [[noreturn]] void refuse_row(std::uint64_t row, const std::string& value_and_why) const;
  template <class T>
  std::vector<T> raw(hid_t type, std::uint64_t first, std::uint64_t rows) const;
  void transfer(hid_t type, const std::vector<std::uint64_t>& start, const std::vector<std::uint64_t>& count,
                void* values) const;

  std::string file_, name_, field_;
  Handle dataset_, type_;
  std::vector<std::uint64_t> extent_, shape_;  // of the dataset; with the list that a field has in each row
  Kind kind_ = Kind::floats;
  int generation_ = 0;
};

}  // namespace halobrush::catalog::h5
