// What validation measures and what it concludes, the same on every rank.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace halobrush::validate {

inline constexpr double unknown = std::numeric_limits<double>::quiet_NaN();

/// A statistic of pairs in bins of separation.
struct Statistic {
  std::string name;           ///< ed_A, ee_A, wgplus, wgcross, wpp, wgg, xi, xi_gplus_2, ...
  std::string selection;      ///< name of the sub-sample; "all": every galaxy
  std::string cut;            ///< its text
  std::vector<double> edges;  ///< [bins+1] Mpc/h
  std::vector<double> value, error, pairs;
  std::optional<double> pi_max;                    ///< Mpc/h, projected statistics
  std::vector<double> covariance;                  ///< [bins,bins], jackknife; empty: not estimated
  std::vector<std::vector<double>> leave_one_out;  ///< [regions][bins]

  std::string full_name() const { return selection == "all" ? name : name + ":" + selection; }
};

/// A one-point distribution: a histogram and its density.
struct Distribution {
  std::string name, selection;
  std::vector<double> edges, counts;
  std::vector<double> value,
      error;  ///< density (integral 1), or number per Mpc^3/h^3 and dex for mass functions
  std::string unit;

  std::string full_name() const { return selection == "all" ? name : name + ":" + selection; }
};

/// How an axis of the galaxies lies to a direction of their surroundings, by their angle theta.
struct Misalignment {
  std::string name;                        ///< major_host, minor_compressing, ...: the axis and the direction
  std::string selection, cut;              ///< as of a Statistic
  double galaxies = 0;                     ///< that have both
  double value = unknown, error = unknown;  ///< mean of cos^2 theta; isotropic: 1/3
  std::vector<double> leave_one_out;       ///< [regions]
  std::vector<double> edges, counts;       ///< histogram of |cos theta|; isotropic: flat

  std::string full_name() const { return selection == "all" ? name : name + ":" + selection; }
};

/// Projected correlations in real space, of matter and of its tidal field (python/halobrush/nla_model.py): w_gg = b^2 w_mm,
/// w_g+ = b A_1 w_nla.
struct NlaModel {
  std::vector<double> edges;        ///< [bins+1] Mpc/h, of r_p
  std::vector<double> w_mm, w_nla;  ///< [bins] Mpc/h
  double growth = unknown;          ///< D, 1 at z = 0
  double k_min = unknown;           ///< h/Mpc: what a box of this size has no power below
};

/// The alignment amplitude A_1 and the linear bias b of a sub-sample.
struct NlaFit {
  std::string selection, cut;
  double amplitude = unknown, amplitude_error = unknown;
  double bias = unknown, bias_error = unknown;
  double chi2 = unknown, dof = 0;
};

struct Nla {
  std::optional<NlaModel> model;  ///< none: not measured
  std::map<std::string, double> cosmology;
  std::vector<NlaFit> fits;
};

/// A statistic of the mock against a published vector, both errors in quadrature.
struct TargetComparison {
  std::string statistic, file;
  std::vector<double> r, value, error;   ///< [n] of the file
  std::vector<double> mock, mock_error;  ///< [n]
  double chi2 = unknown, dof = 0;
};

/// |epsilon| of a sub-sample against a list of observed ones.
struct EllipticityComparison {
  std::string selection, file;
  double ks = unknown;         ///< Kolmogorov-Smirnov distance
  double ks_chance = unknown;  ///< what chance allows two samples of one population of these numbers
  double galaxies = 0, listed = 0;
};

/// Of the values that are not NaN.
struct Moments {
  double count = 0, nan = 0, min = unknown, max = unknown, mean = unknown, std = unknown;
};

/// What holds of a catalog as a whole; absent where it lacks the columns.
struct CatalogFacts {
  double outside_box = 0;
  std::optional<double> repeated_ids, missing_hosts, gram_deviation, left_handed, unordered_ratios,
      out_of_distribution;
};

struct Measurement {
  std::string path;
  std::array<double, 3> box{};
  double scale_factor = unknown, omega_m = unknown, h = unknown;
  std::uint64_t galaxies = 0;
  CatalogFacts facts;
  std::map<std::string, Moments> columns;
  std::vector<Distribution> distributions;
  std::vector<Statistic> statistics;
  std::vector<Misalignment> misalignments;
  Nla nla;
  std::vector<TargetComparison> targets;             ///< of the mock only, as the next
  std::vector<EllipticityComparison> ellipticities;
};

/// Difference of a statistic in the mock and in the reference.
struct Comparison {
  std::string statistic;
  double chi2 = unknown, p_value = unknown, dof = 0, ratio = unknown;
};

/// Difference of a misalignment in the mock and in the reference.
struct MisalignmentComparison {
  std::string misalignment;
  double difference = unknown, error = unknown, p_value = unknown;  ///< of the mean of cos^2
  double ks = unknown;         ///< Kolmogorov-Smirnov distance of |cos|, at the edges of the histogram
  double ks_chance = unknown;  ///< what chance allows it (docs/validation.md)
};

/// Kolmogorov-Smirnov distance of a column in mock and reference.
struct KsTest {
  std::string column, galaxies;  ///< "all", or a bin of halo mass
  double distance = unknown;
  double n_mock = 0, n_reference = 0;
};

/// Of telling the two catalogs apart, by the better classifier.
struct TwoSampleTest {
  std::string galaxies;  ///< "all", or a bin of halo mass
  double accuracy = unknown, error = unknown;
  double n = 0;  ///< galaxies of the reference
};

struct Requirement {
  std::string name;
  double value = unknown;
  std::vector<double> limit;  ///< one number: the largest (or smallest, see `sense`), two: an interval
  std::string sense;          ///< "<=", ">=", "in"
  bool pass = false;
  std::string note;  ///< e.g. why nothing could be measured
};

}  // namespace halobrush::validate
