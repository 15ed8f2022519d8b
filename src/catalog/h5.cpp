#include "h5.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "h5_changed.hpp"
#include "h5_guard.hpp"
#include "h5_heap.hpp"
#include "halobrush/core/text.hpp"

namespace halobrush::catalog::h5 {
namespace {

constexpr unsigned keep_order = H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED;

std::string last_words;  // of the library, where it was lost: nothing can be read after that

void silence() {
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
}

}  // namespace

std::string reason() {
  std::string text = "no reason given";
  const auto first = [](unsigned n, const H5E_error2_t* error, void* out) -> herr_t {
    if (n == 0 && error->desc != nullptr) *static_cast<std::string*>(out) = error->desc;
    return 0;
  };
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, first, &text);
  H5Eclear2(H5E_DEFAULT);
  return printable(std::move(text));
}

std::string file_of(hid_t id) {
  const auto length = H5Fget_name(id, nullptr, 0);
  std::string name(static_cast<std::size_t>(std::max<ssize_t>(length, 0)), '\0');
  if (length > 0) H5Fget_name(id, name.data(), name.size() + 1);
  return name.empty() ? "HDF5 file" : name;
}

namespace {

[[noreturn]] void fail(const std::string& file, const std::string& what) {
  throw io_error("{}: {} failed ({}); check the file, the free space and the file system", file, what,
                 reason());
}

// `result` of an HDF5 call on something in the file of `at`.
template <class Result>
Result checked(Result result, hid_t at, const char* what) {
  if (result < 0) {
    const auto why = reason();
    throw io_error("{}: {} failed ({}); check the file, the free space and the file system", file_of(at),
                   what, why);
  }
  return result;
}

Handle open_file(const std::string& path) {
  if (library_is_lost()) throw data_error("{}", last_words);
  silence();
  Handle file(H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT), H5Fclose);
  if (file >= 0) return file;
  const auto why = reason();
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored))
    throw io_error("{}: cannot be opened (no such file); check the path", path);
  if (std::filesystem::is_directory(path, ignored))
    throw io_error("{}: cannot be opened (it is a folder); name a file", path);
  if (::access(path.c_str(), R_OK) != 0)
    throw io_error("{}: cannot be opened ({}); check its permissions", path, std::strerror(errno));
  if (why.find("lock file") != why.npos)
    throw io_error(
        "{}: cannot be opened, because another process has it open to write ({}); wait until it is closed, or set "
        "HDF5_USE_FILE_LOCKING=FALSE where the file system knows no locks",
        path, why);
  if (why.find("already open for write") != why.npos)
    throw data_error(
        "{}: its writer did not close it ({}); write it again, or remove the mark with h5clear -s when it is whole",
        path, why);
  throw data_error("{}: cannot be opened as HDF5 ({}); it is damaged or of another format", path, why);
}

Handle text_type() {
  Handle type(H5Tcopy(H5T_C_S1), H5Tclose);
  H5Tset_size(type, H5T_VARIABLE);
  H5Tset_cset(type, H5T_CSET_UTF8);
  return type;
}

// h5py's own: it reads this as bool.
Handle boolean_type() {
  Handle type(H5Tenum_create(H5T_NATIVE_INT8), H5Tclose);
  const std::int8_t no = 0, yes = 1;
  H5Tenum_insert(type, "FALSE", &no);
  H5Tenum_insert(type, "TRUE", &yes);
  return type;
}

Handle native(hid_t type) {
  return {H5Tcopy(type), H5Tclose};
}

Handle type_of(const ColumnData& data) {
  if (std::holds_alternative<std::vector<double>>(data)) return native(H5T_NATIVE_DOUBLE);
  if (std::holds_alternative<std::vector<float>>(data)) return native(H5T_NATIVE_FLOAT);
  if (std::holds_alternative<std::vector<std::int64_t>>(data)) return native(H5T_NATIVE_INT64);
  return boolean_type();
}

void write_attribute_of(hid_t at, const std::string& name, hid_t type, const Handle& space,
                        const void* value) {
  const Handle attribute(checked(H5Acreate2(at, name.c_str(), type, space, H5P_DEFAULT, H5P_DEFAULT), at,
                                 "writing an attribute"),
                         H5Aclose);
  checked(H5Awrite(attribute, type, value), at, "writing an attribute");
}

