#include "hacc_columns.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "checks.hpp"
#include "halobrush/core/error.hpp"
#include "overdensity.hpp"

namespace halobrush::catalog {
namespace {

constexpr auto tag = "fof_halo_tag", fof_count = "fof_halo_count", fof_mass = "fof_halo_mass",
               sod_mass = "sod_halo_mass", sod_radius = "sod_halo_radius", dispersion = "fof_halo_1D_vel_disp";
constexpr double none = -101;  // HACC's number where a halo has no spherical overdensity

std::vector<std::string> vector_names(const std::string& prefix, const char* axes = "xyz") {
  return {prefix + axes[0], prefix + axes[1], prefix + axes[2]};
}

std::vector<std::string> shape_names(const std::string& prefix) {
  std::vector<std::string> names;
  for (const char* axis : {"1", "2", "3"})
    for (auto& name : vector_names(prefix + axis, "XYZ")) names.push_back(std::move(name));
  return names;
}

}  // namespace

// Types of HaccColumns::Rows: not in the unnamed namespace, where g++ warns of them when sources are compiled together.
namespace hacc {

// A column of any type, read as double.
class Values {
 public:
  explicit Values(const ColumnData& data) : data_(&data) {}
  double operator[](std::size_t row) const {
    return std::visit([&](const auto& values) { return static_cast<double>(values[row]); }, *data_);
  }
  bool single() const { return std::holds_alternative<std::vector<float>>(*data_); }

 private:
  const ColumnData* data_;
};

struct Shape {
  Vec3 axis = Vec3::Zero();
  double b_to_a = 0, c_to_a = 0;
  bool resolved = false;
};

}  // namespace hacc

namespace {

using hacc::Shape, hacc::Values;

// Vectors along the axes, as long as the semi-axes, in any order.
Shape shape_of(std::array<Vec3, 3> axes) {
  std::ranges::sort(axes, {}, [](const Vec3& axis) { return axis.stableNorm(); });
  const double minor = axes[0].stableNorm(), middle = axes[1].stableNorm(), major = axes[2].stableNorm();
  if (!(minor > 0) || !std::isfinite(major)) return {};
  // Where there is no shape, all nine numbers are 0, -1, -1/h or -101: such axes are parallel.
  for (const auto& [i, j] : {std::pair(0, 1), {0, 2}, {1, 2}})
    if (std::abs(axes[static_cast<std::size_t>(i)].normalized().dot(axes[static_cast<std::size_t>(j)].normalized())) > 0.1) return {};
  return {axes[2] / major, middle / major, minor / major, true};
}

}  // namespace

HaccCounts& HaccCounts::operator+=(const HaccCounts& other) {
  rows += other.rows, without_sod += other.without_sod, fragments += other.fragments, shapeless += other.shapeless;
  return *this;
}

HaccCounts sum(const HaccCounts& counts, const mpi::Communicator& comm) {
  return {comm.sum(counts.rows), comm.sum(counts.without_sod), comm.sum(counts.fragments), comm.sum(counts.shapeless)};
}

HaccColumns::HaccColumns(std::string path, std::span<const std::string> names) : path_(std::move(path)) {
  const auto has = [&](const std::string& name) { return std::ranges::find(names, name) != names.end(); };
  const auto has_all = [&](const std::vector<std::string>& wanted) { return std::ranges::all_of(wanted, has); };
  if (has("fof_halo_center_a"))
    throw data_error("{}: is a light cone (column 'fof_halo_center_a'); give a snapshot", path_);
  const auto need = [&](const std::vector<std::string>& more) { needed_.insert(needed_.end(), more.begin(), more.end()); };
  const auto first_of = [&](std::initializer_list<const char*> prefixes, auto&& names_with) {
    const auto found = std::ranges::find_if(prefixes, [&](const char* prefix) { return has_all(names_with(prefix)); });
    if (found == prefixes.end()) return std::string();
    need(names_with(*found));
    return std::string(*found);
  };
  const auto vectors = [](const std::string& prefix) { return vector_names(prefix); };
  const auto alone = [](const std::string& name) { return std::vector{name}; };

  need({tag, fof_mass});
  need(vector_names("fof_halo_center_"));
  velocity_ = first_of({"fof_halo_mean_v", "fof_halo_com_v"}, vectors);
  if (velocity_.empty()) need(vector_names("fof_halo_mean_v"));
  std::vector<std::string> absent;
  std::ranges::copy_if(needed_, std::back_inserter(absent), [&](const auto& name) { return !has(name); });
  if (!absent.empty())
    throw data_error("{}: no column {} (halo properties of HACC have them{}); give a file of halo properties", path_,
                     fmt::join(absent, ", "), velocity_.empty() ? ", or fof_halo_com_v" : "");

  sod_ = has_all({sod_mass, sod_radius});
  if (sod_) need({sod_mass, sod_radius});
  count_ = has(fof_count);
  if (count_) need({fof_count});
  vmax_ = first_of({"fof_halo_max_cir_vel", "sod_halo_max_cir_vel"}, alone);
  dispersion_ = has(dispersion);
  if (dispersion_) need({dispersion});
  spin_ = !first_of({"fof_halo_angmom_"}, vectors).empty();
  shape_ = first_of({"fof_halo_eigS", "sod_halo_eigS"}, shape_names);
}

// Columns of a block, row by row into ours.
class HaccColumns::Rows {
 public:
  Rows(const HaccColumns& from, const std::vector<ColumnData>& columns, const Simulation& simulation)
      : from_(from), columns_(columns), simulation_(simulation), rows_(std::visit([](const auto& v) { return v.size(); }, columns.front())) {
    table_.resize(rows_);
  }

