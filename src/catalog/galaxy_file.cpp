#include "halobrush/catalog/galaxy_file.hpp"

#include <algorithm>
#include <cstddef>
#include <optional>

#include "h5.hpp"
#include "halobrush/core/error.hpp"
#include "halobrush/core/hash.hpp"

namespace halobrush::catalog {
namespace {

constexpr int deepest = 3;  // groups above a group of galaxies
constexpr std::uint64_t rows_at_a_time = std::uint64_t{1} << 16;

enum class Object { group, dataset, other };

Object kind_of(hid_t parent, const std::string& name) {
  H5O_info_t info{};
  if (H5Oget_info_by_name(parent, name.c_str(), &info, H5P_DEFAULT) < 0) return Object::other;
  return info.type == H5O_TYPE_GROUP ? Object::group : info.type == H5O_TYPE_DATASET ? Object::dataset : Object::other;
}

// What a link leads to must lie in this file.
void check_link(hid_t parent, const std::string& name) {
  H5L_info_t info{};
  if (H5Lget_info(parent, name.c_str(), &info, H5P_DEFAULT) >= 0 && info.type == H5L_TYPE_EXTERNAL)
    throw data_error("{}: {} is a link to another file; give a catalog that holds its columns itself", h5::file_of(parent),
                     h5::path_of(parent, name));
}

// A copy of the file must have values of its own, whose bits can be compared.
void check_storage(hid_t group, const std::string& column, hid_t dataset) {
  const h5::Handle properties(H5Dget_create_plist(dataset), H5Pclose), type(H5Dget_type(dataset), H5Tclose);
  if (H5Pget_layout(properties) == H5D_VIRTUAL || H5Pget_external_count(properties) > 0)
    throw data_error("{}: the values of {} lie in another file; give a catalog that holds its columns itself", h5::file_of(group),
                     h5::path_of(group, column));
  if (H5Tdetect_class(type, H5T_VLEN) > 0 || H5Tis_variable_str(type) > 0 || H5Tdetect_class(type, H5T_REFERENCE) > 0)
    throw data_error("{}: {} has rows of unequal length, whose bits cannot be compared; leave the column out", h5::file_of(group),
                     h5::path_of(group, column));
}

void find_groups(hid_t parent, const std::string& prefix, int depth, std::vector<std::string>& found) {
  for (const auto& name : h5::members(parent)) {
    check_link(parent, name);
    if (!h5::exists(parent, name) || kind_of(parent, name) != Object::group) continue;
    if (name == "data")
      found.push_back(prefix + name);
    else if (depth < deepest)
      find_groups(h5::open_group(parent, name), prefix + name + "/", depth + 1, found);
  }
}

h5::Handle open_dataset(hid_t group, const std::string& name) {
  h5::Handle dataset(H5Dopen2(group, name.c_str(), H5P_DEFAULT), H5Dclose);
  if (dataset < 0)
    throw data_error("{}: {} cannot be opened ({}); the file is damaged", h5::file_of(group), h5::path_of(group, name), h5::reason());
  return dataset;
}

std::vector<hsize_t> shape_of(hid_t dataset) {
  const h5::Handle space(H5Dget_space(dataset), H5Sclose);
  std::vector<hsize_t> shape(static_cast<std::size_t>(std::max(H5Sget_simple_extent_ndims(space), 0)));
  H5Sget_simple_extent_dims(space, shape.data(), nullptr);
  return shape;
}

// Rows [first, first + count) of a dataset of any number of dimensions, and as many in memory.
struct RowsOfFile {
  RowsOfFile(hid_t dataset, std::uint64_t first, std::uint64_t count) : file(H5Dget_space(dataset), H5Sclose) {
    auto size = shape_of(dataset);
    std::vector<hsize_t> start(size.size());
    start[0] = first, size[0] = count;
    H5Sselect_hyperslab(file, H5S_SELECT_SET, start.data(), nullptr, size.data(), nullptr);
    memory = h5::Handle(H5Screate_simple(static_cast<int>(size.size()), size.data(), nullptr), H5Sclose);
  }
  h5::Handle file, memory;
};

}  // namespace

struct GalaxyGroup::Open {
  h5::Handle group;
  std::string name;
  std::vector<std::string> columns;
  std::uint64_t rows = 0;
};

GalaxyGroup::GalaxyGroup(std::shared_ptr<Open> open) : open_(std::move(open)) {}

const std::string& GalaxyGroup::name() const {
  return open_->name;
}

const std::vector<std::string>& GalaxyGroup::columns() const {
  return open_->columns;
}

bool GalaxyGroup::has(const std::string& column) const {
  return std::ranges::count(open_->columns, column) > 0;
}

std::uint64_t GalaxyGroup::rows() const {
  return open_->rows;
}

std::vector<double> GalaxyGroup::reals(const std::string& column, std::uint64_t first, std::uint64_t rows) const {
  return h5::Column(open_->group, column).reals(first, rows);
}

std::vector<std::int64_t> GalaxyGroup::integers(const std::string& column, std::uint64_t first, std::uint64_t rows) const {
  return h5::Column(open_->group, column).integers(first, rows);
}

namespace {

void write_rows(hid_t group, const std::string& column, std::uint64_t first, hid_t type, const void* values, std::uint64_t rows) {
  if (rows == 0) return;
  const auto dataset = open_dataset(group, column);
  const RowsOfFile some(dataset, first, rows);
  if (H5Dwrite(dataset, type, some.memory, some.file, H5P_DEFAULT, values) < 0)
    throw io_error("{}: {} cannot be written ({}); a compressed column needs the filter that wrote it (HDF5_PLUGIN_PATH)",
                   h5::file_of(group), h5::path_of(group, column), h5::reason());
}

}  // namespace

void GalaxyGroup::write(const std::string& column, std::uint64_t first, std::span<const double> values) {
  write_rows(open_->group, column, first, H5T_NATIVE_DOUBLE, values.data(), values.size());
}

void GalaxyGroup::write(const std::string& column, std::uint64_t first, std::span<const std::int64_t> values) {
  write_rows(open_->group, column, first, H5T_NATIVE_INT64, values.data(), values.size());
}

void GalaxyGroup::add(const ColumnSpec& column, const ColumnData& like) {
  if (has(column.name))
    throw data_error("{}: {} is there already; give the catalog as it was before", h5::file_of(open_->group),
                     h5::path_of(open_->group, column.name));
  const auto dataset = h5::create_column(open_->group, column.name, like, open_->rows);
  h5::write_attribute(dataset, "unit", column.unit);
  h5::write_attribute(dataset, "description", column.description);
  open_->columns.push_back(column.name);
}

std::uint64_t GalaxyGroup::stored_bytes(const std::string& column) const {
  return H5Dget_storage_size(open_dataset(open_->group, column));
}

bool GalaxyGroup::filtered(const std::string& column) const {
  const auto dataset = open_dataset(open_->group, column);
  const h5::Handle properties(H5Dget_create_plist(dataset), H5Pclose);
  return H5Pget_nfilters(properties) > 0;
}

namespace {

std::uint64_t hash_of_name(const std::string& name) {
  return xxh3(std::as_bytes(std::span(name))) | 1;
}

// A column's rows as they are in the file, hashed one by one.
class RowHashes {
 public:
  RowHashes(hid_t group, const std::string& column) : group_(group), column_(column), dataset_(open_dataset(group, column)), type_(H5Dget_type(dataset_), H5Tclose) {
    row_bytes_ = H5Tget_size(type_);
    const auto shape = shape_of(dataset_);
    for (std::size_t k = 1; k < shape.size(); ++k) row_bytes_ *= shape[k];
  }

