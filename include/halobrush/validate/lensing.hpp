// What lensing asks of a mock: the alignment amplitude and the galaxy bias, published vectors, observed ellipticities.
#pragma once

#include <string>
#include <vector>

#include "halobrush/config/config.hpp"
#include "halobrush/config/requirements.hpp"
#include "halobrush/validate/results.hpp"

namespace halobrush::validate {

/// The bins of a statistic that lie inside `r` Mpc/h, up to rounding.
std::vector<std::size_t> bins_inside(const std::vector<double>& edges, config::Interval r);

/// Generalised least squares of w_gg = b^2 w_mm and w_g+ = b A_1 w_nla together over the model's bins, with the
/// jackknife covariance of both and Hartlap's factor (Hartlap et al. 2007, eq. 17) in its inverse: linear in b^2 and
/// b A_1, from which A_1 and b > 0 follow with errors to first order. NaN where a bin has no value in some sub-sample
/// of the jackknife, where there are fewer than bins + 3 sub-boxes (both statistics' bins), or b^2 comes out negative.
NlaFit fit_nla(const Statistic& wgplus, const Statistic& wgg, const NlaModel& model);

/// A published vector.
struct Target {
  std::string statistic, file;           ///< full name, e.g. ed_A:massive
  std::vector<std::size_t> bins;         ///< [n] of the statistic
  std::vector<double> r, value, error;   ///< [n] Mpc/h; as the statistic
};

/// Text: a line that names the columns (r, or rp; the statistic; err, or error), then one bin a line; '#' begins a comment.
/// r is the geometric or arithmetic centre of one of our bins. Kept are those inside `r`.
/// Throws config_error (no such statistic or sub-sample; the file cannot be read) and data_error (other columns or bins,
/// what is not finite, errors that are not above zero, nothing inside `r`).
Target read_target(const std::string& statistic, const std::string& file, const config::Stats& stats,
                   config::Interval r);

/// chi^2 with both errors in quadrature, bin by bin. Throws data_error where the statistic was not measured, or has
/// fewer than 100 ordered pairs or no error in a bin: the catalog holds too few such galaxies.
TargetComparison compare(const Target& target, const Measurement& mock);

/// |epsilon| = (1-q)/(1+q), one number a line ('#' begins a comment), from a file of `definition` epsilon or
/// chi = (1-q^2)/(1+q^2). `key` is for messages. Throws config_error (cannot be read), data_error (not a number in
/// [0, 1], fewer than 50).
std::vector<double> read_ellipticities(const std::string& key, const std::string& file, const std::string& definition);

}  // namespace halobrush::validate
