#include "distributions.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "halobrush/catalog/numbers.hpp"
#include "halobrush/core/error.hpp"

namespace halobrush::validate {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

struct Range {
  double low = infinity, high = -infinity;
  void take(double x) {
    if (std::isfinite(x)) low = std::min(low, x), high = std::max(high, x);
  }
};

std::vector<double> equal_edges(double low, double high, std::size_t bins) {
  std::vector<double> edges(bins + 1);
  for (std::size_t i = 0; i <= bins; ++i)
    edges[i] = low + (high - low) * static_cast<double>(i) / static_cast<double>(bins);
  return edges;
}

// Edges in round numbers where a column's usual range is known.
const std::map<std::string, std::vector<double>>& usual_edges() {
  static const std::map<std::string, std::vector<double>> edges = {
      {"log_stellar_mass", equal_edges(6, 13, 35)},
      {"log_halo_mass", equal_edges(9, 16, 28)},
      {"color_gr", equal_edges(-0.2, 1.4, 40)},
      {"log_size", equal_edges(-1, 2.5, 35)},
      {"b_to_a", equal_edges(0, 1, 40)},
      {"c_to_a", equal_edges(0, 1, 40)},
      {"ellipticity", equal_edges(0, 1, 40)},
      {"disc_fraction", equal_edges(0, 1, 40)}};
  return edges;
}

bool is_mass(const std::string& column) {
  return column == "log_stellar_mass" || column == "log_halo_mass";
}

std::vector<double> cumulative(std::vector<double> counts) {
  double sum = 0;
  for (auto& c : counts) c = sum += c;
  if (sum > 0)
    for (auto& c : counts) c /= sum;
  return counts;
}

std::vector<std::size_t> rows_between(std::span<const double> values, double low, double high) {
  std::vector<std::size_t> rows;
  for (std::size_t i = 0; i < values.size(); ++i)
    if (values[i] >= low && values[i] < high) rows.push_back(i);
  return rows;
}

}  // namespace

Moments moments_of(std::span<const double> values, const mpi::Communicator& comm) {
  double count = 0, nan = 0, sum = 0;
  Range range;
  for (const double x : values) {
    if (std::isnan(x)) {
      nan += 1;
      continue;
    }
    count += 1, sum += x;
    range.low = std::min(range.low, x), range.high = std::max(range.high, x);
  }
  Moments m;
  m.count = comm.sum(count), m.nan = comm.sum(nan);
  const double low = comm.min(range.low), high = comm.max(range.high), total = comm.sum(sum);
  const double mean = total / m.count;
  double squares = 0;
  for (const double x : values)
    if (!std::isnan(x)) squares += (x - mean) * (x - mean);
  squares = comm.sum(squares);
  if (m.count == 0) return m;
  m.min = low, m.max = high, m.mean = mean, m.std = std::sqrt(squares / m.count);
  return m;
}

std::vector<double> histogram(std::span<const double> values, std::span<const double> edges,
                              const mpi::Communicator& comm) {
  const std::size_t bins = edges.size() - 1;
  const double low = edges.front(), high = edges.back();
  std::vector<std::int64_t> counts(bins);
  for (const double x : values) {
    if (!(x >= low && x <= high)) continue;
    const auto bin = static_cast<std::size_t>((x - low) / (high - low) * static_cast<double>(bins));
    ++counts[std::min(bin, bins - 1)];
  }
  comm.sum_in_place(std::span(counts));
  return {counts.begin(), counts.end()};
}

std::vector<std::string> label_columns(const catalog::Table& table) {
  static const std::set<std::string> others = {
      "x", "y", "z", "vx", "vy", "vz", "halo_mass", "host_mass", "ellipticity_1", "ellipticity_2"};
  std::vector<std::string> names;
  for (const auto& column : table.columns()) {
    const bool real = std::holds_alternative<std::vector<float>>(column.data) ||
                      std::holds_alternative<std::vector<double>>(column.data);
    static const std::vector<std::string> directions = {"galaxy_axis", "galaxy_spin", "halo_axis", "halo_spin"};
    const bool direction =
        std::ranges::any_of(directions, [&](const auto& d) { return column.spec.name.starts_with(d); });
    if (real && !direction && !others.contains(column.spec.name))
      names.push_back(column.spec.name);
  }
  return names;
}