Handle scalar_space() {
  return {H5Screate(H5S_SCALAR), H5Sclose};
}
Handle simple_space(hsize_t n) {
  return {H5Screate_simple(1, &n, nullptr), H5Sclose};
}

void write_dataset(hid_t parent, const std::string& name, hid_t type, const Handle& space, const void* values, hid_t properties = H5P_DEFAULT) {
  const Handle dataset(
      checked(H5Dcreate2(parent, name.c_str(), type, space, H5P_DEFAULT, properties, H5P_DEFAULT), parent,
              "creating a dataset"),
      H5Dclose);
  checked(H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values), parent,
          "writing a dataset");
}

std::string name_of(hid_t object) {
  const auto length = H5Iget_name(object, nullptr, 0);
  std::string name(static_cast<std::size_t>(std::max<ssize_t>(length, 0)), '\0');
  if (length > 0) H5Iget_name(object, name.data(), name.size() + 1);
  return name;
}

std::string target_of(hid_t at, const std::string& link, const H5L_info_t& info) {
  std::vector<char> value(info.u.val_size + 1);
  H5Lget_val(at, link.c_str(), value.data(), info.u.val_size, H5P_DEFAULT);
  if (info.type == H5L_TYPE_SOFT) return fmt::format("'{}'", printable(value.data()));
  const char *file = nullptr, *object = nullptr;
  if (info.type != H5L_TYPE_EXTERNAL ||
      H5Lunpack_elink_val(value.data(), info.u.val_size, nullptr, &file, &object) < 0)
    return "an object of another program";
  return fmt::format("'{}' in the file '{}'", printable(object), printable(file));
}

void check_link(hid_t at, const std::string& path) {
  const auto there = H5Oexists_by_name(at, path.c_str(), H5P_DEFAULT);
  if (there > 0) return;
  const auto why = there == 0 ? "nothing is there" : reason();
  H5L_info_t info{};
  if (H5Lget_info(at, path.c_str(), &info, H5P_DEFAULT) < 0 || info.type == H5L_TYPE_HARD) return;
  throw data_error("{}: '{}' is a link to {}, which cannot be had ({}); mend or remove the link", file_of(at),
                   path_of(at, path), target_of(at, path, info), why);
}

}  // namespace

std::string path_of(hid_t parent, const std::string& name) {
  if (name.starts_with('/')) return name;
  const auto at = name_of(parent);
  return (at == "/" ? "" : at) + "/" + name;
}

File File::create(const std::string& path, std::uint64_t alignment) {
  silence();
  const Handle access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose);
  if (alignment > 0) H5Pset_alignment(access, alignment, alignment);
  Handle file(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, access), H5Fclose);
  if (file < 0) fail(path, "creating the file");
  return File(std::move(file));
}

File File::open_to_change(const std::string& path) {
  silence();
  Handle file(H5Fopen(path.c_str(), H5F_ACC_RDWR, H5P_DEFAULT), H5Fclose);
  if (file < 0) fail(path, "opening the file to change it");
  return File(std::move(file));
}

File File::open_to_change(const std::string& path, const std::shared_ptr<ChangedFile>& changed) {
  silence();
  const auto access = access_through(changed);
  Handle file(H5Fopen(path.c_str(), H5F_ACC_RDWR, access), H5Fclose);
  if (file < 0) fail(path, "opening the file to change it");
  return File(std::move(file));
}

File File::open(const std::string& path) {
  return File(open_file(path));
}

void File::close() {
  const auto name = file_of(handle_);
  if (H5Fclose(handle_.release()) < 0) fail(name, "closing the file");
}

bool exists(hid_t at, const std::string& path) {
  // H5Lexists fails unless every group on the way is there.
  for (std::size_t end = path.find('/', 1);; end = path.find('/', end + 1)) {
    const auto part = path.substr(0, end);
    if (H5Lexists(at, part.c_str(), H5P_DEFAULT) <= 0) return false;
    check_link(at, part);
    if (end == std::string::npos) return true;
  }
}

Handle create_group(hid_t parent, const std::string& name) {
  const Handle properties(H5Pcreate(H5P_GROUP_CREATE), H5Pclose);
  H5Pset_link_creation_order(properties, keep_order);
  H5Pset_attr_creation_order(properties, keep_order);
  return {checked(H5Gcreate2(parent, name.c_str(), H5P_DEFAULT, properties, H5P_DEFAULT), parent,
                  "creating a group"),
          H5Gclose};
}

