#include "checks.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>
#include <tuple>

#include "halobrush/core/error.hpp"
#include "halobrush/mpi/directory.hpp"

namespace halobrush::catalog {
namespace {

// Text has five decimals at least, 32-bit floats seven digits.
double rounding(double side) {
  return std::max(2e-5, 1e-6 * side);
}

constexpr double ratio_rounding = 1e-3;

}  // namespace

ValueCheck::ValueCheck(const std::string& column, const Simulation& simulation) : column_(column) {
  const auto axis = column.size() == 1 ? std::string("xyz").find(column) : std::string::npos;
  if (column == "mass" || column == "radius") lowest_ = std::numeric_limits<double>::denorm_min();
  if (column == "id" || column == "n_particles" || column == "vmax") lowest_ = 0;
  if (column == "b_to_a" || column == "c_to_a") lowest_ = 0, highest_ = 1 + ratio_rounding;
  if (axis == std::string::npos || !(simulation.box[axis] > 0)) return;
  side_ = simulation.box[axis];
  lowest_ = -rounding(side_), highest_ = side_ + rounding(side_);
}

std::string ValueCheck::fault_of(double value) const {
  if (!std::isfinite(value)) return fmt::format("is {} (not finite); repair or remove the row", value);
  if (side_ > 0)
    return fmt::format("is {} ({:.3g} outside the box of {} Mpc/h, where rounding explains {:.1g}); check box and units", value,
                       std::max(-value, value - side_), side_, rounding(side_));
  const auto why = column_ == "id"            ? "an id is not negative"
                   : column_ == "vmax"        ? "a maximum circular velocity is not negative"
                   : column_ == "n_particles" ? "a number of particles is not negative"
                   : highest_ < 2             ? "a ratio of axes lies from 0, unresolved, to 1"
                                              : fmt::format("a {} is positive", column_);
  return fmt::format("is {} ({}); repair or remove the row", value, why);
}

std::optional<std::string> fault_of_ratios(double b_to_a, double c_to_a) {
  if (c_to_a <= b_to_a + ratio_rounding) return std::nullopt;
  return fmt::format("is {}, more than b_to_a ({}), but axes are ordered a >= b >= c; are the two columns exchanged?", c_to_a, b_to_a);
}

void check_halos(const Table& halos, const Simulation& simulation, const std::function<std::string(std::size_t)>& where) {
  auto row = halos.rows();  // of the first fault
  std::string text;
  for (const auto& column : halos.columns()) {
    const ValueCheck check(column.spec.name, simulation);
    std::visit(
        [&](const auto& values) {
          const auto allowed = [&](auto value) { return check.allows(static_cast<double>(value)); };
          const auto end = values.begin() + static_cast<std::ptrdiff_t>(row), found = std::find_if_not(values.begin(), end, allowed);
          if (found == end) return;
          row = static_cast<std::size_t>(found - values.begin());
          text = fmt::format("column '{}' {}", column.spec.name, check.fault_of(static_cast<double>(*found)));
        },
        column.data);
  }
  if (halos.has("b_to_a") && halos.has("c_to_a")) {
    const auto b_to_a = halos.reals("b_to_a"), c_to_a = halos.reals("c_to_a");
    for (std::size_t i = 0; i < row; ++i)
      if (const auto fault = fault_of_ratios(b_to_a[i], c_to_a[i])) row = i, text = "column 'c_to_a' " + *fault;
  }
  if (!text.empty()) throw data_error("{}: {}", where(row), text);
}

const ColumnSpec& spec_of_halo_column(const std::string& name) {
  const auto found = std::ranges::find(halo_schema(), name, [](const auto& column) { return column.spec.name; });
  if (found == halo_schema().end()) throw internal_error("halos have no column '{}'", name);
  return found->spec;
}

void wrap_into_box(Table& halos, const Simulation& simulation) {
  for (std::size_t axis = 0; axis < 3; ++axis) {
    const double side = simulation.box[axis];
    for (auto& x : halos.get<double>(std::string(1, "xyz"[axis]))) {
      if (x < 0) x += side;
      if (x >= side) x -= side;
      if (!(x >= 0 && x < side)) x = 0;
    }
  }
}

void require_same(const std::string& path, const Simulation& here, const std::string& first_path,
                  const Simulation& first) {
  const auto require = [&](const char* what, const auto& value, const auto& wanted, bool same) {
    if (!same)
      throw data_error("{}: {} is {}, but {} in {} (files of two catalogs or snapshots); give the files of one", path, what,
                       value, wanted, first_path);
  };
  const auto text = [](double value) { return fmt::format("{:.10g}", value); };
  for (const auto& [what, value, wanted] :
       {std::tuple("the scale factor", here.scale_factor, first.scale_factor), {"a side of the box", here.box[0], first.box[0]},
        {"a side of the box", here.box[1], first.box[1]}, {"a side of the box", here.box[2], first.box[2]},
        {"omega_m", here.omega_m, first.omega_m}, {"omega_l", here.omega_l, first.omega_l}, {"h", here.h, first.h},
        {"omega_b", here.omega_b, first.omega_b}, {"sigma_8", here.sigma_8, first.sigma_8}, {"n_s", here.n_s, first.n_s},
        {"the particle mass", here.particle_mass, first.particle_mass}})
    require(what, text(value), text(wanted), (std::isnan(value) && std::isnan(wanted)) || std::abs(value - wanted) <= 1e-6 * std::abs(wanted));
  require("the mass definition", "'" + here.mass_definition + "'", "'" + first.mass_definition + "'",
          here.mass_definition == first.mass_definition);
}

std::string piece_of_box(const std::string& why) {
  return fmt::format(
      "{}the halos are of a piece of the box only ({}): tidal fields, ghost zones and statistics take the rest for "
      "empty; give the whole box",
      warning, why);
}

void Occupancy::add(const Table& halos) {
  const auto parent = halos.get<std::int64_t>("parent_id");
  const auto positions = halos.vectors("");
  for (std::size_t i = 0; i < parent.size(); ++i) {
    if (parent[i] >= 0) continue;
    ++hosts_;
    const auto position = positions[i];
    std::size_t cell = 0;
    for (std::size_t k = 0; k < 3; ++k) {
      const double x = std::clamp(position[static_cast<int>(k)] / simulation_.box[k], 0., 1 - 1e-9);
      ++slab_[slabs * k + static_cast<std::size_t>(x * slabs)];
      cell = cell * cells + static_cast<std::size_t>(x * cells);
    }
    ++cell_[cell];
  }
}

void Occupancy::sum(const mpi::Communicator& comm) {
  hosts_ = comm.sum(hosts_);
  comm.sum_in_place(std::span(slab_));
  comm.sum_in_place(std::span(cell_));
}

// Halos cluster: taken for a third of their number, so that a wide void in a small box is no false alarm.
std::optional<std::string> Occupancy::empty_slab(std::size_t axis) const {
  const auto empty = [&](std::size_t i) { return slab_[slabs * axis + i % slabs] == 0; };
  std::size_t begin = 0, longest = 0;
  for (std::size_t i = 0; i < slabs; ++i) {
    std::size_t n = 0;
    while (n < slabs && empty(i + n)) ++n;
    if (n > longest) begin = i, longest = n;
    i += n;
  }
  const double width = static_cast<double>(longest) / slabs, independent = static_cast<double>(hosts_) / 3;
  if (width < 0.05 || independent * std::pow(1 - width, independent) > 1e-6) return std::nullopt;
  const double side = simulation_.box[axis], from = side * static_cast<double>(begin) / slabs;
  const double to = from + side * width;
  return fmt::format("none of {} hosts has {} from {:.4g} to {:.4g} Mpc/h", hosts_, "xyz"[axis], from,
                     to > side ? to - side : to);
}

// An octant may be missing where no slab is empty. Cells as large as voids are not, each with hosts enough.
std::optional<std::string> Occupancy::empty_cell() const {
  constexpr double smallest_mpc_h = 30, expected = 60;
  for (const std::size_t n : {std::size_t{8}, std::size_t{4}, std::size_t{2}}) {
    const double least = *std::ranges::min_element(simulation_.box) / static_cast<double>(n);
    const auto total = static_cast<double>(n * n * n);
    if (least < smallest_mpc_h || static_cast<double>(hosts_) / total < expected) continue;
    std::vector<std::uint64_t> counts(n * n * n);
    for (std::size_t c = 0; c < cell_.size(); ++c) {
      const auto x = c / (cells * cells), y = c / cells % cells, z = c % cells;
      counts[(x * n / cells * n + y * n / cells) * n + z * n / cells] += cell_[c];
    }
    const auto none = std::ranges::count(counts, 0u);
    if (none > 0)
      return fmt::format("{} of {} cells of {:.3g} Mpc/h have none of {} hosts", none, counts.size(), least, hosts_);
    return std::nullopt;
  }
  return std::nullopt;
}

std::optional<std::string> Occupancy::empty_region() const {
  if (hosts_ == 0) return std::nullopt;
  for (std::size_t axis = 0; axis < 3; ++axis)
    if (const auto slab = empty_slab(axis)) return slab;
  return empty_cell();
}

void check_unique_ids(const std::string& path, const Table& halos, const mpi::Communicator& comm) {
  const auto ids = halos.get<std::int64_t>("id");
  struct Nothing {};
  const mpi::Directory<Nothing> directory(ids, [](std::size_t) { return Nothing{}; }, comm);
  if (const auto id = directory.duplicate())
    throw data_error("{}: id {} occurs more than once (ids name halos); keep one of the rows", path, *id);
}

}  // namespace halobrush::catalog
