// Clustering and alignment of galaxies in a periodic box, with jackknife errors. The line of sight is z.
//
// For pairs with weights w, axis a, separation r = (r_p, Pi), position angle phi of r_p from the x axis,
// e+ = e1 cos 2phi + e2 sin 2phi (positive: elongated towards the other galaxy), ex = e2 cos 2phi - e1 sin
// 2phi:
//
//   ed_A(r)    = <(a_i.r)^2 / r^2> - 1/3             halotools ed_3d
//   ee_A(r)    = <(a_i.a_j)^2> - 1/3                 halotools ee_3d
//   wgplus     = int xi_g+ dPi, xi_g+ = S+D / RR     halotools gi_plus_projected; TreeCorr NG: -gamma_t
//   wgcross    = the same of ex, zero by parity      TreeCorr NG: its imaginary part
//   wpp        = int S+S+ / RR dPi                   halotools ii_plus_projected
//   xi_gplus_l(r) = (2l+1)/2 (l-2)!/(l+2)! int xi_g+(r, mu) P_l^2(mu) dmu, l = 2, 4; mu = Pi / r from -1 to 1
//                                                    MeasureIA; Singh et al. 2024, arXiv:2307.02545
//   wgg        = int (DD / RR - 1) dPi               halotools wp, Corrfunc wp
//   xi(r)      = DD / RR - 1                         halotools tpcf, Corrfunc xi
//
// Integrals run over -Pi_max..Pi_max. RR is analytic: (sum w_i)(sum w_j) V_bin / V_box, without i = j, so S+R
// = 0 (Mandelbaum et al. 2011, eqs. 5-8; Singh, Mandelbaum & More 2015). No responsivity factor. Bins hold
// their lower edge.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "halobrush/domain/box.hpp"
#include "halobrush/mpi/communicator.hpp"
#include "halobrush/stats/sample.hpp"

namespace halobrush::stats {

struct LogBins {
  double min = 0.1, max = 31.6;  ///< Mpc/h
  int bins = 14;
  std::vector<double> edges() const;  ///< [bins+1]
};

struct Options {
  LogBins r, rp;
  double pi_max = 60;  ///< Mpc/h
  int jackknife = 3;   ///< sub-boxes per side; below 2: no errors
  /// Names of those to measure, faster than all; empty: all that the columns allow.
  std::vector<std::string> only{};
  /// The cut of the work, which the ranks share out; results depend on it in the last bits only, on ranks not
  /// at all. Zero: the program chooses.
  std::array<std::int64_t, 3> tiles{0, 0, 0};
};

struct Statistic {
  std::string name;                 ///< ed_A ... xi, as above
  std::vector<double> edges;        ///< [bins+1] Mpc/h
  std::vector<double> value;        ///< [bins]; Mpc/h for the projected ones; NaN in a bin without pairs
  std::vector<double> error;        ///< [bins], of the jackknife; empty without
  std::vector<std::int64_t> pairs;  ///< [bins], ordered pairs i != j
  std::vector<double> covariance;   ///< [bins,bins], of the jackknife; empty without
  /// [regions,bins], the values without one sub-box: what the error of a difference is made of; empty
  /// without.
  std::vector<double> leave_one_out;
  double pi_max = 0;         ///< Mpc/h; 0 for those of r
  std::int64_t regions = 0;  ///< of the jackknife
  bool projected() const { return pi_max > 0; }
};

/// @collective The statistics asked for, or all that the columns allow; the same on every rank, in the order
/// ed_A ed_B ed_C ee_A ee_B ee_C wgplus wgcross wpp xi_gplus_2 xi_gplus_4 wgg xi. Shapes come from `shapes`, neighbours from
/// `density`: ed, wgplus, wgcross and xi_gplus are of pairs shapes x density, ee and wpp shapes x shapes, wgg and xi
/// density x density.
///
/// Errors: leave-one-out k is the same measurement without the galaxies of sub-box k, RR being that of a
/// uniform density in the rest of the box; covariance = (n-1)/n sum_k (x_k - mean)(x_k - mean)^T (Norberg et
/// al. 2009).
///
/// Throws config_error: bins that are empty or beyond half of the box, a statistic in `only` that there is
/// not or that the columns do not allow. data_error: fewer than two galaxies, axes that are no unit vectors,
/// values that are not finite, weights below zero, a sub-box without galaxies.
std::vector<Statistic> measure(const domain::Box& box, const Sample& shapes, const Sample& density,
                               const Options& options, const mpi::Communicator& comm);
/// One sample for both: each pair is visited once.
std::vector<Statistic> measure(const domain::Box& box, const Sample& sample, const Options& options,
                               const mpi::Communicator& comm);

/// @collective DD(r): ordered pairs i != j, [edges-1]. Weights play no part.
std::vector<std::int64_t> count_pairs(const domain::Box& box, const Sample& sample,
                                      const std::vector<double>& r_edges, const mpi::Communicator& comm);

/// Bins of separation across and along the line of sight; Pi in equal bins of |Pi|: floor(|Pi| pi_bins /
/// pi_max).
struct SkyBins {
  std::vector<double> rp_edges;  ///< Mpc/h
  double pi_max = 60;            ///< Mpc/h
  int pi_bins = 60;
  std::array<std::int64_t, 3> tiles{0, 0, 0};  ///< as in Options
};

/// @collective DD(r_p, Pi): ordered pairs i != j, [rp, pi]. Weights play no part. (Corrfunc DDrppi.)
std::vector<std::int64_t> count_pairs(const domain::Box& box, const Sample& sample, const SkyBins& bins,
                                      const mpi::Communicator& comm);

/// @collective xi_g+(r_p, Pi), averaged over the sign of Pi, [rp, pi].
std::vector<double> xi_gplus(const domain::Box& box, const Sample& shapes, const Sample& density,
                             const SkyBins& bins, const mpi::Communicator& comm);

}  // namespace halobrush::stats