Handle open_group(hid_t parent, const std::string& path) {
  if (!exists(parent, path)) throw data_error("{}: no group '{}'; give a file that has it", file_of(parent), path);
  Handle group(H5Gopen2(parent, path.c_str(), H5P_DEFAULT), H5Gclose);
  if (group < 0) throw data_error("{}: '{}' is no group, or damaged ({})", file_of(parent), path, reason());
  return group;
}

void link_hard(hid_t from, const std::string& name, hid_t to, const std::string& link) {
  checked(H5Lcreate_hard(from, name.c_str(), to, link.c_str(), H5P_DEFAULT, H5P_DEFAULT), from, "linking");
}

bool same_object(hid_t group, const std::string& name, const std::string& other) {
  H5O_info_t a{}, b{};
  return H5Oget_info_by_name(group, name.c_str(), &a, H5P_DEFAULT) >= 0 && H5Oget_info_by_name(group, other.c_str(), &b, H5P_DEFAULT) >= 0 &&
         a.fileno == b.fileno && a.addr == b.addr;
}

std::vector<std::string> members(hid_t group) {
  std::vector<std::string> names;
  const auto add = [](hid_t, const char* name, const H5L_info_t*, void* out) -> herr_t {
    static_cast<std::vector<std::string>*>(out)->emplace_back(name);
    return 0;
  };
  const Handle properties(H5Gget_create_plist(group), H5Pclose);
  unsigned order = 0;
  H5Pget_link_creation_order(properties, &order);
  const auto index = (order & H5P_CRT_ORDER_INDEXED) != 0 ? H5_INDEX_CRT_ORDER : H5_INDEX_NAME;
  checked(H5Literate(group, index, H5_ITER_INC, nullptr, add, &names), group, "listing a group");
  for (const auto& name : names)
    if (name != printable(name))
      throw data_error("{}: an object in '{}' has the name '{}', with control characters in it; the file is damaged, or "
                       "rename it",
                       file_of(group), name_of(group), printable(name));
  return names;
}

std::vector<std::string> fields_of(hid_t at, const std::string& dataset) {
  const Handle object(H5Oopen(at, dataset.c_str(), H5P_DEFAULT), H5Oclose);
  if (object < 0) throw data_error("{}: '{}' cannot be opened ({}); it is damaged, or of a newer HDF5", file_of(at), printable(dataset), reason());
  std::vector<std::string> names;
  if (H5Iget_type(object) != H5I_DATASET) return names;
  const Handle type(H5Dget_type(object), H5Tclose);
  for (int i = 0; H5Tget_class(type) == H5T_COMPOUND && i < H5Tget_nmembers(type); ++i) {
    char* name = H5Tget_member_name(type, static_cast<unsigned>(i));
    if (name != nullptr) names.emplace_back(name);
    H5free_memory(name);
  }
  return names;
}

namespace {

struct Names {
  std::vector<std::string> found;
  std::size_t most;
};

herr_t add_names(hid_t at, const char* name, const H5O_info_t* info, void* to) {
  auto& names = *static_cast<Names*>(to);
  if (info->type != H5O_TYPE_DATASET) return 0;
  std::vector<std::string> fields;
  try {
    fields = fields_of(at, name);
  } catch (const Error&) {
    return 0;  // a damaged one is no name to propose
  }
  if (fields.empty()) names.found.emplace_back(name);
  for (const auto& field : fields) names.found.push_back(fmt::format("{}/{}", name, field));
  return names.found.size() >= names.most ? 1 : 0;
}

}  // namespace

std::vector<std::string> columns_below(hid_t group, std::size_t most) {
  Names names{{}, most};
  if (H5Ovisit1(group, H5_INDEX_NAME, H5_ITER_INC, add_names, &names) < 0) reason();
  return names.found;
}

