#include "random_pairs.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

namespace halobrush::stats {
namespace {

constexpr double pi = std::numbers::pi;
constexpr int panels = 4;

// Gauss-Legendre, eight nodes in each of four panels: exact to rounding for what is smooth here.
template <class Function>
double integrate(double low, double high, const Function& f) {
  constexpr std::array<double, 4> node{0.1834346424956498, 0.5255324099163290, 0.7966664774136267,
                                       0.9602898564975363};
  constexpr std::array<double, 4> weight{0.3626837833783620, 0.3137066458778873, 0.2223810344533745,
                                         0.1012285362903763};
  const double half = (high - low) / (2 * panels);
  double sum = 0;
  for (int p = 0; p < panels; ++p) {
    const double middle = low + (2 * p + 1) * half;
    for (std::size_t k = 0; k < node.size(); ++k)
      sum += weight[k] * (f(middle - half * node[k]) + f(middle + half * node[k]));
  }
  return sum * half;
}

// Volume that a sub-box and its copy moved by d share.
struct Overlap {
  Vec3 side;
  double along(int k, double d) const { return std::max(0.0, side[k] - std::abs(d)); }
};

double ball(double r) {
  return 4 * pi / 3 * r * r * r;
}
double disc(double r) {
  return pi * r * r;
}

// volume[b] of bins, shared[b]: integral of the overlap over a bin.
std::vector<double> fractions(const domain::Box& box, int per_side, std::vector<double> volume,
                              const std::vector<double>& shared) {
  const double whole = box.side.prod(), hole = per_side > 0 ? whole / std::pow(per_side, 3) : 0;
  for (std::size_t b = 0; b < volume.size(); ++b)
    volume[b] = (volume[b] * (whole - 2 * hole) + shared[b]) / ((whole - hole) * (whole - hole));
  return volume;
}

}  // namespace

std::vector<double> radial_pair_fraction(const domain::Box& box, const std::vector<double>& r_edges,
                                         int per_side) {
  std::vector<double> volume, shared(r_edges.size() - 1);
  for (std::size_t b = 0; b + 1 < r_edges.size(); ++b) {
    volume.push_back(ball(r_edges[b + 1]) - ball(r_edges[b]));
    if (per_side == 0) continue;
    const Overlap sub{box.side / per_side};
    shared[b] = 8 * integrate(r_edges[b], r_edges[b + 1], [&](double r) {
                  return r * r * integrate(0, pi / 2, [&](double theta) {
                           const double across = r * std::sin(theta);
                           return std::sin(theta) * sub.along(2, r * std::cos(theta)) *
                                  integrate(0, pi / 2, [&](double phi) {
                                    return sub.along(0, across * std::cos(phi)) *
                                           sub.along(1, across * std::sin(phi));
                                  });
                         });
                });
  }
  return fractions(box, per_side, volume, shared);
}

std::vector<double> sky_pair_fraction(const domain::Box& box, const std::vector<double>& rp_edges,
                                      double pi_max, int per_side) {
  std::vector<double> volume, shared(rp_edges.size() - 1);
  for (std::size_t b = 0; b + 1 < rp_edges.size(); ++b) {
    volume.push_back((disc(rp_edges[b + 1]) - disc(rp_edges[b])) * 2 * pi_max);
    if (per_side == 0) continue;
    const Overlap sub{box.side / per_side};
    const double reach = std::min(pi_max, sub.side[2]), depth = 2 * reach * (sub.side[2] - reach / 2);
    shared[b] = 4 * depth * integrate(rp_edges[b], rp_edges[b + 1], [&](double rp) {
                  return rp * integrate(0, pi / 2, [&](double phi) {
                           return sub.along(0, rp * std::cos(phi)) * sub.along(1, rp * std::sin(phi));
                         });
                });
  }
  return fractions(box, per_side, volume, shared);
}

}  // namespace halobrush::stats
