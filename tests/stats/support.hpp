// Catalogs made in code, and all statistics by a plain double sum over ordered pairs.
#pragma once

#include <Eigen/Geometry>
#include <cmath>
#include <map>
#include <numbers>
#include <string>

#include "halobrush/core/random.hpp"
#include "halobrush/stats/statistics.hpp"

namespace halobrush::stats::testing_support {

/// Half uniform, half in clumps of about twenty, with random axes, ellipticities and weights.
inline Sample clustered_sample(const domain::Box& box, std::size_t n, std::uint64_t seed, bool weighted) {
  RandomStream random(seed, 1, Purpose::test);
  Sample sample;
  Vec3 centre;
  while (sample.pos.size() < n) {
    if (sample.pos.size() % 40 < 20 || sample.pos.size() % 20 == 0)
      centre = Vec3(random.uniform(), random.uniform(), random.uniform()).cwiseProduct(box.side);
    const bool clump = sample.pos.size() % 40 >= 20;
    sample.pos.push_back(box.wrap(clump ? Vec3(centre + 1.5 * random.normal3()) : centre));
    const Vec3 a = random.unit_vector(), b = a.cross(random.unit_vector()).normalized();
    sample.axes[0].push_back(a);
    sample.axes[1].push_back(b);
    sample.axes[2].push_back(a.cross(b));
    const double e = 0.6 * random.uniform(), angle = 2 * std::numbers::pi * random.uniform();
    sample.ellipticity.push_back({e * std::cos(angle), e * std::sin(angle)});
    if (weighted) sample.weight.push_back(0.2 + random.uniform());
  }
  return sample;
}

/// Rows for which keep(i).
template <class Keep>
Sample rows_of(const Sample& all, const Keep& keep) {
  Sample out;
  for (std::size_t i = 0; i < all.pos.size(); ++i) {
    if (!keep(i)) continue;
    out.pos.push_back(all.pos[i]);
    if (!all.weight.empty()) out.weight.push_back(all.weight[i]);
    if (!all.ellipticity.empty()) out.ellipticity.push_back(all.ellipticity[i]);
    for (std::size_t a = 0; a < 3; ++a)
      if (!all.axes[a].empty()) out.axes[a].push_back(all.axes[a][i]);
  }
  return out;
}

/// This rank's share of rows, in an order of its own.
inline Sample share_of(const Sample& all, const mpi::Communicator& comm) {
  const auto ranks = static_cast<std::size_t>(comm.size()), rank = static_cast<std::size_t>(comm.rank());
  auto share = rows_of(all, [&](std::size_t i) { return (i * 7919) % 101 % ranks == rank; });
  return share;
}

struct Brute {
  std::vector<double> value;
  std::vector<std::int64_t> pairs;
};

inline int bin_of(const std::vector<double>& edges, double x) {
  for (std::size_t b = 0; b + 1 < edges.size(); ++b)
    if (x >= edges[b] && x < edges[b + 1]) return static_cast<int>(b);
  return -1;
}

/// @collective The ranks share out the sum. Every statistic of shapes i in `s` and neighbours j in `d`;
/// `same`: one sample, i = j left out.
inline std::map<std::string, Brute> brute_force(const domain::Box& box, const Sample& s, const Sample& d,
                                                bool same, const Options& options,
                                                const mpi::Communicator& comm) {
  const auto r_edges = options.r.edges(), rp_edges = options.rp.edges();
  const auto r_bins = r_edges.size() - 1, rp_bins = rp_edges.size() - 1;
  struct Sums {
    std::vector<double> weight, value;
    std::vector<std::int64_t> pairs;
    explicit Sums(std::size_t n = 0) : weight(n), value(n), pairs(n) {}
    void add(int bin, double w, double v) {
      const auto b = static_cast<std::size_t>(bin);
      weight[b] += w, value[b] += w * v, pairs[b] += 1;
    }
  };
  std::map<std::string, Sums> sums;
  for (const char* name : {"ed_A", "ed_B", "ed_C", "ee_A", "ee_B", "ee_C", "xi", "xi_gplus_2", "xi_gplus_4"}) sums[name] = Sums(r_bins);
  for (const char* name : {"wgplus", "wgcross", "wpp", "wgg"}) sums[name] = Sums(rp_bins);

  const auto weight = [](const Sample& x, std::size_t i) { return x.weight.empty() ? 1.0 : x.weight[i]; };
  const double r_max = r_edges.back(), rp_max = rp_edges.back();
  const auto visit = [&](const Sample& x, const Sample& y, bool one, const auto& work) {
    for (auto i = static_cast<std::size_t>(comm.rank()); i < x.pos.size();
         i += static_cast<std::size_t>(comm.size()))
      for (std::size_t j = 0; j < y.pos.size(); ++j) {
        if (one && i == j) continue;
        const Vec3 sep = box.nearest_image(y.pos[j] - x.pos[i]);
        const double sky = sep.x() * sep.x() + sep.y() * sep.y(), all = sky + sep.z() * sep.z();
        if (all >= r_max * r_max && (sky >= rp_max * rp_max || std::abs(sep.z()) >= options.pi_max)) continue;
        const int r = bin_of(r_edges, sep.norm());
        const int rp =
            std::abs(sep.z()) < options.pi_max ? bin_of(rp_edges, std::hypot(sep.x(), sep.y())) : -1;
        if (r >= 0 || rp >= 0) work(i, j, sep, r, rp, weight(x, i) * weight(y, j));
      }
  };
  const auto turned = [](const std::array<double, 2>& e, const Vec3& sep) {
    const double phi = std::atan2(sep.y(), sep.x()), c = std::cos(2 * phi), s2 = std::sin(2 * phi);
    return std::array<double, 2>{e[0] * c + e[1] * s2, e[1] * c - e[0] * s2};
  };
  const std::array<Sums*, 3> ed{&sums["ed_A"], &sums["ed_B"], &sums["ed_C"]},
      ee{&sums["ee_A"], &sums["ee_B"], &sums["ee_C"]};
  auto &plus = sums["wgplus"], &cross = sums["wgcross"], &products = sums["wpp"], &xi = sums["xi"],
       &wgg = sums["wgg"], &quadrupole = sums["xi_gplus_2"], &hexadecapole = sums["xi_gplus_4"];
  visit(s, d, same, [&](std::size_t i, std::size_t, const Vec3& sep, int r, int rp, double w) {
    if (r >= 0)
      for (std::size_t a = 0; a < 3; ++a) ed[a]->add(r, w, std::pow(s.axes[a][i].dot(sep) / sep.norm(), 2));
    const auto e = turned(s.ellipticity[i], sep);
    if (r >= 0) {
      const double mu = sep.z() / sep.norm();  // P_l^2 by the library's: no phase for m = 2
      quadrupole.add(r, w, e[0] * std::assoc_legendre(2, 2, mu));
      hexadecapole.add(r, w, e[0] * std::assoc_legendre(4, 2, mu));
    }
    if (rp < 0) return;
    plus.add(rp, w, e[0]);
    cross.add(rp, w, e[1]);
  });
  visit(s, s, true, [&](std::size_t i, std::size_t j, const Vec3& sep, int r, int rp, double w) {
    if (r >= 0)
      for (std::size_t a = 0; a < 3; ++a) ee[a]->add(r, w, std::pow(s.axes[a][i].dot(s.axes[a][j]), 2));
    if (rp >= 0) products.add(rp, w, turned(s.ellipticity[i], sep)[0] * turned(s.ellipticity[j], sep)[0]);
  });
  visit(d, d, true, [&](std::size_t, std::size_t, const Vec3&, int r, int rp, double w) {
    if (r >= 0) xi.add(r, w, 1);
    if (rp >= 0) wgg.add(rp, w, 1);
  });

  for (auto& [name, x] : sums) {
    comm.sum_in_place(std::span(x.weight));
    comm.sum_in_place(std::span(x.value));
    comm.sum_in_place(std::span(x.pairs));
  }

  double ws = 0, ws2 = 0, wd = 0, wd2 = 0;
  for (std::size_t i = 0; i < s.pos.size(); ++i) ws += weight(s, i), ws2 += std::pow(weight(s, i), 2);
  for (std::size_t i = 0; i < d.pos.size(); ++i) wd += weight(d, i), wd2 += std::pow(weight(d, i), 2);
  const double volume = box.side.prod(), depth = 2 * options.pi_max, pi = std::numbers::pi;
  std::map<std::string, Brute> out;
  for (auto& [name, x] : sums) {
    Brute brute{{}, x.pairs};
    for (std::size_t b = 0; b < x.value.size(); ++b) {
      const double ball = 4 * pi / 3 * (std::pow(r_edges[b + 1], 3) - std::pow(r_edges[b], 3)) / volume;
      const double tube = pi * (std::pow(rp_edges[b + 1], 2) - std::pow(rp_edges[b], 2)) * depth / volume;
      if (name[0] == 'e') brute.value.push_back(x.value[b] / x.weight[b] - 1.0 / 3);
      if (name == "xi") brute.value.push_back(x.value[b] / ((wd * wd - wd2) * ball) - 1);
      if (name == "wgg") brute.value.push_back(depth * (x.value[b] / ((wd * wd - wd2) * tube) - 1));
      if (name == "wpp") brute.value.push_back(depth * x.value[b] / ((ws * ws - ws2) * tube));
      // (2l+1)/2 (l-2)!/(l+2)! int dmu, of RR that is uniform in mu: half of its number a unit of mu
      if (name.starts_with("xi_gplus"))
        brute.value.push_back((name.ends_with('2') ? 5.0 / 24 : 9.0 / 360) * x.value[b] / ((same ? ws * ws - ws2 : ws * wd) * ball));
      if (name == "wgplus" || name == "wgcross")
        brute.value.push_back(depth * x.value[b] / ((same ? ws * ws - ws2 : ws * wd) * tube));
    }
    out[name] = brute;
  }
  return out;
}

}  // namespace halobrush::stats::testing_support