void write_attribute(hid_t at, const std::string& name, const std::string& text) {
  const char* begin = text.c_str();
  write_attribute_of(at, name, text_type(), scalar_space(), &begin);
}
void write_attribute(hid_t at, const std::string& name, double value) {
  write_attribute_of(at, name, H5T_NATIVE_DOUBLE, scalar_space(), &value);
}
void write_attribute(hid_t at, const std::string& name, std::int64_t value) {
  write_attribute_of(at, name, H5T_NATIVE_INT64, scalar_space(), &value);
}
void write_attribute(hid_t at, const std::string& name, bool value) {
  const auto number = static_cast<std::int8_t>(value);
  write_attribute_of(at, name, boolean_type(), scalar_space(), &number);
}
void write_attribute(hid_t at, const std::string& name, std::span<const double> values) {
  write_attribute_of(at, name, H5T_NATIVE_DOUBLE, simple_space(values.size()), values.data());
}

bool has_attribute(hid_t at, const std::string& name) {
  const auto found = H5Aexists(at, name.c_str());
  if (found < 0) throw data_error("{}: the attributes of '{}' cannot be read ({}); the file is damaged, fetch or make it again", file_of(at), name_of(at), reason());
  return found > 0;
}

std::vector<std::string> attributes(hid_t at) {
  std::vector<std::string> names;
  const auto add = [](hid_t, const char* name, const H5A_info_t*, void* out) -> herr_t {
    static_cast<std::vector<std::string>*>(out)->emplace_back(name);
    return 0;
  };
  // Groups of other writers may not keep the order.
  if (H5Aiterate2(at, H5_INDEX_CRT_ORDER, H5_ITER_INC, nullptr, add, &names) < 0) {
    names.clear();
    checked(H5Aiterate2(at, H5_INDEX_NAME, H5_ITER_INC, nullptr, add, &names), at, "listing attributes");
  }
  return names;
}

namespace {

struct ReadText {
  hid_t attribute, type;
  char* text = nullptr;
  herr_t status = -1;
};

std::string variable_text(hid_t at, const std::string& name, hid_t attribute, hid_t type) {
  const auto file = file_of(at);
  check_heaps(file);
  ReadText job{attribute, type};
  const auto read = [](void* of) {
    auto& todo = *static_cast<ReadText*>(of);
    todo.status = H5Aread(todo.attribute, todo.type, &todo.text);
  };
  if (!comes_back(read, &job)) {
    last_words = fmt::format("{}: the HDF5 library crashed or hung when it read the attribute {}; the file is damaged, fetch or make it again", file, printable(name));
    throw data_error("{}", last_words);
  }
  checked(job.status, at, "reading an attribute");
  std::string result = job.text != nullptr ? job.text : "";
  H5free_memory(job.text);
  return result;
}

}  // namespace

std::optional<std::string> text_attribute(hid_t at, const std::string& name) {
  if (!has_attribute(at, name)) return std::nullopt;
  const Handle attribute(checked(H5Aopen(at, name.c_str(), H5P_DEFAULT), at, "opening an attribute"),
                         H5Aclose);
  const Handle type(H5Aget_type(attribute), H5Tclose);
  const Handle space(H5Aget_space(attribute), H5Sclose);
  if (H5Tget_class(type) != H5T_STRING || H5Sget_simple_extent_npoints(space) != 1) return std::nullopt;
  if (H5Tis_variable_str(type) > 0) {
    return variable_text(at, name, attribute, type);
  }
  std::string text(H5Tget_size(type), '\0');
  checked(H5Aread(attribute, type, text.data()), at, "reading an attribute");
  return text.substr(0, text.find('\0'));
}

bool has_its_bits(hid_t type) {
  constexpr std::size_t largest = 16;        // bytes of a number
  constexpr std::size_t extended_bits = 80;  // long double of x86, the one type that stores the leading one
  const auto bits = H5Tget_precision(type), size = H5Tget_size(type);
  if (bits == 0 || size > largest || static_cast<std::size_t>(std::max(H5Tget_offset(type), 0)) + bits > 8 * size) return false;
  if (H5Tget_class(type) != H5T_FLOAT) return true;
  std::size_t sign = 0, exponent = 0, exponent_bits = 0, mantissa = 0, mantissa_bits = 0;
  if (H5Tget_fields(type, &sign, &exponent, &exponent_bits, &mantissa, &mantissa_bits) < 0) return false;
  const bool ordered = mantissa == 0 && exponent == mantissa_bits && sign == exponent + exponent_bits && sign + 1 == bits;
  const bool leading_one = H5Tget_norm(type) == (bits == extended_bits ? H5T_NORM_NONE : H5T_NORM_IMPLIED);
  return ordered && leading_one && exponent_bits > 1 && exponent_bits < 16 && mantissa_bits > 0 &&
         H5Tget_ebias(type) == (std::size_t{1} << (exponent_bits - 1)) - 1;
}