  Table take() {
    add_ids();
    add_masses();
    for (const char* axis : {"x", "y", "z"}) {
      const auto position = column("fof_halo_center_" + std::string(axis));
      put(axis, false, [&](auto i) { return position[i]; });
    }
    add_vector("v", from_.velocity_, simulation_.scale_factor);
    add_internal_motions();
    if (from_.count_) put_integers("n_particles", fof_count);
    if (!from_.shape_.empty()) add_shapes();
    return std::move(table_);
  }

  HaccCounts counts() const {
    auto counts = counts_;
    counts.rows = rows_;
    return counts;
  }

 private:
  Values column(const std::string& name) const {
    const auto at = std::ranges::find(from_.needed_, name) - from_.needed_.begin();
    return Values(columns_[static_cast<std::size_t>(at)]);
  }

  template <class ValueOf>
  void put(const std::string& name, bool single, ValueOf&& value_of) {
    const auto fill = [&]<class T>(std::span<T> values) {
      for (std::size_t i = 0; i < rows_; ++i) values[i] = static_cast<T>(value_of(i));
    };
    if (single)
      fill(table_.add<float>(spec_of_halo_column(name)));
    else
      fill(table_.add<double>(spec_of_halo_column(name)));
  }

  std::span<const std::int64_t> integers(const std::string& name) const {
    const auto at = std::ranges::find(from_.needed_, name) - from_.needed_.begin();
    const auto* values = std::get_if<std::vector<std::int64_t>>(&columns_[static_cast<std::size_t>(at)]);
    if (values == nullptr)
      throw data_error("{}: column '{}' does not hold integers (it counts or names); write it as integers", from_.path_, name);
    return *values;
  }

  void put_integers(const std::string& name, const std::string& theirs) {
    std::ranges::copy(integers(theirs), table_.add<std::int64_t>(spec_of_halo_column(name)).begin());
  }

  void add_vector(const std::string& ours, const std::string& theirs, double factor) {
    for (const char axis : {'x', 'y', 'z'}) {
      const auto values = column(theirs + axis);
      put(ours + axis, values.single(), [&](auto i) { return values[i] * factor; });
    }
  }

  // A fragment of a halo has its number in the upper bits of a tag that is negative.
  void add_ids() {
    const auto tags = integers(tag);
    const auto id = table_.add<std::int64_t>(spec_of_halo_column("id"));
    for (std::size_t i = 0; i < rows_; ++i) {
      const bool fragment = tags[i] < 0 && tags[i] != std::numeric_limits<std::int64_t>::min();
      id[i] = fragment ? -tags[i] : tags[i];
      counts_.fragments += fragment;
    }
    std::ranges::fill(table_.add<std::int64_t>(spec_of_halo_column("parent_id")), -1);
  }

  void add_masses() {
    const auto fof = column(fof_mass);
    const auto mass = from_.sod_ ? column(sod_mass) : fof, radius = from_.sod_ ? column(sod_radius) : fof;
    const auto has_sod = [&](std::size_t i) { return from_.sod_ && mass[i] != none && mass[i] != 0; };
    put("mass", fof.single() && mass.single(), [&](auto i) { return has_sod(i) ? mass[i] : fof[i]; });
    put("radius", fof.single() && radius.single(), [&](auto i) { return has_sod(i) ? radius[i] : radius_200c(fof[i], simulation_); });
    put("bound_mass", fof.single(), [&](auto i) { return fof[i]; });
    if (from_.sod_)
      for (std::size_t i = 0; i < rows_; ++i) counts_.without_sod += !has_sod(i);
  }

  void add_internal_motions() {
    const double a = simulation_.scale_factor;
    if (!from_.vmax_.empty()) {
      const auto vmax = column(from_.vmax_);
      put("vmax", vmax.single(), [&](auto i) { return vmax[i] == none ? 0 : vmax[i] * a; });
    }
    if (from_.dispersion_) {
      const auto sigma = column(dispersion);
      put("vrms", sigma.single(), [&](auto i) { return sigma[i] * std::sqrt(3.) * a; });
    }
    if (!from_.spin_) return;
    add_vector("j", "fof_halo_angmom_", 1);
    const auto fof = column(fof_mass);
    const auto spin = std::as_const(table_).vectors("j");
    put("specific_spin", fof.single(), [&](auto i) { return spin[i].stableNorm() * a * a / fof[i]; });
  }

