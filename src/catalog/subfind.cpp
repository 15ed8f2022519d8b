#include "halobrush/catalog/subfind.hpp"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>
#include <numeric>
#include <unordered_map>

#include <fmt/ranges.h>

#include "checks.hpp"
#include "h5.hpp"
#include "halobrush/core/error.hpp"
#include "halobrush/mpi/agree.hpp"
#include "overdensity.hpp"
#include "subfind_header.hpp"

namespace halobrush::catalog {
namespace {

constexpr std::size_t types = 6, stars_type = 4, bands = 8, g_band = 4, r_band = 5;
constexpr double no_magnitude = 1e36;  // the files say 1e37 where there are no stars

std::vector<SubfindHeader> headers_of(const std::vector<std::string>& files, std::size_t begin,
                                      std::size_t end) {
  std::vector<SubfindHeader> headers;
  for (auto i = begin; i < end; ++i) headers.push_back(read_subfind_header(files[i]));
  return headers;
}

// The file of a row, from the running sums of rows.
std::size_t file_with(const std::vector<std::uint64_t>& offsets, std::uint64_t row) {
  return static_cast<std::size_t>(std::ranges::upper_bound(offsets, row) - offsets.begin()) - 1;
}

}  // namespace

struct SubfindCatalog::Block {
  std::vector<std::int64_t> id, group, length;
  std::vector<std::uint8_t> flag;
  std::vector<double> mass, position, velocity, spin, vmax;
  std::vector<double> mass_of_type, mass_in_rad, half_mass_radius, star_formation, photometry;
};

SubfindCatalog SubfindCatalog::open(const std::string& path, const ReadOptions& options) {
  auto files = subfind_files(path);
  const auto headers = headers_of(files, 0, files.size());
  return of_headers(path, std::move(files), headers, options);
}

SubfindCatalog SubfindCatalog::open(const std::string& path, const ReadOptions& options,
                                    const mpi::Communicator& comm) {
  auto files = mpi::agree(comm, [&] { return subfind_files(path); });
  const auto n = files.size(), rank = static_cast<std::size_t>(comm.rank()),
             size = static_cast<std::size_t>(comm.size());
  const auto mine =
      mpi::agree(comm, [&] { return headers_of(files, n * rank / size, n * (rank + 1) / size); });
  const auto headers = comm.gather_all(std::span<const SubfindHeader>(mine)).data;
  return of_headers(path, std::move(files), headers, options);
}

SubfindCatalog SubfindCatalog::of_headers(const std::string& path, std::vector<std::string> files,
                                          const std::vector<SubfindHeader>& headers,
                                          const ReadOptions& options) {
  check_one_simulation(files, headers);
  SubfindCatalog catalog;
  catalog.files_ = std::move(files);
  const auto header = completed(path, headers.front(), options, catalog.remarks_);
  catalog.simulation_ = simulation_of(path, header, options);
  catalog.excerpt_ = header.excerpt;
  catalog.length_mpc_h_ = header.units[0];
  catalog.mass_msun_h_ = header.units[1];
  catalog.velocity_km_s_ = header.units[2];
  for (const auto& h : headers) {
    catalog.subhalo_offsets_.push_back(catalog.subhalos() + static_cast<std::uint64_t>(h.subhalos));
    catalog.group_offsets_.push_back(catalog.groups() + static_cast<std::uint64_t>(h.groups));
  }
  return catalog;
}

std::vector<std::string> SubfindCatalog::columns() const {
  std::vector<std::string> names;
  const auto none = rows(0, 0, SubhaloColumns::halo);
  for (const auto& column : none.columns()) names.push_back(column.spec.name);
  return names;
}

std::string SubfindCatalog::group_number() const {
  return has("/Subhalo/SubhaloGroupNr") ? "/Subhalo/SubhaloGroupNr" : "/Subhalo/SubhaloGrNr";
}

// A file without subhalos may lack the group, so any file decides.
bool SubfindCatalog::has(const std::string& dataset) const {
  const auto& offsets = dataset.starts_with("/Group") ? group_offsets_ : subhalo_offsets_;
  const auto filled = file_with(offsets, 0);
  return filled < files_.size() && h5::exists(h5::File::open(files_[filled]).id(), dataset);
}

template <class T, class Read>
std::vector<T> SubfindCatalog::read(const std::string& dataset, std::size_t width, std::uint64_t first,
                                    std::uint64_t count, Read&& read_part) const {
  const auto& offsets = dataset.starts_with("/Group") ? group_offsets_ : subhalo_offsets_;
  std::vector<T> values;
  values.reserve(count * width);
  for (auto row = first; row < first + count;) {
    const auto k = file_with(offsets, row);
    const auto rows = offsets[k + 1] - offsets[k], here = std::min(offsets[k + 1], first + count) - row;
    const auto file = h5::File::open(files_[k]);
    if (!h5::exists(file.id(), dataset))
      throw data_error("{}: no dataset {}; give a file of a SUBFIND group catalog that has it", files_[k],
                       dataset);
    const h5::Column data(file.id(), dataset);
    const auto& shape = data.shape();
    if (shape != (width == 1 ? std::vector{rows} : std::vector{rows, std::uint64_t{width}}))
      throw data_error("{}: {} has shape [{}], [{}{}] is needed; fetch the file again", files_[k], dataset,
                       fmt::join(shape, ", "), rows, width == 1 ? "" : fmt::format(", {}", width));
    const auto part = read_part(data, row - offsets[k], here);
    values.insert(values.end(), part.begin(), part.end());
    row += here;
  }
  return values;
}

std::vector<double> SubfindCatalog::numbers(const std::string& dataset, std::size_t width, std::uint64_t first,
                                            std::uint64_t count) const {
  return read<double>(dataset, width, first, count,
                      [](const auto& data, auto row, auto rows) { return data.numbers(row, rows); });
}

// Illustris writes unsigned types, and all ones for "none".
std::vector<std::int64_t> SubfindCatalog::integers(const std::string& dataset, std::uint64_t first,
                                                   std::uint64_t count) const {
  return read<std::int64_t>(dataset, 1, first, count, [](const auto& data, auto row, auto rows) {
    return data.integers(row, rows, h5::AllOnes::minus_one);
  });
}

std::vector<std::uint8_t> SubfindCatalog::flags(const std::string& dataset, std::uint64_t first,
                                                std::uint64_t count) const {
  return read<std::uint8_t>(dataset, 1, first, count,
                            [](const auto& data, auto row, auto rows) { return data.booleans(row, rows); });
}

SubfindCatalog::Block SubfindCatalog::read_block(std::uint64_t first, std::uint64_t count,
                                                 SubhaloColumns columns) const {
  const auto subhalo = [&](const char* field, std::size_t width) {
    return numbers(std::string("/Subhalo/") + field, width, first, count);
  };
  Block block;
  if (excerpt_) block.id = integers("/Subhalo/SubhaloID_global", first, count);
  if (has("/Subhalo/SubhaloFlag")) block.flag = flags("/Subhalo/SubhaloFlag", first, count);
  block.vmax = subhalo("SubhaloVmax", 1);
  block.group = integers(group_number(), first, count);
  block.mass = subhalo("SubhaloMass", 1);
  block.length = integers("/Subhalo/SubhaloLen", first, count);
  block.position = subhalo("SubhaloPos", 3);
  block.velocity = subhalo("SubhaloVel", 3);
  block.spin = subhalo("SubhaloSpin", 3);
  if (columns == SubhaloColumns::halo) return block;
  block.mass_of_type = subhalo("SubhaloMassType", types);
  block.mass_in_rad = subhalo("SubhaloMassInRadType", types);
  block.half_mass_radius = subhalo("SubhaloHalfmassRadType", types);
  block.star_formation = subhalo("SubhaloSFR", 1);
  block.photometry = subhalo("SubhaloStellarPhotometrics", bands);
  return block;
}

// Of the group of each row. Rows go by group, so that those of a block are few and side by side, and the first row of a
// group is its first subhalo.
Error SubfindCatalog::no_such_group(std::int64_t number) const {
  return data_error("{}: a subhalo is of group {}, which is not in the catalog or has no first subhalo; fetch the files again", files_.front(), number);
}

std::vector<SubfindCatalog::Group> SubfindCatalog::groups_of(std::uint64_t first_row,
                                                             const std::vector<std::int64_t>& numbers_of_rows) const {
  if (numbers_of_rows.empty()) return {};
  const auto [low, high] = std::ranges::minmax(numbers_of_rows);
  const auto row_before = excerpt_ || first_row == 0 ? std::int64_t{-1} : integers(group_number(), first_row - 1, 1).front();
  const bool last_rows = first_row + numbers_of_rows.size() == subhalos();
  std::uint64_t first = 0, count = groups();
  std::vector<std::int64_t> ids;
  if (excerpt_) {
    ids = integers("/Group/GroupID_global", 0, count);
  } else if (low >= 0 && high < static_cast<std::int64_t>(count)) {
    first = static_cast<std::uint64_t>(std::clamp(row_before, std::int64_t{0}, low));
    count = (last_rows ? groups() : static_cast<std::uint64_t>(high) + 1) - first;
    ids.resize(count);
    std::iota(ids.begin(), ids.end(), static_cast<std::int64_t>(first));
  } else {
    const auto known = [&](std::int64_t number) { return number >= 0 && number < static_cast<std::int64_t>(count); };
    throw no_such_group(*std::ranges::find_if_not(numbers_of_rows, known));
  }
  const auto first_subhalo = integers("/Group/GroupFirstSub", first, ids.size());
  const auto mass = numbers("/Group/Group_M_Crit200", 1, first, ids.size());
  const auto radius = numbers("/Group/Group_R_Crit200", 1, first, ids.size());
  std::unordered_map<std::int64_t, Group> by_number;
  std::int64_t before = -1;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (first_subhalo[i] < 0) continue;  // a group without bound subhalos is legal
    if (!excerpt_ && first_subhalo[i] >= static_cast<std::int64_t>(subhalos()))
      throw data_error("{}: group {}: GroupFirstSub is {}, but there are {} subhalos; fetch the files again",
                       files_.front(), ids[i], first_subhalo[i], subhalos());
    if (!excerpt_ && first_subhalo[i] <= before)
      throw data_error("{}: group {}: GroupFirstSub is {}, but {} for a group before it; fetch the files again", files_.front(),
                       ids[i], first_subhalo[i], before);
    before = first_subhalo[i];
    by_number[ids[i]] = {first_subhalo[i], mass[i] * mass_msun_h_, radius[i] * length_mpc_h_};
  }
  std::vector<Group> groups;
  for (std::size_t i = 0; i < numbers_of_rows.size(); ++i) {
    const auto number = numbers_of_rows[i];
    const auto found = by_number.find(number);
    if (found == by_number.end()) throw no_such_group(number);
    const auto before_it = i > 0 ? numbers_of_rows[i - 1] : row_before;
    if (number < before_it)
      throw data_error("{}: row {}: a subhalo of group {} behind one of group {}: the files are not in their order; fetch them again",
                       files_.front(), first_row + i, number, before_it);
    if (number != before_it || i == 0) check_group(number, found->second);
    if (number != before_it) check_first_row(number, found->second, first_row + i);
    groups.push_back(found->second);
  }
  if (!excerpt_ && !ids.empty())
    check_members(first_row, numbers_of_rows, row_before, static_cast<std::int64_t>(first), first_subhalo);
  return groups;
}

