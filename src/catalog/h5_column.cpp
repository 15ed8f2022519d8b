#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <numeric>
#include <sstream>

#include <fmt/ranges.h>

#include "h5.hpp"
#include "halobrush/core/text.hpp"

namespace halobrush::catalog::h5 {
namespace {

namespace fs = std::filesystem;

constexpr int most_generations = 8;  // of virtual datasets whose sources are virtual

// The filters that are met in the wild, by their registered numbers.
std::string name_of_filter(H5Z_filter_t filter, const std::string& said) {
  static const std::vector<std::pair<H5Z_filter_t, const char*>> names = {
      {H5Z_FILTER_DEFLATE, "gzip"}, {H5Z_FILTER_SHUFFLE, "shuffle"}, {H5Z_FILTER_FLETCHER32, "fletcher32"},
      {H5Z_FILTER_SZIP, "szip"},    {305, "lzo"},       {307, "bzip2"},      {32000, "lzf"},
      {32001, "blosc"},             {32003, "snappy"},  {32004, "lz4"},      {32008, "bitshuffle"},
      {32013, "zfp"},               {32015, "zstd"},    {32017, "sz"},       {32026, "blosc2"}};
  const auto known = std::ranges::find(names, filter, &std::pair<H5Z_filter_t, const char*>::first);
  if (known != names.end()) return fmt::format("{} ({})", known->second, filter);
  return said.empty() ? fmt::format("{}", filter) : fmt::format("{} ({})", said, filter);
}

bool can_decode(H5Z_filter_t filter) {
  unsigned can = 0;
  if (H5Zfilter_avail(filter) <= 0 || H5Zget_filter_info(filter, &can) < 0) {
    reason();
    return false;
  }
  return (can & H5Z_FILTER_CONFIG_DECODE_ENABLED) != 0;
}

// h5py's booleans.
bool is_boolean_enum(hid_t type) {
  if (H5Tget_size(type) != 1 || H5Tget_nmembers(type) != 2) return false;
  for (const auto& [name, wanted] : {std::pair{"FALSE", 0}, {"TRUE", 1}}) {
    std::int8_t value = -1;
    if (H5Tenum_valueof(type, name, &value) < 0 || value != wanted) {
      reason();
      return false;
    }
  }
  return true;
}

// HDF5 copies them without looking.
bool fields_are_apart(hid_t compound) {
  std::vector<std::pair<std::size_t, std::size_t>> fields;  // begin and end
  for (int i = 0; H5Tget_class(compound) == H5T_COMPOUND && i < H5Tget_nmembers(compound); ++i) {
    const auto member = static_cast<unsigned>(i);
    const auto begin = H5Tget_member_offset(compound, member);
    fields.emplace_back(begin, begin + H5Tget_size(Handle(H5Tget_member_type(compound, member), H5Tclose)));
  }
  std::ranges::sort(fields);
  std::size_t end = 0;
  for (const auto& [begin, next] : fields) {
    if (begin < end || next < begin) return false;
    end = next;
  }
  return end <= H5Tget_size(compound);
}

std::string name_of_class(hid_t type) {
  switch (H5Tget_class(type)) {
    case H5T_STRING:
      return "text";
    case H5T_COMPOUND:
      return "a compound of several fields";
    case H5T_ENUM:
      return "an enumeration that is no boolean";
    case H5T_ARRAY:
    case H5T_VLEN:
      return "a list in each row";
    case H5T_INTEGER:
    case H5T_FLOAT:
      return "numbers of more than 64 bits";
    default:
      return "neither numbers nor booleans";
  }
}

// What HDF5 tries, in short: beside the file that names it, from where the program runs, beside what a symbolic
// link leads to, and for a whole path the same name in these places.
std::optional<std::string> find_source(const std::string& file, const std::string& name) {
  std::vector<fs::path> folders;
  if (const char* prefixes = std::getenv("HDF5_VDS_PREFIX")) {
    std::istringstream list(prefixes);
    for (std::string folder; std::getline(list, folder, ':');) folders.emplace_back(folder);
  }
  std::error_code ignored;
  folders.push_back(fs::path(file).parent_path());
  folders.emplace_back();
  folders.push_back(fs::canonical(file, ignored).parent_path());
  const fs::path path(name);
  if (path.is_absolute() && fs::exists(path, ignored)) return name;
  for (const auto& folder : folders)
    if (const auto at = folder / (path.is_absolute() ? path.filename() : path); fs::exists(at, ignored)) return at;
  return std::nullopt;
}

std::string text_of(const std::function<ssize_t(char*, std::size_t)>& get) {
  std::string text(static_cast<std::size_t>(std::max<ssize_t>(get(nullptr, 0), 0)), '\0');
  get(text.data(), text.size() + 1);
  return text;
}

std::uint64_t product(const std::vector<std::uint64_t>& sides) {
  return std::accumulate(sides.begin(), sides.end(), std::uint64_t{1}, std::multiplies<>());
}

std::vector<std::uint64_t> shape_of(hid_t dataset) {
  const Handle space(H5Dget_space(dataset), H5Sclose);
  std::vector<hsize_t> sides(static_cast<std::size_t>(std::max(H5Sget_simple_extent_ndims(space), 0)));
  H5Sget_simple_extent_dims(space, sides.data(), nullptr);
  return {sides.begin(), sides.end()};
}

}  // namespace

Column::Column(hid_t parent, const std::string& name) : Column(parent, name, "", 0) {}

Column::Column(hid_t parent, const std::string& name, const std::string& field) : Column(parent, name, field, 0) {}

Column::Column(hid_t parent, const std::string& name, const std::string& field, int generation)
    : file_(file_of(parent)), name_(path_of(parent, name)), field_(field), generation_(generation) {
  if (!exists(parent, name)) refuse("is not there; give a file that has it");
  dataset_ = Handle(H5Oopen(parent, name.c_str(), H5P_DEFAULT), H5Oclose);
  if (dataset_ < 0) refuse(fmt::format("cannot be opened ({}); it is damaged, or of a newer HDF5", reason()));
  if (H5Iget_type(dataset_) != H5I_DATASET)
    refuse(fmt::format("is a {}, no dataset; put numbers in its place, or leave it out", H5Iget_type(dataset_) == H5I_GROUP ? "group" : "named type"));
  const Handle space(H5Dget_space(dataset_), H5Sclose);
  if (H5Sget_simple_extent_type(space) == H5S_NULL) refuse("is empty (it has no shape); write it again, or leave it out");
  shape_ = extent_ = shape_of(dataset_);
  type_ = Handle(H5Dget_type(dataset_), H5Tclose);
  check_storage();
  if (!field_.empty()) take_field();
  kind_ = kind_of(type_);
}

void Column::take_field() {
  name_ += "/" + field_;
  if (!fields_are_apart(type_)) refuse("has a damaged type (its fields do not lie one behind another within a row); fetch the file again");
  const int member = H5Tget_class(type_) == H5T_COMPOUND ? H5Tget_member_index(type_, field_.c_str()) : -1;
  if (member < 0) refuse("is not there; give a file that has it");
  type_ = Handle(H5Tget_member_type(type_, static_cast<unsigned>(member)), H5Tclose);
  if (H5Tget_class(type_) != H5T_ARRAY) return;
  std::vector<hsize_t> sides(static_cast<std::size_t>(std::max(H5Tget_array_ndims(type_), 0)));
  H5Tget_array_dims2(type_, sides.data());
  shape_.insert(shape_.end(), sides.begin(), sides.end());
  type_ = Handle(H5Tget_super(type_), H5Tclose);
}

Column::Kind Column::kind_of(hid_t type) const {
  const auto size = H5Tget_size(type);
  const auto kind = H5Tget_class(type);
  if ((kind == H5T_FLOAT || kind == H5T_INTEGER) && !has_its_bits(type))
    refuse("has a damaged type (its bits are not those of a number that IEEE 754 knows); fetch the file again");
  switch (kind) {
    case H5T_FLOAT:
      if (size <= 16) return Kind::floats;
      break;
    case H5T_INTEGER:
      if (size < 8 || (size == 8 && H5Tget_sign(type) != H5T_SGN_NONE)) return Kind::integers;
      if (size == 8) return Kind::large_integers;
      break;
    case H5T_ENUM:
      if (is_boolean_enum(type)) return Kind::booleans;
      break;
    case H5T_BITFIELD:  // PyTables' booleans
      if (size == 1) return Kind::booleans;
      break;
    default:
      break;
  }
  refuse(fmt::format("holds {}; numbers or booleans are needed, convert it or leave it out", name_of_class(type)));
}

void Column::check_storage() {
  const Handle creation(H5Dget_create_plist(dataset_), H5Pclose);
  check_filters(creation);
  if (product(shape_) == 0) return;
  if (H5Pget_layout(creation) == H5D_VIRTUAL) return check_virtual(creation);
  if (H5Pget_external_count(creation) > 0) return check_raw_files(creation);
  check_written(creation);
}

void Column::check_filters(hid_t creation) const {
  for (int i = 0; i < H5Pget_nfilters(creation); ++i) {
    std::array<char, 128> said{};
    std::size_t values = 0;
    unsigned flags = 0;
    const auto filter =
        H5Pget_filter2(creation, static_cast<unsigned>(i), &flags, &values, nullptr, said.size(), said.data(), nullptr);
    if (filter >= 0 && !can_decode(filter))
      refuse(fmt::format("is compressed by the filter {}, which is not installed here; write it with gzip or without "
                         "compression (h5repack -f GZIP=4), or install the filter (HDF5_PLUGIN_PATH)",
                         name_of_filter(filter, said.data())));
  }
}

// HDF5 fills with zeros what it finds no source for.
void Column::check_virtual(hid_t creation) const {
  if (generation_ == most_generations) refuse("is virtual over too many generations of virtual sources");
  const auto home = file_of(dataset_);
  std::size_t sources = 0;
  H5Pget_virtual_count(creation, &sources);
  hsize_t covered = 0;
  bool open_ended = false;
  for (std::size_t i = 0; i < sources; ++i) {
    const auto file = text_of([&](char* to, std::size_t n) { return H5Pget_virtual_filename(creation, i, to, n); });
    const auto dataset = text_of([&](char* to, std::size_t n) { return H5Pget_virtual_dsetname(creation, i, to, n); });
    const Handle here(H5Pget_virtual_vspace(creation, i), H5Sclose), there(H5Pget_virtual_srcspace(creation, i), H5Sclose);
    if ((file + dataset).find('%') != std::string::npos)
      refuse(fmt::format("is virtual with a pattern of sources ('{}' of '{}'), where a missing one goes unseen; name "
                         "each source, or write it as a plain dataset",
                         dataset, file));
    const auto path = file == "." ? std::optional(home) : find_source(home, file);
    if (!path)
      refuse(fmt::format("is virtual, and its source '{}' ('{}' in it) is not there; fetch that file, too", printable(file),
                         printable(dataset)));
    const auto points = static_cast<hsize_t>(H5Sget_select_npoints(here));
    check_source(*path, dataset, there, points);
    open_ended = open_ended || points == H5S_UNLIMITED;
    covered += points;
  }
  if (!open_ended && covered < product(shape_))
    refuse(fmt::format("is virtual, and {} of its {} values have no source; mend it", product(shape_) - covered,
                       product(shape_)));
}

void Column::check_source(const std::string& path, const std::string& dataset, hid_t selected,
                          std::uint64_t points) const {
  const auto file = File::open(path);
  if (!exists(file.id(), dataset))
    refuse(fmt::format("is virtual, and its source '{}' is not in {}; fetch that file again, or write the column as a plain dataset", printable(dataset), path));
  const Column source(file.id(), dataset, field_, generation_ + 1);
  std::vector<hsize_t> first(source.extent_.size()), last(source.extent_.size());
  bool fits = true;
  if (H5Sget_select_type(selected) == H5S_SEL_ALL) {  // knows no shape
    fits = product(source.extent_) == points;
  } else if (H5Sget_simple_extent_ndims(selected) != static_cast<int>(first.size())) {
    fits = false;
  } else if (H5Sget_select_bounds(selected, first.data(), last.data()) < 0) {
    reason();  // without end: it goes as far as the source
  } else {
    for (std::size_t k = 0; k < last.size(); ++k) fits = fits && last[k] < source.extent_[k];
  }
  if (!fits)
    refuse(fmt::format("is virtual, and its source '{}' of {} has shape [{}], not that of the part that is wanted; fetch "
                       "the file again",
                       dataset, path, fmt::join(source.extent_, ", ")));
}

void Column::check_raw_files(hid_t creation) {
  std::uint64_t wanted = product(shape_) * H5Tget_size(type_);
  bool beside = false;
  for (int i = 0; i < H5Pget_external_count(creation) && wanted > 0; ++i) {
    std::array<char, 4096> name{};
    off_t offset = 0;
    hsize_t size = 0;
    H5Pget_external(creation, static_cast<unsigned>(i), name.size() - 1, name.data(), &offset, &size);
    fs::path path(name.data());
    std::error_code ignored;
    if (!fs::exists(path, ignored) && path.is_relative()) {
      path = fs::path(file_of(dataset_)).parent_path() / path;
      beside = true;
    }
    const auto part = std::min<std::uint64_t>(size, wanted);
    if (!fs::exists(path, ignored))
      refuse(fmt::format("has its numbers in the file '{}', which is not there; fetch that file, too",
                         printable(name.data())));
    if (fs::file_size(path, ignored) < static_cast<std::uint64_t>(offset) + part)
      refuse(fmt::format("has its numbers in the file '{}', which is too short ({} bytes, {} are needed); fetch it again",
                         path.string(), fs::file_size(path, ignored), static_cast<std::uint64_t>(offset) + part));
    wanted -= part;
  }
  if (wanted > 0) refuse(fmt::format("has no place for the last {} bytes of its numbers; write it again", wanted));
  if (!beside) return;
  const Handle access(H5Pcreate(H5P_DATASET_ACCESS), H5Pclose);
  H5Pset_efile_prefix(access, "${ORIGIN}");
  const Handle file(H5Iget_file_id(dataset_), H5Fclose);
  const auto at = text_of([&](char* to, std::size_t n) { return H5Iget_name(dataset_, to, n); });
  dataset_ = Handle();
  dataset_ = Handle(H5Dopen2(file, at.c_str(), access), H5Dclose);
  if (dataset_ < 0) refuse(fmt::format("cannot be opened ({})", reason()));
}

// Rows that no one wrote read as zeros, as after a writer that was killed.
void Column::check_written(hid_t creation) const {
  H5D_fill_value_t fill = H5D_FILL_VALUE_ERROR;
  if (H5Pfill_value_defined(creation, &fill) >= 0 && fill == H5D_FILL_VALUE_USER_DEFINED) return;
  H5D_space_status_t status = H5D_SPACE_STATUS_ALLOCATED;
  H5Dget_space_status(dataset_, &status);
  if (status == H5D_SPACE_STATUS_NOT_ALLOCATED) refuse("was never written (it would read as zeros); write it, or leave it out");
  if (H5Pget_layout(creation) != H5D_CHUNKED) return;
  std::vector<hsize_t> sides(shape_.size());
  H5Pget_chunk(creation, static_cast<int>(sides.size()), sides.data());
  hsize_t chunks = 1, written = 0;
  for (std::size_t k = 0; k < sides.size(); ++k) chunks *= (shape_[k] + sides[k] - 1) / sides[k];
  const Handle all(H5Dget_space(dataset_), H5Sclose);
  if (H5Dget_num_chunks(dataset_, all, &written) < 0)
    refuse(fmt::format("cannot be read ({}); it is damaged", reason()));
  if (written < chunks)
    refuse(fmt::format("has {} chunks of {} that were never written (they would read as zeros); write it again",
                       chunks - written, chunks));
}

std::uint64_t Column::rows() const {
  if (shape_.size() != 1)
    refuse(shape_.empty() ? "is a single number, no column; give one number a row"
                          : fmt::format("has shape [{}]; one number a row is needed, split it into columns",
                                        fmt::join(shape_, ", ")));
  return shape_.front();
}

ColumnData Column::read(std::uint64_t first, std::uint64_t n) const {
  switch (rows(), kind_) {
    case Kind::booleans:
      return flags(first, n);
    case Kind::floats:
      if (H5Tget_size(type_) == sizeof(float)) return raw<float>(H5T_NATIVE_FLOAT, first, n);
      return raw<double>(H5T_NATIVE_DOUBLE, first, n);
    default:
      return integers(first, n);
  }
}

std::vector<std::uint8_t> Column::booleans(std::uint64_t first, std::uint64_t n) const {
  if (rows(), kind_ == Kind::booleans) return flags(first, n);
  std::vector<std::uint8_t> values;
  for (const double number : numbers(first, n)) {
    if (number != 0 && number != 1)
      refuse_row(first + values.size(), fmt::format("{}; a boolean (or 0 or 1) is needed, repair it", number));
    values.push_back(number != 0);
  }
  return values;
}

std::vector<std::uint8_t> Column::flags(std::uint64_t first, std::uint64_t n) const {
  auto values = raw<std::uint8_t>(type_, first, n);
  for (auto& value : values) value = value != 0;
  return values;
}

std::vector<std::int64_t> Column::integers(std::uint64_t first, std::uint64_t n, AllOnes all_ones) const {
  switch (rows(), kind_) {
    case Kind::booleans: {
      const auto values = flags(first, n);
      return {values.begin(), values.end()};
    }
    case Kind::floats:
      return whole(raw<double>(H5T_NATIVE_DOUBLE, first, n), first);
    case Kind::integers: {
      auto values = raw<std::int64_t>(H5T_NATIVE_INT64, first, n);
      if (all_ones == AllOnes::minus_one && H5Tget_sign(type_) == H5T_SGN_NONE)
        std::ranges::replace(values, (std::int64_t{1} << H5Tget_precision(type_)) - 1, std::int64_t{-1});
      return values;
    }
    case Kind::large_integers:
      break;
  }
  std::vector<std::int64_t> values;
  for (const auto value : raw<std::uint64_t>(H5T_NATIVE_UINT64, first, n)) {
    const bool minus_one = all_ones == AllOnes::minus_one && value == std::numeric_limits<std::uint64_t>::max();
    if (!minus_one && value > std::uint64_t{std::numeric_limits<std::int64_t>::max()})
      refuse_row(first + values.size(),
                 fmt::format("{}, which does not fit into a signed 64-bit integer (up to {}); write smaller numbers, "
                             "and -1 in a signed type",
                             value, std::numeric_limits<std::int64_t>::max()));
    values.push_back(minus_one ? -1 : static_cast<std::int64_t>(value));
  }
  return values;
}

// Floats hold every whole number only up to 2^(digits of the mantissa).
std::vector<std::int64_t> Column::whole(const std::vector<double>& numbers, std::uint64_t first) const {
  std::size_t sign = 0, exponent_at = 0, exponent = 0, mantissa_at = 0, mantissa = 0;
  H5Tget_fields(type_, &sign, &exponent_at, &exponent, &mantissa_at, &mantissa);
  const double exact = std::exp2(std::min<std::size_t>(mantissa + 1, 53));
  std::vector<std::int64_t> values;
  for (const double number : numbers) {
    if (!std::isfinite(number) || number != std::floor(number))
      refuse_row(first + values.size(), fmt::format("{}; a whole number is needed, repair or remove the row", number));
    if (std::abs(number) >= exact)
      refuse_row(first + values.size(),
                 fmt::format("{}, a float not below {:.0f} (its last digits may be lost); write integers", number, exact));
    values.push_back(static_cast<std::int64_t>(number));
  }
  return values;
}

std::vector<double> Column::numbers(std::uint64_t first, std::uint64_t n) const {
  if (shape_.empty()) refuse("is a single number; rows are needed");
  if (kind_ != Kind::booleans) return raw<double>(H5T_NATIVE_DOUBLE, first, n);
  const auto values = flags(first, n);
  return {values.begin(), values.end()};
}

std::vector<double> Column::reals(std::uint64_t first, std::uint64_t n) const {
  if (rows(), kind_ == Kind::booleans) refuse("holds booleans; numbers are needed");
  return numbers(first, n);
}

std::vector<double> Column::component(std::uint64_t k, std::uint64_t first, std::uint64_t n) const {
  if (shape_.size() != 2 || k >= shape_[1])
    refuse(fmt::format("has shape [{}], and no component {} in each row", fmt::join(shape_, ", "), k));
  if (kind_ == Kind::booleans) refuse("holds booleans; numbers are needed");
  std::vector<double> values(n);
  if (field_.empty()) {
    if (n > 0) transfer(H5T_NATIVE_DOUBLE, {first, k}, {n, 1}, values.data());
    return values;
  }
  const auto all = raw<double>(H5T_NATIVE_DOUBLE, first, n);
  for (std::uint64_t row = 0; row < n; ++row) values[row] = all[row * shape_[1] + k];
  return values;
}

template <class T>
std::vector<T> Column::raw(hid_t type, std::uint64_t first, std::uint64_t n) const {
  std::vector<std::uint64_t> start(shape_.size()), count = shape_;
  start[0] = first;
  count[0] = n;
  std::vector<T> values(product(count));
  if (!values.empty()) transfer(type, start, count, values.data());
  return values;
}

namespace {

// A compound in memory with one field, of numbers or of lists of them.
Handle type_of_field(const std::string& field, hid_t type, std::span<const hsize_t> list) {
  const Handle numbers(list.empty() ? H5Tcopy(type) : H5Tarray_create2(type, static_cast<unsigned>(list.size()), list.data()), H5Tclose);
  Handle compound(H5Tcreate(H5T_COMPOUND, H5Tget_size(numbers)), H5Tclose);
  H5Tinsert(compound, field.c_str(), 0, numbers);
  return compound;
}

}  // namespace

void Column::transfer(hid_t of_numbers, const std::vector<std::uint64_t>& start, const std::vector<std::uint64_t>& count,
                      void* values) const {
  std::vector<hsize_t> from(start.begin(), start.end()), sides(count.begin(), count.end());
  const auto list = std::span(sides).subspan(extent_.size());
  const Handle type = field_.empty() ? Handle(H5Tcopy(of_numbers), H5Tclose) : type_of_field(field_, of_numbers, list);
  from.resize(extent_.size()), sides.resize(extent_.size());
  const hsize_t total = product({sides.begin(), sides.end()});
  const Handle memory(H5Screate_simple(1, &total, nullptr), H5Sclose), space(H5Dget_space(dataset_), H5Sclose);
  if (H5Sselect_hyperslab(space, H5S_SELECT_SET, from.data(), nullptr, sides.data(), nullptr) < 0 ||
      H5Dread(dataset_, type, memory, space, H5P_DEFAULT, values) < 0)
    refuse(fmt::format("cannot be read ({}); it is damaged, fetch or write the file again", reason()));
}

void Column::refuse(const std::string& why) const {
  throw data_error("{}: column '{}' {}", printable(file_), printable(name_), why);
}

void Column::refuse_row(std::uint64_t row, const std::string& value_and_why) const {
  throw data_error("{}: row {}: column '{}' is {}", printable(file_), row, printable(name_), value_and_why);
}

}  // namespace halobrush::catalog::h5