  // Calls take(row, hash) for rows [first, first + count).
  template <class Take>
  void of(std::uint64_t first, std::uint64_t count, Take&& take) {
    bytes_.resize(count * row_bytes_);
    const RowsOfFile some(dataset_, first, count);
    if (H5Dread(dataset_, type_, some.memory, some.file, H5P_DEFAULT, bytes_.data()) < 0)
      throw data_error("{}: {} cannot be read ({}); the file is damaged", h5::file_of(group_), h5::path_of(group_, column_), h5::reason());
    for (std::uint64_t row = 0; row < count; ++row) take(row, xxh3(std::span(bytes_).subspan(row * row_bytes_, row_bytes_)));
  }

 private:
  hid_t group_;
  std::string column_;
  h5::Handle dataset_, type_;
  std::size_t row_bytes_ = 0;
  std::vector<std::byte> bytes_;
};

}  // namespace

std::uint64_t GalaxyGroup::checksum(const std::string& column) const {
  RowHashes hashes(open_->group, column);
  std::uint64_t sum = 0;
  for (std::uint64_t first = 0; first < open_->rows; first += rows_at_a_time)
    hashes.of(first, std::min(rows_at_a_time, open_->rows - first), [&](std::uint64_t, std::uint64_t hash) { sum += hash; });
  return sum * hash_of_name(open_->name + "/" + column);
}

std::vector<std::uint64_t> GalaxyGroup::row_hashes(std::uint64_t first, std::uint64_t rows) const {
  std::vector<std::uint64_t> sums(rows);
  for (const auto& column : open_->columns) {
    const auto name = hash_of_name(column);
    RowHashes(open_->group, column).of(first, rows, [&](std::uint64_t row, std::uint64_t hash) { sums[row] += hash * name; });
  }
  for (auto& sum : sums) sum = xxh3(std::as_bytes(std::span(&sum, 1)));
  return sums;
}

struct GalaxyFile::Open {
  h5::File file;
};

GalaxyFile GalaxyFile::to_read(const std::string& path) {
  return GalaxyFile(path, std::make_shared<Open>(Open{h5::File::open(path)}));
}

GalaxyFile GalaxyFile::to_change(const std::string& path) {
  return GalaxyFile(path, std::make_shared<Open>(Open{h5::File::open_to_change(path)}));
}

GalaxyFile GalaxyFile::to_change(const std::string& path, const std::shared_ptr<ChangedFile>& changed) {
  return GalaxyFile(path, std::make_shared<Open>(Open{h5::File::open_to_change(path, changed)}));
}

GalaxyFile::GalaxyFile(std::string path, std::shared_ptr<Open> open) : path_(std::move(path)), open_(std::move(open)) {
  std::vector<std::string> names;
  find_groups(open_->file.id(), "", 0, names);
  if (names.empty()) throw data_error("{}: no group 'data' of columns; give a galaxy catalog of diffsky or OpenCosmo", path_);
  for (const auto& name : names) {
    auto group = std::make_shared<GalaxyGroup::Open>();
    group->group = h5::open_group(open_->file.id(), name);
    group->name = name;
    std::optional<std::uint64_t> rows;
    for (const auto& column : h5::members(group->group)) {
      check_link(group->group, column);
      if (kind_of(group->group, column) != Object::dataset)
        throw data_error("{}: {} is no column; give a galaxy catalog of diffsky or OpenCosmo", path_, h5::path_of(group->group, column));
      const auto dataset = open_dataset(group->group, column);
      check_storage(group->group, column, dataset);
      const auto shape = shape_of(dataset);
      if (shape.empty() || (rows && *rows != shape[0]))
        throw data_error("{}: column {} has {} rows and the others have {}; the file is damaged", path_,
                         h5::path_of(group->group, column), shape.empty() ? 0 : shape[0], rows.value_or(0));
      rows = shape[0];
      group->columns.push_back(column);
    }
    group->rows = rows.value_or(0);
    groups_.push_back(GalaxyGroup(std::move(group)));
  }
}

std::vector<std::pair<std::string, std::string>> GalaxyFile::notes(const std::string& group) const {
  std::vector<std::pair<std::string, std::string>> notes;
  if (!h5::exists(open_->file.id(), group)) return notes;
  const auto at = h5::open_group(open_->file.id(), group);
  for (const auto& name : h5::attributes(at)) notes.emplace_back(name, h5::text_attribute(at, name).value_or(""));
  return notes;
}

void GalaxyFile::write_notes(const std::string& group, const std::vector<std::pair<std::string, std::string>>& notes) {
  const auto at = h5::create_group(open_->file.id(), group);
  for (const auto& [name, text] : notes) h5::write_attribute(at, name, text);
}

void GalaxyFile::close() {
  groups_.clear();
  open_->file.close();
}

}  // namespace halobrush::catalog