std::vector<double> common_edges(const std::string& column, std::span<const Galaxies* const> catalogs,
                                 const mpi::Communicator& comm) {
  constexpr std::size_t bins = 40;
  const auto known = usual_edges().find(column);
  if (known != usual_edges().end()) return known->second;
  Range range;
  for (const auto* galaxies : catalogs)
    if (galaxies->table.has(column))
      for (const double x : galaxies->known(column)) range.take(x);
  const double low = comm.min(range.low), high = comm.max(range.high);
  if (!(low <= high)) return equal_edges(0, 1, bins);
  return equal_edges(low, high > low ? high : low + 1, bins);
}

Distribution distribution_of(const Galaxies& galaxies, const std::string& column,
                             std::span<const std::size_t> rows, std::span<const double> edges,
                             const mpi::Communicator& comm) {
  Distribution d;
  d.name = column;
  d.edges.assign(edges.begin(), edges.end());
  d.counts = histogram(galaxies.known(column, rows), edges, comm);
  double total = 0;
  for (const double c : d.counts) total += c;
  const auto& box = galaxies.simulation.box;
  const double norm = is_mass(column) ? box[0] * box[1] * box[2] : std::max(total, 1.0);
  d.unit = is_mass(column) ? "h3 / (Mpc3 dex)" : "";
  for (std::size_t i = 0; i < d.counts.size(); ++i) {
    const double width = edges[i + 1] - edges[i];
    d.value.push_back(d.counts[i] / (norm * width));
    d.error.push_back(std::sqrt(d.counts[i]) / (norm * width));
  }
  return d;
}

double ks_distance(std::span<const double> a, std::span<const double> b, const mpi::Communicator& comm) {
  constexpr std::size_t points = 65536;
  Range range;
  for (const auto values : {a, b})
    for (const double x : values) range.take(x);
  range.low = comm.min(range.low), range.high = comm.max(range.high);
  if (!(range.low < range.high)) return 0;
  const auto edges = equal_edges(range.low, range.high, points);
  const auto ca = cumulative(histogram(a, edges, comm)), cb = cumulative(histogram(b, edges, comm));
  double largest = 0;
  for (std::size_t i = 0; i < points; ++i) largest = std::max(largest, std::abs(ca[i] - cb[i]));
  return largest;
}

std::vector<KsTest> ks_tests(const Galaxies& mock, const Galaxies& reference, const mpi::Communicator& comm) {
  constexpr double fewest = 50;
  struct Sample {
    std::vector<std::size_t> mock, reference;
    std::string name;
  };
  std::vector<Sample> samples;
  const auto add = [&](std::string name, double low, double high) {
    const auto rows = [&](const Galaxies& g) {
      return rows_between(g.table.has("log_halo_mass") ? catalog::numbers(g.table, "log_halo_mass")
                                                       : std::vector<double>(g.table.rows(), 0.0),
                          low, high);
    };
    samples.push_back({rows(mock), rows(reference), std::move(name)});
  };
  add("all", -infinity, infinity);
  if (mock.table.has("log_halo_mass") && reference.table.has("log_halo_mass"))
    for (int dex = 9; dex < 16; ++dex) add(fmt::format("log_halo_mass {}-{}", dex, dex + 1), dex, dex + 1);

  std::vector<KsTest> tests;
  for (const auto& sample : samples) {
    const double n = comm.sum(static_cast<double>(sample.mock.size()));
    const double m = comm.sum(static_cast<double>(sample.reference.size()));
    if (n < fewest || m < fewest) continue;
    for (const auto& column : label_columns(mock.table)) {
      if (!reference.table.has(column)) continue;
      const auto a = mock.known(column, sample.mock);
      const auto b = reference.known(column, sample.reference);
      tests.push_back({column, sample.name, ks_distance(a, b, comm), n, m});
    }
  }
  return tests;
}

double ks_allowance(double n_a, double n_b) {
  constexpr double once_in_a_thousand = 1.949;  // sqrt(-ln(0.001 / 2) / 2)
  return once_in_a_thousand * std::sqrt((n_a + n_b) / (n_a * n_b));
}

}  // namespace halobrush::validate