  void add_shapes() {
    std::vector<Values> eigen;
    for (const auto& name : shape_names(from_.shape_)) eigen.push_back(column(name));
    std::vector<Shape> shapes(rows_);
    for (std::size_t i = 0; i < rows_; ++i) {
      std::array<Vec3, 3> axes;
      for (std::size_t k = 0; k < 3; ++k) axes[k] = {eigen[3 * k][i], eigen[3 * k + 1][i], eigen[3 * k + 2][i]};
      shapes[i] = shape_of(axes);
      counts_.shapeless += !shapes[i].resolved;
    }
    const bool single = eigen.front().single();
    put("b_to_a", single, [&](auto i) { return shapes[i].b_to_a; });
    put("c_to_a", single, [&](auto i) { return shapes[i].c_to_a; });
    for (int axis = 0; axis < 3; ++axis)
      put(std::string("axis_") + "xyz"[axis], single, [&](auto i) { return shapes[i].axis[axis]; });
    const auto resolved = table_.add<std::uint8_t>(spec_of_halo_column("shape_resolved"));
    for (std::size_t i = 0; i < rows_; ++i) resolved[i] = shapes[i].resolved;
  }

  const HaccColumns& from_;
  const std::vector<ColumnData>& columns_;
  const Simulation& simulation_;
  std::size_t rows_;
  Table table_;
  HaccCounts counts_;
};

// A shape of numbers that are none would pass for one that was not measured.
void HaccColumns::check_finite(const std::vector<ColumnData>& columns, std::uint64_t first_row) const {
  const auto rows = std::visit([](const auto& values) { return values.size(); }, columns.front());
  for (std::size_t i = 0; i < rows; ++i)
    for (std::size_t k = 0; k < columns.size(); ++k)
      if (const double value = std::visit([&](const auto& values) { return static_cast<double>(values[i]); }, columns[k]); !std::isfinite(value))
        throw data_error("{}: row {}: column '{}' is {} (not finite); repair or remove the row", path_, first_row + i, needed_[k], value);
}

Table HaccColumns::halos(const std::vector<ColumnData>& columns, std::uint64_t first_row, const Simulation& simulation,
                         HaccCounts& counts) const {
  check_finite(columns, first_row);
  Rows rows(*this, columns, simulation);
  auto halos = rows.take();
  const auto& tags = std::get<std::vector<std::int64_t>>(columns.front());
  check_halos(halos, simulation, [&](std::size_t i) { return fmt::format("{}: row {} (fof_halo_tag {})", path_, first_row + i, tags[i]); });
  counts += rows.counts();
  return halos;
}

std::vector<std::string> HaccColumns::remarks(const Simulation& simulation) const {
  std::vector<std::string> remarks;
  if (sod_)
    remarks.emplace_back("mass and radius are sod_halo_mass and sod_halo_radius, taken for M200c; bound_mass is fof_halo_mass");
  else
    remarks.emplace_back("mass is fof_halo_mass; the radius is that of a sphere of this mass of 200 times the critical density");
  if (simulation.scale_factor != 1 && !std::isnan(simulation.scale_factor))
    remarks.push_back(fmt::format("velocities are comoving in the file: times the scale factor {:g} here", simulation.scale_factor));
  return remarks;
}

std::vector<std::string> HaccColumns::remarks(const HaccCounts& counts) {
  std::vector<std::string> remarks;
  const auto say = [&](std::uint64_t some, const char* what) {
    if (some > 0) remarks.push_back(fmt::format("{} of {} halos {}", some, counts.rows, what));
  };
  say(counts.without_sod, "have no spherical overdensity (sod_halo_mass is -101): their mass is fof_halo_mass, their radius follows from it");
  say(counts.shapeless, "have no shape (an axis of eigS is 0, or two are not at right angles, as where all are -1 or -101)");
  if (counts.fragments > 0)
    remarks.push_back(fmt::format("{}{} of {} halos are fragments (fof_halo_tag is negative): each is a halo of its own, named by the tag without its sign", warning,
                                  counts.fragments, counts.rows));
  return remarks;
}

std::vector<std::string> HaccColumns::sources() const {
  std::vector<std::string> lines = {"x, y, z: fof_halo_center_x, y, z in comoving Mpc/h"};
  lines.push_back(sod_ ? "mass, radius: sod_halo_mass in Msun/h, sod_halo_radius in comoving Mpc/h" : "mass: fof_halo_mass in Msun/h");
  lines.push_back(fmt::format("vx, vy, vz: {}x, y, z in comoving km/s", velocity_));
  if (!vmax_.empty()) lines.push_back(fmt::format("vmax: {} in comoving km/s", vmax_));
  if (dispersion_) lines.push_back(fmt::format("vrms: {} times the root of 3, in comoving km/s", dispersion));
  if (spin_) lines.emplace_back("specific_spin: fof_halo_angmom_x, y, z over fof_halo_mass, in comoving (Mpc/h) (km/s)");
  if (!shape_.empty()) lines.push_back(fmt::format("axis: the longest of {}1, 2, 3, whose lengths are those of the semi-axes", shape_));
  return lines;
}

}  // namespace halobrush::catalog
