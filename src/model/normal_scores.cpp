#include <algorithm>
#include <cmath>
#include <numbers>

#include "halobrush/model/model_file.hpp"

namespace halobrush::model {
namespace {

constexpr std::size_t knots_a_unit = 20;
constexpr double least_step = 1e-6;  // of the range: equal values in the data must not make the map flat

double share_below(double score) {
  return 0.5 * std::erfc(-score / std::numbers::sqrt2);
}

double quantile_of_sorted(const std::vector<double>& sorted, double share) {
  const double place = share * static_cast<double>(sorted.size()) - 0.5;
  const double inside = std::clamp(place, 0.0, static_cast<double>(sorted.size() - 1));
  const auto below = static_cast<std::size_t>(inside);
  const auto above = std::min(below + 1, sorted.size() - 1);
  return std::lerp(sorted[below], sorted[above], inside - static_cast<double>(below));
}

// The straight piece that holds a value: from `score`, `value` on, with `slope` (value per score).
struct Piece {
  double score, value, slope;
};

Piece piece(const std::vector<double>& knots, double place) {
  const auto last = knots.size() - 1;
  const double a_unit = static_cast<double>(last) / (2 * NormalScores::reach);
  const auto unit = std::clamp<std::size_t>(static_cast<std::size_t>(a_unit), 1, last);
  const double width = static_cast<double>(unit) / a_unit;
  if (place < 0) return {-NormalScores::reach, knots.front(), (knots[unit] - knots.front()) / width};
  if (place >= static_cast<double>(last))
    return {NormalScores::reach, knots.back(), (knots.back() - knots[last - unit]) / width};
  const auto k = static_cast<std::size_t>(place);
  return {static_cast<double>(k) / a_unit - NormalScores::reach, knots[k],
          (knots[k + 1] - knots[k]) * a_unit};
}

Piece piece_of_value(const std::vector<double>& knots, double value) {
  return piece(knots, static_cast<double>(std::ranges::upper_bound(knots, value) - knots.begin()) - 1);
}

}  // namespace

double NormalScores::score(double value) const {
  const auto p = piece_of_value(knots, value);
  return p.score + (value - p.value) / p.slope;
}

double NormalScores::value(double score) const {
  const double a_unit = static_cast<double>(knots.size() - 1) / (2 * reach);
  const auto p = piece(knots, std::floor((score + reach) * a_unit));
  return p.value + (score - p.score) * p.slope;
}

double NormalScores::slope(double value) const {
  return 1 / piece_of_value(knots, value).slope;
}

NormalScores NormalScores::of(std::vector<double> values) {
  std::ranges::sort(values);
  const double size = std::max(std::abs(values.front()), std::abs(values.back()));
  const double least_range = 1e-6 * (size > 0 ? size : 1);
  const double range = std::max(values.back() - values.front(), least_range);
  const auto steps = static_cast<std::size_t>(2 * reach) * knots_a_unit;
  NormalScores scores;
  for (std::size_t k = 0; k <= steps; ++k) {
    const double at = static_cast<double>(k) / knots_a_unit - reach;
    const double knot = quantile_of_sorted(values, share_below(at));
    scores.knots.push_back(k == 0 ? knot : std::max(knot, scores.knots.back() + least_step * range));
  }
  return scores;
}

}  // namespace halobrush::model