// Groups and subhalos say the same of who belongs to whom: also groups of which these rows have none. `row_before` is the
// group of the row before these, whose last rows may be among them; that its first one is right was seen where it begins.
void SubfindCatalog::check_members(std::uint64_t first_row, const std::vector<std::int64_t>& numbers_of_rows, std::int64_t row_before,
                                   std::int64_t first_group, const std::vector<std::int64_t>& first_subhalo) const {
  const bool counted = has("/Group/GroupNsubs");
  const auto subs = counted ? integers("/Group/GroupNsubs", static_cast<std::uint64_t>(first_group), first_subhalo.size())
                            : std::vector<std::int64_t>();
  const auto rows_end = first_row + numbers_of_rows.size();
  for (std::size_t i = 0; i < first_subhalo.size(); ++i) {
    const auto group = first_group + static_cast<std::int64_t>(i);
    const auto members = std::ranges::equal_range(numbers_of_rows, group);
    const auto end = first_row + static_cast<std::uint64_t>(members.end() - numbers_of_rows.begin());
    const bool none = members.empty() && group != row_before;
    const auto& file = files_[file_with(group_offsets_, static_cast<std::uint64_t>(group))];
    if (none && first_subhalo[i] >= 0)
      throw data_error("{}: group {}: GroupFirstSub is {}, a subhalo of group {} ({}), and no subhalo is of group {}; fetch the files again",
                       file, group, first_subhalo[i],
                       integers(group_number(), static_cast<std::uint64_t>(first_subhalo[i]), 1).front(), group_number(), group);
    const bool more_behind = end == rows_end && rows_end < subhalos();
    const auto found = none ? 0 : static_cast<std::int64_t>(end) - first_subhalo[i];
    if (counted && !more_behind && subs[i] != found)
      throw data_error("{}: group {}: GroupNsubs is {}, but {} subhalos are of it by {}; fetch the files again", file, group,
                       subs[i], found, group_number());
  }
}

