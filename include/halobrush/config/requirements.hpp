// What a galaxy catalog must satisfy (docs/validation.md), as read from a YAML file.
#pragma once

#include <array>
#include <limits>
#include <optional>
#include <string>
#include <vector>

namespace halobrush::config {

using Interval = std::array<double, 2>;

/// On the values of one column that are not NaN; `nan` is the largest fraction of those that are.
struct ColumnRequirement {
  std::string column;
  std::optional<Interval> range, mean, std;
  std::optional<double> nan;
  bool optional = false;  ///< passed over where the catalog lacks the column
};

/// On the catalog as a whole; those that are not given are not checked.
struct CatalogRequirement {
  bool unique_ids = false, positions_in_box = false, hosts_present = false, right_handed_axes = false,
       ordered_ratios = false;
  std::optional<double> orthonormal_axes;     ///< largest deviation of the Gram matrix from one
  std::optional<double> out_of_distribution;  ///< largest fraction of galaxies
};

/// On statistics (`of`, by name) of sub-samples, against every reference, or against zero for a null test.
struct StatisticRequirement {
  std::vector<std::string> of, selections = {"all"};
  std::optional<double> chi2_per_dof, p_value;  ///< of each; largest, smallest
  std::optional<double> pooled_chi2_per_dof;    ///< largest, of all together: sum of chi2 / sum of dof
  std::optional<Interval> ratio;                              ///< of the sums over the bins, to the reference
  Interval r = {0, std::numeric_limits<double>::infinity()};  ///< Mpc/h: the bins that lie inside
  bool optional = false;  ///< passed over where there is nothing to measure
};

/// On the angles between axes of galaxies and directions of their surroundings, against every reference.
struct MisalignmentRequirement {
  std::vector<std::string> of, selections = {"all"};
  std::optional<double> p_value;  ///< smallest, of the mean of cos^2
  std::optional<double> ks;       ///< largest Kolmogorov-Smirnov distance of |cos| beyond what sampling allows
  bool optional = false;
};

/// On one-point distributions against every reference, over all galaxies and in bins of halo mass.
struct DistributionRequirement {
  std::vector<std::string> of;
  double ks = 0;  ///< largest Kolmogorov-Smirnov distance beyond what sampling allows
  bool optional = false;
};

/// On statistics of the mock alone: the amplitude of 1/r fitted to them, in units of its error.
struct DetectionRequirement {
  std::vector<std::string> of, selections = {"all"};
  double significance = 0;                                    ///< smallest
  Interval r = {0, std::numeric_limits<double>::infinity()};  ///< Mpc/h: the bins that lie inside
  bool optional = false;
};

/// On the alignment amplitude A_1 of two sub-samples.
struct AmplitudeRequirement {
  std::string larger, smaller;  ///< selections
  bool optional = false;
};

struct Requirements {
  std::vector<ColumnRequirement> columns;
  CatalogRequirement catalog;
  std::vector<StatisticRequirement> statistics, null;
  std::vector<DetectionRequirement> detected;
  std::vector<AmplitudeRequirement> amplitudes;
  std::optional<double> target_chi2_per_dof;  ///< largest, of each vector of validate.targets
  std::optional<double> ellipticity_ks;       ///< largest distance, of each list of validate.ellipticities
  std::vector<MisalignmentRequirement> misalignments;
  std::vector<DistributionRequirement> distributions;
  std::optional<double> two_sample_accuracy;  ///< largest accuracy of a classifier, 0.5: alike
};

/// Throws config_error listing every problem, as load does. `where` names the text in messages.
Requirements parse_requirements(const std::string& text, const std::string& where);
Requirements load_requirements(const std::string& path);

/// The built-in requirements: YAML to copy and to change; those for lensing mocks are chosen by the name `lensing`.
const std::string& default_requirements();
const std::string& lensing_requirements();

}  // namespace halobrush::config