std::optional<std::vector<double>> numbers_attribute(hid_t at, const std::string& name) {
  if (!has_attribute(at, name)) return std::nullopt;
  const Handle attribute(checked(H5Aopen(at, name.c_str(), H5P_DEFAULT), at, "opening an attribute"),
                         H5Aclose);
  const Handle type(H5Aget_type(attribute), H5Tclose);
  const Handle space(H5Aget_space(attribute), H5Sclose);
  std::vector<double> values(static_cast<std::size_t>(std::max<hssize_t>(H5Sget_simple_extent_npoints(space), 0)));
  if (H5Tget_class(type) == H5T_ENUM && H5Tget_size(type) == 1) {  // h5py's booleans
    std::vector<std::int8_t> flags(values.size());
    checked(H5Aread(attribute, type, flags.data()), at, "reading an attribute");
    return std::vector<double>(flags.begin(), flags.end());
  }
  if (H5Tget_class(type) != H5T_FLOAT && H5Tget_class(type) != H5T_INTEGER) return std::nullopt;
  if (!has_its_bits(type))
    throw data_error("{}: the attribute {} has a damaged type (its bits are not those of a number that IEEE 754 knows); fetch the file again", file_of(at), name);
  checked(H5Aread(attribute, H5T_NATIVE_DOUBLE, values.data()), at, "reading an attribute");
  return values;
}

void write_scalar(hid_t parent, const std::string& name, double value) {
  write_dataset(parent, name, H5T_NATIVE_DOUBLE, scalar_space(), &value);
}
void write_scalar(hid_t parent, const std::string& name, std::int64_t value) {
  write_dataset(parent, name, H5T_NATIVE_INT64, scalar_space(), &value);
}

void write_array(hid_t parent, const std::string& name, const std::vector<std::uint64_t>& shape,
                 std::span<const double> values) {
  const std::vector<hsize_t> size(shape.begin(), shape.end());
  const Handle space(H5Screate_simple(static_cast<int>(size.size()), size.data(), nullptr), H5Sclose);
  write_dataset(parent, name, H5T_NATIVE_DOUBLE, space, values.data());
}

void write_array(hid_t parent, const std::string& name, std::span<const std::int64_t> values) {
  write_dataset(parent, name, H5T_NATIVE_INT64, simple_space(values.size()), values.data());
}

void write_compressed_array(hid_t parent, const std::string& name, std::span<const std::int64_t> values) {
  const hsize_t size = values.size();
  const Handle properties(H5Pcreate(H5P_DATASET_CREATE), H5Pclose);
  checked(H5Pset_chunk(properties, 1, &size), parent, "choosing chunks");
  checked(H5Pset_shuffle(properties), parent, "choosing a filter");
  checked(H5Pset_deflate(properties, 1), parent, "choosing a filter");
  write_dataset(parent, name, H5T_NATIVE_INT64, simple_space(size), values.data(), properties);
}

Handle create_column(hid_t parent, const std::string& name, const ColumnData& like, std::uint64_t rows) {
  const Handle properties(H5Pcreate(H5P_DATASET_CREATE), H5Pclose);
  H5Pset_layout(properties, H5D_CONTIGUOUS);
  H5Pset_alloc_time(properties, H5D_ALLOC_TIME_EARLY);
  H5Pset_fill_time(properties, H5D_FILL_TIME_NEVER);
  H5Pset_attr_creation_order(properties, keep_order);
  const auto type = type_of(like);
  const auto space = simple_space(rows);
  return {checked(H5Dcreate2(parent, name.c_str(), type, space, H5P_DEFAULT, properties, H5P_DEFAULT), parent,
                  "creating a column"),
          H5Dclose};
}

std::uint64_t place_of(hid_t column) {
  const auto place = H5Dget_offset(column);
  if (place != HADDR_UNDEF) return place;
  const Handle space(H5Dget_space(column), H5Sclose);
  if (H5Sget_simple_extent_npoints(space) == 0) return 0;
  throw internal_error("{}: {} has no place in the file ({})", file_of(column), name_of(column), reason());
}

}  // namespace halobrush::catalog::h5