void SubfindCatalog::check_group(std::int64_t number, const Group& group) const {
  for (const auto& [name, value] : {std::pair("Group_M_Crit200", group.mass), {"Group_R_Crit200", group.radius}})
    if (!(value >= 0) || !std::isfinite(value))
      throw data_error("{}: group {}: {} is {} (0 where a group has none, else positive); fetch the files again",
                       files_.front(), number, name, value);
}

// `row` is the first of its group.
void SubfindCatalog::check_first_row(std::int64_t number, const Group& group, std::uint64_t row) const {
  if (!excerpt_ && group.first_subhalo != static_cast<std::int64_t>(row))  // an excerpt has no complete groups
    throw data_error(
        "{}: group {}: GroupFirstSub is {}, but the group's subhalos begin at row {}; fetch the files again",
        files_.front(), number, group.first_subhalo, row);
}

std::string SubfindCatalog::file_of_row(std::uint64_t row) const {
  return files_[file_with(subhalo_offsets_, row)];
}

// From the raw numbers of a block to columns in our units, of the rows that are kept.
class SubfindCatalog::Rows {
 public:
  Rows(const SubfindCatalog& catalog, std::uint64_t first, const Block& block)
      : catalog_(catalog),
        first_(first),
        block_(block),
        groups_(catalog.groups_of(first, block.group)) {
    for (std::size_t i = 0; i < block.vmax.size(); ++i)
      if (block.flag.empty() || block.flag[i] != 0) kept_.push_back(i);
    table_.resize(kept_.size());
  }

