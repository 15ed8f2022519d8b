#include "misalignment.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "distributions.hpp"

namespace halobrush::validate {
namespace {

using Directions = std::map<std::string, std::vector<Vec3>>;

// Which axis is compared with which direction: those that theory and simulations find aligned.
constexpr std::array<std::pair<const char*, const char*>, 6> pairs = {{{"major", "halo_axis"},
                                                                       {"minor", "halo_spin"},
                                                                       {"major", "host"},
                                                                       {"minor", "host"},
                                                                       {"major", "stretching"},
                                                                       {"minor", "compressing"}}};

bool has_vector(const Galaxies& galaxies, const std::string& prefix) {
  return std::ranges::all_of(std::string("xyz"), [&](char c) { return galaxies.table.has(prefix + c); });
}

// Zero where the vector is null or not a number.
std::vector<Vec3> unit_vectors(std::vector<Vec3> vectors) {
  for (auto& v : vectors) v = v.allFinite() ? v.stableNormalized() : Vec3(Vec3::Zero());
  return vectors;
}

// Zero where the orientation is not known.
std::vector<Vec3> known_axes(const Galaxies& galaxies, char axis) {
  std::vector<std::size_t> rows(galaxies.table.rows());
  std::iota(rows.begin(), rows.end(), std::size_t{0});
  const auto axes = unit_vectors(galaxies.axes(axis));
  std::vector<Vec3> known(rows.size(), Vec3::Zero());
  for (const auto row : galaxies.oriented(rows)) known[row] = axes[row];
  return known;
}

// A halo's axis and spin stand in a mock under the first name, in a training catalog, beside its other
// columns of the halo, under the second.
void add_vectors(Directions& directions, const std::string& name, const std::string& of_training,
                 const Galaxies& galaxies, std::vector<std::string>& missing) {
  for (const auto& prefix : {name + "_", of_training})
    if (has_vector(galaxies, prefix)) {
      directions[name] = unit_vectors(galaxies.vectors(prefix));
      return;
    }
  missing.push_back(name + "_{x,y,z}");
}

Directions directions_of(const Galaxies& galaxies, const std::optional<Environment>& environment,
                         std::vector<std::string>& missing, const mpi::Communicator& comm) {
  Directions directions;
  add_vectors(directions, "halo_axis", "axis_", galaxies, missing);
  add_vectors(directions, "halo_spin", "j", galaxies, missing);
  if (galaxies.table.has("halo_id") && galaxies.table.has("host_halo_id"))
    directions["host"] = host_directions(galaxies, comm);
  else
    missing.emplace_back("halo_id and host_halo_id");
  if (environment) {
    directions["stretching"] = environment->stretching_axis;
    directions["compressing"] = environment->compressing_axis;
  } else {
    missing.emplace_back("halo_mass");
  }
  return directions;
}

// cos^2, or a NaN where there is no axis or no direction.
double squared_cosine(const Angle& angle, std::size_t row) {
  const auto &axis = angle.axis[row], &direction = angle.direction[row];
  if (axis.isZero(0) || direction.isZero(0)) return unknown;
  return std::min(1.0, std::pow(axis.dot(direction), 2));
}

struct Sums {
  double galaxies = 0, squares = 0;
};

// [sub-boxes], over all ranks.
std::vector<Sums> sums_by_sub_box(const Angle& angle, std::span<const std::size_t> rows,
                                  const SubBoxes& sub_boxes, const mpi::Communicator& comm) {
  std::vector<double> galaxies(sub_boxes.count), squares(sub_boxes.count);
  for (const auto row : rows)
    if (const double square = squared_cosine(angle, row); !std::isnan(square))
      galaxies[sub_boxes.of_row[row]] += 1, squares[sub_boxes.of_row[row]] += square;
  comm.sum_in_place(std::span(galaxies));
  comm.sum_in_place(std::span(squares));
  std::vector<Sums> sums(sub_boxes.count);
  for (std::size_t k = 0; k < sums.size(); ++k) sums[k] = {galaxies[k], squares[k]};
  return sums;
}

double jackknife_error(const std::vector<double>& left_out) {
  const auto n = static_cast<double>(left_out.size());
  const double mean = std::reduce(left_out.begin(), left_out.end()) / n;
  double squares = 0;
  for (const double sample : left_out) squares += std::pow(sample - mean, 2);
  return std::sqrt((n - 1) / n * squares);
}

std::vector<double> cosines_of(const Angle& angle, std::span<const std::size_t> rows) {
  std::vector<double> cosines;
  for (const auto row : rows)
    if (const double square = squared_cosine(angle, row); !std::isnan(square))
      cosines.push_back(std::sqrt(square));
  return cosines;
}

}  // namespace

std::vector<Angle> angles_of(const Galaxies& galaxies, const std::optional<Environment>& environment,
                             std::vector<std::string>& missing, const mpi::Communicator& comm) {
  std::map<std::string, std::vector<Vec3>> axes;
  if (galaxies.has_axis('A')) axes["major"] = known_axes(galaxies, 'A');
  if (galaxies.has_axis('C')) axes["minor"] = known_axes(galaxies, 'C');
  std::vector<Angle> angles;
  if (axes.empty()) return angles;
  const auto directions = directions_of(galaxies, environment, missing, comm);
  for (const auto& [axis, direction] : pairs)
    if (axes.contains(axis) && directions.contains(direction))
      angles.push_back({std::string(axis) + "_" + direction, axes.at(axis), directions.at(direction)});
  return angles;
}

SubBoxes::SubBoxes(const Galaxies& galaxies, std::int64_t per_side) {
  const auto n = std::max<std::int64_t>(per_side, 1);
  count = static_cast<std::size_t>(n * n * n);
  const auto box = galaxies.box();
  for (const auto& position : galaxies.positions()) {
    const Vec3 fraction = box.wrap(position).cwiseQuotient(box.side);
    std::int64_t index = 0;
    for (const double f : fraction)
      index = index * n + std::min(n - 1, static_cast<std::int64_t>(f * static_cast<double>(n)));
    of_row.push_back(static_cast<std::size_t>(index));
  }
}

Misalignment misalignment_of(const Angle& angle, std::span<const std::size_t> rows,
                             const Selection& selection, const SubBoxes& sub_boxes,
                             const mpi::Communicator& comm) {
  Misalignment out;
  out.name = angle.name, out.selection = selection.name(), out.cut = selection.text();
  constexpr std::size_t bins = 20;
  for (std::size_t i = 0; i <= bins; ++i) out.edges.push_back(static_cast<double>(i) / bins);
  out.counts = histogram(cosines_of(angle, rows), out.edges, comm);

  const auto sums = sums_by_sub_box(angle, rows, sub_boxes, comm);
  Sums all;
  for (const auto& one : sums) all.galaxies += one.galaxies, all.squares += one.squares;
  out.galaxies = all.galaxies;
  if (all.galaxies > 0) out.value = all.squares / all.galaxies;
  if (sums.size() < 2) return out;
  for (const auto& one : sums)
    out.leave_one_out.push_back((all.squares - one.squares) / (all.galaxies - one.galaxies));
  out.error = jackknife_error(out.leave_one_out);
  return out;
}

}  // namespace halobrush::validate
