#include "checks.hpp"

#include <algorithm>
#include <cmath>

#include "halobrush/core/error.hpp"

namespace halobrush::stats {
namespace {

void check_edges(const std::vector<double>& edges, const char* key) {
  if (edges.size() < 2) throw config_error("stats.{}: no bins; give at least one", key);
  if (!(edges.front() > 0) || !std::isfinite(edges.back()))
    throw config_error(
        "stats.{}: edges from {} to {} (must be above zero and finite: a galaxy is no pair with itself)", key,
        edges.front(), edges.back());
  if (std::adjacent_find(edges.begin(), edges.end(), [](double a, double b) { return !(a < b); }) !=
      edges.end())
    throw config_error("stats.{}: edges do not rise; set min below max", key);
}

void check_half(double reach, double side, const char* key, const char* of) {
  if (reach > side / 2)
    throw config_error(
        "stats.{}: {} Mpc/h is beyond half of the box{} ({} Mpc/h), where pairs have two images; choose {} "
        "or less",
        key, reach, of, side, side / 2);
}

}  // namespace

void check_box(const domain::Box& box) {
  if (!box.side.allFinite() || !(box.side.minCoeff() > 0))
    throw config_error("stats: box of sides {} {} {} Mpc/h (must be above zero)", box.side.x(), box.side.y(),
                       box.side.z());
}

void check_radial(const domain::Box& box, const std::vector<double>& r_edges) {
  check_edges(r_edges, "r");
  check_half(r_edges.back(), box.side.minCoeff(), "r.max", "'s shortest side");
}

void check_sky(const domain::Box& box, const std::vector<double>& rp_edges, double pi_max) {
  check_edges(rp_edges, "rp");
  check_half(rp_edges.back(), std::min(box.side.x(), box.side.y()), "rp.max", " across the line of sight");
  if (!(pi_max > 0)) throw config_error("stats.pi_max: {} (must be above zero)", pi_max);
  check_half(pi_max, box.side.z(), "pi_max", " along z");
}

}  // namespace halobrush::stats