  void add_halos() {
    put("id", [&](auto i) { return id(i); });
    put("parent_id", [&](auto i) { return central(i) ? std::int64_t{-1} : groups_[i].first_subhalo; });
    put("mass", [&](auto i) { return has_m200(i) ? groups_[i].mass : bound_mass(i); });
    put("radius", [&](auto i) {
      return has_m200(i) ? groups_[i].radius : radius_200c(bound_mass(i), catalog_.simulation_);
    });
    // SubhaloVel is peculiar already (GroupVel would have to be divided by the scale factor).
    for (std::size_t axis = 0; axis < 3; ++axis)
      put(std::string(1, "xyz"[axis]), [&](auto i) {
        return block_.position[3 * i + axis] * catalog_.length_mpc_h_;
      });
    put_vector("v", block_.velocity, catalog_.velocity_km_s_);
    put("vmax", [&](auto i) { return block_.vmax[i] * catalog_.velocity_km_s_; });
    const double spin_unit = catalog_.length_mpc_h_ * catalog_.velocity_km_s_;
    put_vector("j", block_.spin, spin_unit);
    put("specific_spin", [&](auto i) {
      return spin_unit * std::hypot(block_.spin[3 * i], block_.spin[3 * i + 1], block_.spin[3 * i + 2]);
    });
    put("bound_mass", [&](auto i) { return bound_mass(i); });
    put("n_particles", [&](auto i) { return block_.length[i]; });
  }

