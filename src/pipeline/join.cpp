#include "halobrush/pipeline/join.hpp"

#include <algorithm>
#include <cmath>

#include "halobrush/catalog/numbers.hpp"
#include "halobrush/core/error.hpp"
#include "halobrush/pipeline/pipeline.hpp"

namespace halobrush::pipeline {
namespace {

// Tolerances; docs/formats.md states them.
constexpr double same_scale = 1e-3;          // relative, of scale factor and box
constexpr double same_parameter = 5e-3;      // of omega_m and h, absolute
constexpr double same_particle_mass = 1.01;  // a factor
constexpr double same_mass = 1.3;            // a factor: other definitions of a halo's edge differ by less
constexpr double rounding_mpc_h = 1e-3;      // of positions in text
constexpr double most_far = 0.1, few_far = 0.01;  // of the galaxies compared
constexpr double most_other_masses = 0.5;
constexpr double almost_none = 0.01, enough_on_trust = 0.5, nearly_all = 0.9;  // of the galaxies, found

// Galaxies and halos of one id, over all ranks.
struct Pairs {
  double found = 0, far = 0, other_mass = 0, distance = 0, radius = 0;
};

class Join {
 public:
  Join(const GalaxyLabels& galaxies, const catalog::HaloCatalog& halos, const mpi::Communicator& comm,
       Logger& log)
      : galaxies_(galaxies),
        halos_(halos),
        comm_(comm),
        log_(log),
        has_positions_(galaxies.table().has("x") && galaxies.table().has("y") && galaxies.table().has("z")),
        mass_column_(galaxies.table().has("halo_mass") ? "halo_mass"
                     : galaxies.table().has("mass")    ? "mass"
                                                       : "") {}

  std::string run() {
    compare_headers();
    const auto pairs = count();
    const auto all = static_cast<double>(galaxies_.size());
    const bool same_file = is_hash_known();
    if (all > 0 && pairs.found < almost_none * all)
      refuse(fmt::format("only {:.0f} of {:.0f} galaxies live in a halo of this catalog (by halo_id)", pairs.found, all));
    if (has_positions_) compare_positions(pairs);
    if (has_masses()) compare_masses(pairs, same_file);
    const bool proven = has_positions_ || same_file || has_masses();
    if (!proven) compare_hashes();
    if (!proven && pairs.found < enough_on_trust * all)
      refuse(fmt::format("only {:.0f} of {:.0f} galaxies ({:.0f} %) live in a halo of this catalog, and neither "
                         "positions nor masses say that the ids are of the same halos",
                         pairs.found, all, 100 * pairs.found / all));
    const auto text = summary(pairs, all, same_file, proven);
    if (!proven || pairs.found < nearly_all * all || pairs.far > few_far * pairs.found)
      log_.warn("{}", text);
    else
      log_.info("{}", text);
    return text;
  }

 private:
  [[noreturn]] void refuse(const std::string& reason) const {
    throw data_error(
        "{}: {}: these are not the halos of {}; set input.path to the halos that the galaxies live in",
        galaxies_.path(), reason, halos_.source.path);
  }

  void compare_headers() const {
    const auto &a = galaxies_.header().simulation, &b = halos_.simulation;
    const auto compare = [&](const char* name, double galaxies, double halos, bool differs) {
      if (differs)  // false where one is NaN
        refuse(fmt::format("{}: {:g} of the galaxies, {:g} of the halos", name, galaxies, halos));
    };
    const auto off = [](double x, double y) { return std::abs(x / y - 1); };
    compare("redshift", 1 / a.scale_factor - 1, 1 / b.scale_factor - 1,
            off(a.scale_factor, b.scale_factor) > same_scale);
    for (std::size_t k = 0; k < 3; ++k)
      compare("side of the box in Mpc/h", a.box[k], b.box[k],
              a.box[k] > 0 && b.box[k] > 0 && off(a.box[k], b.box[k]) > same_scale);
    compare("Omega_m", a.omega_m, b.omega_m, std::abs(a.omega_m - b.omega_m) > same_parameter);
    compare("h", a.h, b.h, std::abs(a.h - b.h) > same_parameter);
    compare("particle mass in Msun/h", a.particle_mass, b.particle_mass,
            std::max(a.particle_mass / b.particle_mass, b.particle_mass / a.particle_mass) > same_particle_mass);
  }

  bool has_masses() const {
    const auto &a = galaxies_.header().simulation.mass_definition, &b = halos_.simulation.mass_definition;
    return !mass_column_.empty() && (a.empty() || b.empty() || a == b);
  }

