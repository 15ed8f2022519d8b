#include "halobrush/catalog/resolution.hpp"

#include <cmath>
#include <utility>

#include "checks.hpp"
#include "halobrush/catalog/numbers.hpp"
#include "halobrush/core/error.hpp"

namespace halobrush::catalog {
namespace {

// Texts round masses: those of 15 particles are 14.9999 particle masses.
constexpr double rounding_particles = 0.5;

std::vector<double> numbers_or_none(const Table& halos, const char* column) {
  return halos.has(column) ? numbers(halos, column) : std::vector<double>();
}

// Lists of subhalos have the host's mass in another definition; particles are counted in what is bound.
const char* bound_mass_in(const Table& halos) {
  return halos.has("bound_mass") ? "bound_mass" : "mass";
}

}  // namespace

bool Resolution::tells_particles(const Table& halos) const {
  return halos.has("n_particles") || (halos.has("mass") && particle_mass_ > 0);
}

Table Resolution::kept(Table halos, const std::string& path) {
  if (options_.min_vmax > 0 && !halos.has("vmax"))
    throw data_error("{}: has no vmax, by which input.min_vmax selects; set input.min_vmax: 0", path);
  if (options_.min_particles <= 0 && options_.min_mass <= 0 && options_.min_vmax <= 0) return halos;
  const auto vmax = numbers_or_none(halos, "vmax"), mass = numbers_or_none(halos, "mass"),
             particles = numbers_or_none(halos, "n_particles"),
             bound_mass = numbers_or_none(halos, bound_mass_in(halos));
  const double least = static_cast<double>(options_.min_particles) - rounding_particles;
  // What is unknown (no column, NaN) is below no limit.
  const auto below = [](const std::vector<double>& column, std::size_t row, double unit, double limit) {
    return limit > 0 && row < column.size() && column[row] / unit < limit;
  };
  std::vector<std::size_t> rows;
  for (std::size_t i = 0; i < halos.rows(); ++i) {
    if (below(particles, i, 1, least) || below(bound_mass, i, particle_mass_, least))
      ++left_out_.few_particles;
    else if (below(mass, i, 1, options_.min_mass))
      ++left_out_.light;
    else if (below(vmax, i, 1, options_.min_vmax))
      ++left_out_.slow;
    else
      rows.push_back(i);
  }
  return rows.size() < halos.rows() ? halos.select(rows) : std::move(halos);
}

LeftOut Resolution::left_out(const mpi::Communicator& comm) const {
  return {comm.sum(left_out_.few_particles), comm.sum(left_out_.light), comm.sum(left_out_.slow)};
}

std::vector<std::string> Resolution::remarks(const LeftOut& left_out, std::uint64_t kept,
                                             const Table& columns) const {
  std::vector<std::string> remarks;
  if (options_.min_particles > 0 && !tells_particles(columns))
    remarks.emplace_back(
        "how many particles halos have is not known (no n_particles, no particle mass): input.min_particles leaves none "
        "out; set input.min_mass or input.min_vmax to what the simulation resolves");
  if (left_out.total() == 0) return remarks;
  std::string why;
  const auto add = [&](std::uint64_t count, const std::string& text) {
    if (count > 0) why += fmt::format("{}{} {}", why.empty() ? "" : ", ", count, text);
  };
  add(left_out.few_particles, fmt::format("of fewer than {} particles (input.min_particles)", options_.min_particles));
  add(left_out.light, fmt::format("lighter than {:g} Msun/h (input.min_mass)", options_.min_mass));
  add(left_out.slow, fmt::format("slower than {:g} km/s (input.min_vmax)", options_.min_vmax));
  remarks.push_back(fmt::format("{}{} of {} halos left out: {}", kept == 0 ? warning : "", left_out.total(),
                                left_out.total() + kept, why));
  return remarks;
}

}  // namespace halobrush::catalog