  void add_stars() {
    const auto& s = catalog_.simulation_;
    const double msun = catalog_.mass_msun_h_ / s.h,
                 kpc = 1e3 * catalog_.length_mpc_h_ * s.scale_factor / s.h;
    put({"stellar_mass_in_rad", "Msun", "stars within twice their half-mass radius"},
        [&](auto i) { return block_.mass_in_rad[types * i + stars_type] * msun; });
    put({"stellar_mass", "Msun", "all stars"},
        [&](auto i) { return block_.mass_of_type[types * i + stars_type] * msun; });
    put({"star_formation", "Msun/yr", "star formation rate of all gas"},
        [&](auto i) { return block_.star_formation[i]; });
    put({"magnitude_g", "mag", "absolute magnitude, NaN without stars"},
        [&](auto i) { return magnitude(i, g_band); });
    put({"magnitude_r", "mag", "absolute magnitude, NaN without stars"},
        [&](auto i) { return magnitude(i, r_band); });
    put({"stellar_radius", "kpc", "half-mass radius of the stars, physical"},
        [&](auto i) { return block_.half_mass_radius[types * i + stars_type] * kpc; });
  }

  Table table() && {
    wrap_into_box(table_, catalog_.simulation_);
    return std::move(table_);
  }

 private:
  std::int64_t id(std::size_t i) const {
    return catalog_.excerpt_ ? block_.id[i] : static_cast<std::int64_t>(first_ + i);
  }
  bool central(std::size_t i) const { return id(i) == groups_[i].first_subhalo; }
  double bound_mass(std::size_t i) const { return block_.mass[i] * catalog_.mass_msun_h_; }
  // A group may be too loose for an overdensity of 200.
  bool has_m200(std::size_t i) const { return central(i) && groups_[i].mass > 0 && groups_[i].radius > 0; }
  double magnitude(std::size_t i, std::size_t band) const {
    const double value = block_.photometry[bands * i + band];
    return value < no_magnitude ? value : std::numeric_limits<double>::quiet_NaN();
  }

  void put_vector(const std::string& prefix, const std::vector<double>& values, double unit) {
    for (std::size_t axis = 0; axis < 3; ++axis)
      put(prefix + "xyz"[axis], [&](auto i) { return values[3 * i + axis] * unit; });
  }
  template <class ValueOf>
  void put(const std::string& name, ValueOf&& value_of) {
    put(std::ranges::find(halo_schema(), name, [](const auto& c) { return c.spec.name; })->spec, value_of);
  }
  template <class ValueOf>
  void put(const ColumnSpec& spec, ValueOf&& value_of) {
    const auto column = table_.add<std::invoke_result_t<ValueOf, std::size_t>>(spec);
    const ValueCheck check(spec.name, catalog_.simulation_);
    for (std::size_t k = 0; k < kept_.size(); ++k) {
      column[k] = value_of(kept_[k]);
      if (spec.unit == "mag") continue;
      if (const auto value = static_cast<double>(column[k]); !check.allows(value))
        throw data_error("{}: subhalo {}: column '{}' {}", catalog_.file_of_row(first_ + kept_[k]),
                         id(kept_[k]), spec.name, check.fault_of(value));
    }
  }

  const SubfindCatalog& catalog_;
  std::uint64_t first_;
  const Block& block_;
  std::vector<Group> groups_;  // of each row
  std::vector<std::size_t> kept_;
  Table table_;
};

// No two masses of another definition are equal to the last bit.
std::uint64_t SubfindCatalog::hosts_without_m200(const Table& halos) {
  const auto parent = halos.get<std::int64_t>("parent_id");
  const auto mass = halos.get<double>("mass"), bound_mass = halos.get<double>("bound_mass");
  std::uint64_t hosts = 0;
  for (std::size_t i = 0; i < halos.rows(); ++i) hosts += parent[i] < 0 && mass[i] == bound_mass[i];
  return hosts;
}

std::string SubfindCatalog::remark_on_m200(std::uint64_t hosts) {
  return fmt::format(
      "{} hosts have no M200c (Group_M_Crit200 or Group_R_Crit200 is 0): their mass is that of all bound particles, "
      "their radius follows from it",
      hosts);
}

Table SubfindCatalog::rows(std::uint64_t first, std::uint64_t count, SubhaloColumns columns) const {
  const auto block = read_block(first, count, columns);
  Rows rows(*this, first, block);
  rows.add_halos();
  if (columns == SubhaloColumns::stars) rows.add_stars();
  return std::move(rows).table();
}

}  // namespace halobrush::catalog