  // Of the halos that the galaxies were painted on; a converted catalog names the file that it was made from.
  bool is_hash_known() const {
    const auto hash = galaxies_.provenance("input_sha256");
    return !hash.empty() && (hash == halos_.source.sha256 ||
                             std::ranges::any_of(halos_.remarks, [&](const auto& remark) {
                               return remark.find(hash) != remark.npos;
                             }));
  }

  void compare_hashes() const {
    const auto hash = galaxies_.provenance("input_sha256");
    if (!hash.empty())
      refuse(fmt::format("SHA-256 of the halos: {} in the provenance of the galaxies, {} here", hash,
                         halos_.source.sha256));
  }

  Pairs count() const {
    const auto box = box_of(halos_.simulation);
    const auto id = halos_.halos.get<std::int64_t>("id");
    const auto radius = halos_.halos.reals("radius"), mass = halos_.halos.reals("mass");
    const auto position = halos_.halos.vectors("");
    const auto& table = galaxies_.table();
    std::vector<double> place[3], galaxy_mass;
    for (int k = 0; k < 3 && has_positions_; ++k) place[k] = catalog::numbers(table, std::string(1, "xyz"[k]));
    if (has_masses()) galaxy_mass = catalog::numbers(table, mass_column_);
    Pairs pairs;
    for (std::size_t i = 0; i < id.size(); ++i) {
      const auto row = galaxies_.row_of(id[i]);
      if (!row) continue;
      pairs.found += 1;
      if (has_positions_) {
        const Vec3 galaxy(place[0][*row], place[1][*row], place[2][*row]);
        const double d = box.nearest_image(galaxy - position[i]).norm();
        pairs.far += !(d <= radius[i] + rounding_mpc_h);
        pairs.distance += d, pairs.radius += radius[i];
      }
      if (has_masses())
        pairs.other_mass += !(std::max(galaxy_mass[*row] / mass[i], mass[i] / galaxy_mass[*row]) <= same_mass);
    }
    return {comm_.sum(pairs.found), comm_.sum(pairs.far), comm_.sum(pairs.other_mass), comm_.sum(pairs.distance),
            comm_.sum(pairs.radius)};
  }

  void compare_positions(const Pairs& pairs) const {
    if (pairs.far > most_far * pairs.found)
      refuse(fmt::format("{:.0f} of {:.0f} galaxies lie farther from the halo of their halo_id than its radius (in the "
                         "mean {:.3g} Mpc/h, radii {:.3g} Mpc/h)",
                         pairs.far, pairs.found, pairs.distance / pairs.found, pairs.radius / pairs.found));
  }

  // Where positions agree the galaxies live in these halos, whatever another program means by a mass.
  void compare_masses(const Pairs& pairs, bool same_file) const {
    if (!(pairs.other_mass > most_other_masses * pairs.found)) return;
    const auto text = fmt::format("{} of {:.0f} of {:.0f} galaxies is over {:g} times, or under 1/{:g} of, the mass of the "
                                  "halo of their halo_id",
                                  mass_column_, pairs.other_mass, pairs.found, same_mass, same_mass);
    if (!has_positions_ && !same_file) refuse(text);
    log_.warn("{}: {} (another definition or unit of mass?)", galaxies_.path(), text);
  }

  std::string summary(const Pairs& pairs, double all, bool same_file, bool proven) const {
    auto text = fmt::format("join: {:.0f} of {:.0f} galaxies ({:.1f} %) live in these halos", pairs.found, all,
                            100 * pairs.found / std::max(all, 1.0));
    if (same_file) text += "; they were painted on this file, says its SHA-256";
    if (has_positions_)
      text += fmt::format("; {:.0f} lie outside of the halo of their halo_id", pairs.far);
    else if (has_masses())
      text += "; their masses agree";
    if (!proven)
      text += "; that halo_id means these halos is taken on trust: the galaxies have neither positions (x, y, z) nor "
              "halo_mass to compare";
    const auto &a = galaxies_.header().simulation.mass_definition, &b = halos_.simulation.mass_definition;
    if (!a.empty() && !b.empty() && a != b)
      text += fmt::format("; masses are M{} in their catalog, M{} of the halos", a, b);
    return text;
  }

  const GalaxyLabels& galaxies_;
  const catalog::HaloCatalog& halos_;
  const mpi::Communicator& comm_;
  Logger& log_;
  bool has_positions_;
  std::string mass_column_;
};

}  // namespace

std::string check_join(const GalaxyLabels& galaxies, const catalog::HaloCatalog& halos,
                       const mpi::Communicator& comm, Logger& log) {
  return Join(galaxies, halos, comm, log).run();
}

}  // namespace halobrush::pipeline
