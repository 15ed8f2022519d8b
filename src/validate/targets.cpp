#include <algorithm>
#include <charconv>
#include <cmath>
#include <fstream>
#include <set>
#include <sstream>

#include "distributions.hpp"
#include "halobrush/core/error.hpp"
#include "halobrush/core/text.hpp"
#include "halobrush/stats/statistics.hpp"
#include "halobrush/validate/lensing.hpp"

namespace halobrush::validate {
namespace {

constexpr double fewest_pairs = 100;  // of a bin, ordered: with fewer the jackknife's error means little

struct Line {
  int number;
  std::vector<std::string> words;
};

// The lines that hold something; '#' begins a comment.
std::vector<Line> lines_of(const std::string& key, const std::string& path) {
  std::ifstream file(path);
  if (!file) throw config_error("{}: {}: cannot be read; give the path of a text file", key, path);
  std::vector<Line> lines;
  std::string text;
  for (int number = 1; std::getline(file, text); ++number) {
    std::istringstream in(text.substr(0, text.find('#')));
    Line line{number, {}};
    for (std::string word; in >> word;) line.words.push_back(word);
    if (!line.words.empty()) lines.push_back(std::move(line));
  }
  return lines;
}

double finite_number(const std::string& word, const std::string& key, const std::string& where) {
  double x = unknown;
  const auto* end = word.data() + word.size();
  const auto read = std::from_chars(word.data(), end, x);
  if (read.ec != std::errc() || read.ptr != end || !std::isfinite(x))
    throw data_error("{}: {}: '{}' is no finite number; correct or remove the line", key, where, printable(word));
  return x;
}

std::string base_of(const std::string& full_name) {
  return full_name.substr(0, full_name.find(':'));
}

// The bins of a statistic, known by its name without the sub-sample.
std::vector<double> edges_of(const std::string& key, const std::string& base, const config::Stats& stats) {
  static const std::set<std::string> radial = {"ed_A", "ed_B", "ed_C", "ee_A", "ee_B", "ee_C", "xi", "xi_gplus_2", "xi_gplus_4"},
                                     projected = {"wgplus", "wgcross", "wpp", "wgg"};
  const auto edges = [](const config::Stats::Bins& b) {
    return stats::LogBins{b.min, b.max, static_cast<int>(b.bins)}.edges();
  };
  if (radial.contains(base)) return edges(stats.r);
  if (projected.contains(base)) return edges(stats.rp);
  std::vector<std::string> known(radial.begin(), radial.end());
  known.insert(known.end(), projected.begin(), projected.end());
  throw config_error("{}: there is no statistic '{}'{}; see docs/validation.md", key, base, nearest_hint(base, known));
}

void check_columns(const Line& header, const std::string& base, const std::string& key, const std::string& path) {
  const auto stem = base.substr(0, base.find('_'));
  const auto is = [&](std::size_t i, std::initializer_list<std::string> names) {
    return std::ranges::find(names, header.words[i]) != names.end();
  };
  if (header.words.size() != 3 || !is(0, {"r", "rp"}) || !is(1, {base, stem}) || !is(2, {"err", "error"}))
    throw data_error(
        "{}: {}:{}: the columns are '{}', not 'r {} err' (separation in Mpc/h, value, error); name and order them so",
        key, path, header.number, printable(fmt::format("{}", fmt::join(header.words, " "))), stem);
}

// The bin whose geometric or arithmetic centre r is.
std::optional<std::size_t> bin_at(double r, const std::vector<double>& edges) {
  constexpr double tolerance = 2e-3;  // 31.6 for 10^1.5, or four digits
  for (std::size_t bin = 0; bin + 1 < edges.size(); ++bin)
    for (const double centre : {std::sqrt(edges[bin] * edges[bin + 1]), (edges[bin] + edges[bin + 1]) / 2})
      if (std::abs(r - centre) < tolerance * centre) return bin;
  return std::nullopt;
}

}  // namespace

Target read_target(const std::string& statistic, const std::string& file, const config::Stats& stats,
                   config::Interval r) {
  const auto key = "validate.targets." + statistic;
  const auto base = base_of(statistic);
  const auto edges = edges_of(key, base, stats);
  if (stats.jackknife < 2)
    throw config_error("{}: stats.jackknife is {}: without errors there is no chi2; set 2 or more", key, stats.jackknife);
  const auto lines = lines_of(key, file);
  if (lines.size() < 2) throw data_error("{}: {}: holds no bins; give a line of names and one line a bin", key, file);
  check_columns(lines.front(), base, key, file);
  const auto inside = bins_inside(edges, r);
  Target target;
  target.statistic = statistic, target.file = file;
  std::optional<std::size_t> last;
  for (const auto& line : std::span(lines).subspan(1)) {
    const auto where = fmt::format("{}:{}", file, line.number);
    if (line.words.size() != 3) throw data_error("{}: {}: {} words, not 3; correct the line", key, where, line.words.size());
    std::array<double, 3> x{};
    for (std::size_t i = 0; i < 3; ++i) x[i] = finite_number(line.words[i], key, where);
    if (!(x[2] > 0))
      throw data_error("{}: {}: the error is {:g}, not above zero; give errors, or remove the line", key, where, x[2]);
    const auto bin = bin_at(x[0], edges);
    if (!bin || (last && *bin <= *last))
      throw data_error(
          "{}: {}: r = {:g} is the centre of no further bin ({} bins of equal width in log r from {:g} to {:g} Mpc/h); set "
          "stats.{} to the bins of the vector",
          key, where, x[0], edges.size() - 1, edges.front(), edges.back(), base.starts_with('w') ? "rp" : "r");
    last = bin;
    if (std::ranges::find(inside, *bin) == inside.end()) continue;
    target.bins.push_back(*bin), target.r.push_back(x[0]), target.value.push_back(x[1]), target.error.push_back(x[2]);
  }
  if (target.bins.empty())
    throw data_error("{}: {}: no bin lies inside {:g}-{:g} Mpc/h; widen validate.target_r", key, file, r[0], r[1]);
  return target;
}

TargetComparison compare(const Target& target, const Measurement& mock) {
  const auto key = "validate.targets." + target.statistic;
  const auto found = std::ranges::find(mock.statistics, target.statistic, &Statistic::full_name);
  if (found == mock.statistics.end())
    throw data_error("{}: {} does not give it: a column is missing or the sub-sample is too small; leave the target out",
                     key, mock.path);
  TargetComparison c{target.statistic, target.file, target.r, target.value, target.error, {}, {}, 0, 0};
  for (std::size_t i = 0; i < target.bins.size(); ++i) {
    const auto bin = target.bins[i];
    const double ours = found->value[bin], error = found->error[bin];
    if (found->pairs[bin] < fewest_pairs || !std::isfinite(ours) || !(error > 0))
      throw data_error(
          "{}: {} has {:.0f} pairs of '{}' from {:.3g} to {:.3g} Mpc/h, too few for a value with an error ({:.0f}); raise "
          "validate.target_r or leave the target out",
          key, mock.path, found->pairs[bin], found->cut.empty() ? "all" : found->cut, found->edges[bin],
          found->edges[bin + 1], fewest_pairs);
    c.mock.push_back(ours), c.mock_error.push_back(error);
    c.chi2 += (ours - target.value[i]) * (ours - target.value[i]) / (error * error + target.error[i] * target.error[i]);
  }
  c.dof = static_cast<double>(target.bins.size());
  return c;
}

std::vector<double> read_ellipticities(const std::string& key, const std::string& file, const std::string& definition) {
  constexpr std::size_t fewest = 50;
  std::vector<double> all;
  for (const auto& line : lines_of(key, file)) {
    const auto where = fmt::format("{}:{}", file, line.number);
    if (line.words.size() != 1) throw data_error("{}: {}: {} words, not one |e|; correct the line", key, where, line.words.size());
    const double e = finite_number(line.words.front(), key, where);
    if (e < 0 || e > 1) throw data_error("{}: {}: |e| = {:g} is not in [0, 1]; correct or remove the line", key, where, e);
    all.push_back(definition == "chi" ? e / (1 + std::sqrt(1 - e * e)) : e);
  }
  if (all.size() < fewest)
    throw data_error("{}: {}: {} ellipticities; a distribution needs {} or more", key, file, all.size(), fewest);
  return all;
}

}  // namespace halobrush::validate
