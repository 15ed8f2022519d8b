#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <optional>
#include <ranges>
#include <tuple>

#include "checks.hpp"
#include "halobrush/core/error.hpp"
#include "halobrush/mpi/agree.hpp"
#include "halobrush/stats/statistics.hpp"
#include "pairs.hpp"
#include "random_pairs.hpp"

namespace halobrush::stats {
namespace {

constexpr double isotropic = 1.0 / 3;  // <cos^2> of directions that know nothing of each other
constexpr int most_regions_per_side = 10;
// (2l + 1) (l - 2)! / (l + 2)! times the factor of P_l^2: 3 (1 - mu^2) and 15/2 (1 - mu^2)(7 mu^2 - 1)
constexpr double quadrupole_factor = 5.0 / 24 * 3, hexadecapole_factor = 9.0 / 360 * 7.5;
constexpr std::array<const char*, 3> ed_names{"ed_A", "ed_B", "ed_C"}, ee_names{"ee_A", "ee_B", "ee_C"};

// All that an estimate is made of, of the whole catalog or without one sub-box. Sums over ordered pairs.
struct Ingredients {
  PairSums shape_shape, shape_density, density_density;
  Moments shapes, density;
  bool one_sample;
  const std::vector<double>*radial_fraction, *sky_fraction;
};

PairSums operator-(PairSums a, const PairSums& b) {
  const auto subtract = [](auto& from, const auto& what) {
    for (std::size_t i = 0; i < from.size(); ++i) from[i] -= what[i];
  };
  subtract(a.radial, b.radial);
  subtract(a.sky, b.sky);
  subtract(a.radial_pairs, b.radial_pairs);
  subtract(a.sky_pairs, b.sky_pairs);
  return a;
}

Moments operator-(const Moments& a, const Moments& b) {
  return {a.count - b.count, a.weight - b.weight, a.weight_squared - b.weight_squared};
}

// A pass over unordered pairs, as sums over ordered ones; those of one shape hold both orders already.
void make_ordered(PairSums& sums) {
  for (auto& n : sums.radial_pairs) n *= 2;
  for (auto& n : sums.sky_pairs) n *= 2;
  for (std::size_t i = 0; i < sums.radial.size(); ++i) {
    const auto which = static_cast<int>(i % radial_sums);
    if (which == r_weight || which >= r_ee) sums.radial[i] *= 2;
  }
  for (std::size_t i = 0; i < sums.sky.size(); ++i) {
    const auto which = static_cast<int>(i % sky_sums);
    if (which == rp_weight || which == rp_plus_plus) sums.sky[i] *= 2;
  }
}

// Without weights the kernels only count.
void counts_as_weights(PairSums& sums) {
  for (std::size_t b = 0; b < sums.radial_pairs.size(); ++b)
    sums.radial[b * radial_sums + r_weight] = static_cast<double>(sums.radial_pairs[b]);
  for (std::size_t b = 0; b < sums.sky_pairs.size(); ++b)
    sums.sky[b * sky_sums + rp_weight] = static_cast<double>(sums.sky_pairs[b]);
}

double mean(double sum, double weight) {
  return weight > 0 ? sum / weight : std::numeric_limits<double>::quiet_NaN();
}

// What one statistic is, given the ingredients.
struct Estimator {
  std::string name;
  bool projected;
  const PairSums Ingredients::*pairs;
  int axis;  // none: -1
  std::function<double(const Ingredients&, std::size_t bin)> value;
  bool multipole = false;
};

double radial(const PairSums& sums, std::size_t bin, int which) {
  return sums.radial[bin * radial_sums + static_cast<std::size_t>(which)];
}
double sky(const PairSums& sums, std::size_t bin, int which) {
  return sums.sky[bin * sky_sums + static_cast<std::size_t>(which)];
}

// Ordered pairs of weights, without a galaxy and itself.
double weight_pairs(const Moments& sample) {
  return sample.weight * sample.weight - sample.weight_squared;
}
double weight_pairs(const Ingredients& in) {
  return in.one_sample ? weight_pairs(in.shapes) : in.shapes.weight * in.density.weight;
}

std::vector<Estimator> possible_estimators(const Present& shapes, double pi_max) {
  std::vector<Estimator> all;
  for (int a = 0; a < 3; ++a)
    if (shapes.axes[static_cast<std::size_t>(a)])
      all.push_back({ed_names[static_cast<std::size_t>(a)], false, &Ingredients::shape_density, a,
                     [a](const Ingredients& in, std::size_t b) {
                       return mean(radial(in.shape_density, b, r_ed + a),
                                   radial(in.shape_density, b, r_weight)) -
                              isotropic;
                     }});
  for (int a = 0; a < 3; ++a)
    if (shapes.axes[static_cast<std::size_t>(a)])
      all.push_back({ee_names[static_cast<std::size_t>(a)], false, &Ingredients::shape_shape, a,
                     [a](const Ingredients& in, std::size_t b) {
                       return mean(radial(in.shape_shape, b, r_ee + a), radial(in.shape_shape, b, r_weight)) -
                              isotropic;
                     }});
  const double depth = 2 * pi_max;
  if (shapes.ellipticity) {
    all.push_back(
        {"wgplus", true, &Ingredients::shape_density, -1, [depth](const Ingredients& in, std::size_t b) {
           return depth * sky(in.shape_density, b, rp_plus) / (weight_pairs(in) * (*in.sky_fraction)[b]);
         }});
    all.push_back(
        {"wgcross", true, &Ingredients::shape_density, -1, [depth](const Ingredients& in, std::size_t b) {
           return depth * sky(in.shape_density, b, rp_cross) / (weight_pairs(in) * (*in.sky_fraction)[b]);
         }});
    all.push_back({"wpp", true, &Ingredients::shape_shape, -1, [depth](const Ingredients& in, std::size_t b) {
                     return depth * sky(in.shape_shape, b, rp_plus_plus) /
                            (weight_pairs(in.shapes) * (*in.sky_fraction)[b]);
                   }});
    for (const auto& [name, which, factor] : {std::tuple("xi_gplus_2", r_plus_2, quadrupole_factor), {"xi_gplus_4", r_plus_4, hexadecapole_factor}})
      all.push_back({name, false, &Ingredients::shape_density, -1, [which, factor](const Ingredients& in, std::size_t b) {
                       return factor * radial(in.shape_density, b, which) / (weight_pairs(in) * (*in.radial_fraction)[b]);
                     }, true});
  }
  all.push_back(
      {"wgg", true, &Ingredients::density_density, -1, [depth](const Ingredients& in, std::size_t b) {
         return depth *
                (sky(in.density_density, b, rp_weight) / (weight_pairs(in.density) * (*in.sky_fraction)[b]) -
                 1);
       }});
  all.push_back({"xi", false, &Ingredients::density_density, -1, [](const Ingredients& in, std::size_t b) {
                   return radial(in.density_density, b, r_weight) /
                              (weight_pairs(in.density) * (*in.radial_fraction)[b]) -
                          1;
                 }});
  return all;
}

std::vector<Estimator> asked_estimators(const Present& shapes, const Options& options) {
  auto all = possible_estimators(shapes, options.pi_max);
  for (const auto& name : options.only)
    if (std::ranges::find(all, name, &Estimator::name) == all.end())
      throw config_error("stats.only: {}: no such statistic of these columns; there are {}", name,
                         fmt::join(all | std::views::transform(&Estimator::name), ", "));
  if (!options.only.empty())
    std::erase_if(all, [&](const Estimator& e) {
      return std::ranges::find(options.only, e.name) == options.only.end();
    });
  return all;
}

// The sums of a measurement, with what each jackknife sub-box adds to them.
struct Measured {
  PassSums shape_shape, shape_density, density_density;
  std::vector<Moments> shapes, density;  // [regions]
  bool one_sample;

  Ingredients whole() const {
    Ingredients in{
        shape_shape.total, shape_density.total, density_density.total, {}, {}, one_sample, nullptr, nullptr};
    const auto total = [](const std::vector<Moments>& regions) {
      Moments sum;
      for (const auto& m : regions)
        sum = {sum.count + m.count, sum.weight + m.weight, sum.weight_squared + m.weight_squared};
      return sum;
    };
    in.shapes = total(shapes);
    in.density = total(density);
    return in;
  }
  Ingredients without(std::size_t region) const {
    auto in = whole();
    in.shape_shape = in.shape_shape - shape_shape.touching[region];
    in.shape_density = in.shape_density - shape_density.touching[region];
    in.density_density = in.density_density - density_density.touching[region];
    in.shapes = in.shapes - shapes[region];
    in.density = in.density - density[region];
    return in;
  }
};

PassSums pass(const Grid& grid, const Cells& first, const Cells& second, bool same, const Bins& bins,
              const Wanted& wanted, const Shares& shares, const mpi::Communicator& comm) {
  auto sums = sum_pairs(grid, first, second, same, bins, wanted, shares, comm);
  const auto finish = [&](PairSums& s) {
    if (!wanted.weighted) counts_as_weights(s);
    if (same) make_ordered(s);
  };
  finish(sums.total);
  for (auto& region : sums.touching) finish(region);
  return sums;
}

// The statistics asked for, and what they are made of.
struct Asked {
  std::vector<Estimator> estimators;

  template <class Is>
  bool any(const Is& is) const {
    return std::ranges::any_of(estimators, is);
  }
  bool of(const PairSums Ingredients::*pairs) const {
    return any([&](const Estimator& e) { return e.pairs == pairs; });
  }
  Present columns(Present there) const {
    for (int a = 0; a < 3; ++a)
      there.axes[static_cast<std::size_t>(a)] = any([&](const Estimator& e) { return e.axis == a; });
    there.ellipticity =
        multipoles() || any([](const Estimator& e) { return e.projected && e.pairs != &Ingredients::density_density; });
    return there;
  }
  bool multipoles() const {
    return any([](const Estimator& e) { return e.multipole; });
  }
  Bins bins(const Options& options) const {
    const bool radial = any([](const Estimator&e) { return !e.projected; }),
               sky = any([](const Estimator&e) { return e.projected; });
    const std::vector<double> none;
    return {radial ? options.r.edges() : none, sky ? options.rp.edges() : none, options.pi_max};
  }
};

// Singles: sums of one shape; products: of two.
Wanted wanted_of(const Present& columns, bool multipoles, bool weighted, bool singles, bool second_too, bool products) {
  return {singles,  second_too,          products,   weighted,
          columns.ellipticity, multipoles, {columns.axes[0], columns.axes[1], columns.axes[2]}};
}

PassSums no_sums(const Grid& grid) {
  return {{}, std::vector<PairSums>(grid.regions() > 1 ? static_cast<std::size_t>(grid.regions()) : 0)};
}

Measured measure_one(const Grid& grid, const Sample& sample, const Present& present, const Asked& asked,
                     const Bins& bins, const mpi::Communicator& comm) {
  const auto shares = share_out(grid, {&sample}, comm);
  const auto columns = asked.columns(present);
  const Cells cells(grid, sample, columns, needed_by(grid, shares, true), comm);
  const bool singles = asked.of(&Ingredients::shape_density);
  const auto wanted =
      wanted_of(columns, asked.multipoles(), columns.weight, singles, singles, asked.of(&Ingredients::shape_shape));
  Measured m;
  m.one_sample = true;
  m.shape_density = pass(grid, cells, cells, true, bins, wanted, shares, comm);
  m.shape_shape = m.density_density = m.shape_density;
  m.shapes = m.density = moments(grid, cells, shares, comm);
  return m;
}

Measured measure_two(const Grid& grid, const Sample& shapes, const Present& shape_columns,
                     const Sample& density, const Present& density_columns, const Asked& asked,
                     const Bins& bins, const mpi::Communicator& comm) {
  const auto shares = share_out(grid, {&shapes, &density}, comm);
  // Both get unit weights where one has weights.
  const bool weighted = shape_columns.weight || density_columns.weight;
  auto first_columns = asked.columns(shape_columns);
  Present second_columns;
  first_columns.weight = second_columns.weight = weighted;
  const Cells first(grid, shapes, first_columns, needed_by(grid, shares, true), comm);
  const Cells second(grid, density, second_columns, needed_by(grid, shares, false), comm);
  Measured m{no_sums(grid), no_sums(grid), no_sums(grid), {}, {}, false};
  if (asked.of(&Ingredients::shape_shape))
    m.shape_shape = pass(grid, first, first, true, bins,
                         wanted_of(first_columns, false, weighted, false, false, true), shares, comm);
  if (asked.of(&Ingredients::shape_density))
    m.shape_density = pass(grid, first, second, false, bins,
                           wanted_of(first_columns, asked.multipoles(), weighted, true, false, false), shares, comm);
  if (asked.of(&Ingredients::density_density))
    m.density_density =
        pass(grid, second, second, true, bins, wanted_of({}, false, weighted, false, false, false), shares, comm);
  m.shapes = moments(grid, first, shares, comm);
  m.density = moments(grid, second, shares, comm);
  return m;
}

// C = (n-1)/n sum_k (x_k - mean)(x_k - mean)^T
void add_jackknife(Statistic& statistic, const std::vector<std::vector<double>>& left_out) {
  const auto bins = statistic.value.size(), n = left_out.size();
  std::vector<double> average(bins);
  for (const auto& values : left_out)
    for (std::size_t b = 0; b < bins; ++b) average[b] += values[b] / static_cast<double>(n);
  statistic.covariance.assign(bins * bins, 0);
  for (const auto& values : left_out)
    for (std::size_t a = 0; a < bins; ++a)
      for (std::size_t b = 0; b < bins; ++b)
        statistic.covariance[a * bins + b] += (values[a] - average[a]) * (values[b] - average[b]);
  for (auto& c : statistic.covariance) c *= static_cast<double>(n - 1) / static_cast<double>(n);
  statistic.error.resize(bins);
  for (std::size_t b = 0; b < bins; ++b) statistic.error[b] = std::sqrt(statistic.covariance[b * bins + b]);
  statistic.regions = static_cast<std::int64_t>(n);
  for (const auto& values : left_out)
    statistic.leave_one_out.insert(statistic.leave_one_out.end(), values.begin(), values.end());
}

std::vector<double> values_of(const Estimator& estimator, const Ingredients& in, std::size_t bins) {
  std::vector<double> values(bins);
  for (std::size_t b = 0; b < bins; ++b) values[b] = estimator.value(in, b);
  return values;
}

std::vector<Statistic> estimate(const domain::Box& box, const Measured& measured, const Asked& asked,
                                const Options& options) {
  const auto r_edges = options.r.edges(), rp_edges = options.rp.edges();
  const auto radial_whole = radial_pair_fraction(box, r_edges, 0),
             sky_whole = sky_pair_fraction(box, rp_edges, options.pi_max, 0);
  auto whole = measured.whole();
  whole.radial_fraction = &radial_whole;
  whole.sky_fraction = &sky_whole;

  const auto radial_holed = radial_pair_fraction(box, r_edges, options.jackknife);
  const auto sky_holed = sky_pair_fraction(box, rp_edges, options.pi_max, options.jackknife);
  std::vector<Ingredients> without;
  for (std::size_t k = 0; k < measured.shape_density.touching.size(); ++k) {
    without.push_back(measured.without(k));
    without.back().radial_fraction = &radial_holed;
    without.back().sky_fraction = &sky_holed;
  }

  std::vector<Statistic> all;
  for (const auto& estimator : asked.estimators) {
    Statistic s;
    s.name = estimator.name;
    s.edges = estimator.projected ? rp_edges : r_edges;
    s.pi_max = estimator.projected ? options.pi_max : 0;
    const auto bins = s.edges.size() - 1;
    s.value = values_of(estimator, whole, bins);
    const auto& pairs = whole.*estimator.pairs;
    s.pairs = estimator.projected ? pairs.sky_pairs : pairs.radial_pairs;
    std::vector<std::vector<double>> left_out;
    for (const auto& in : without) left_out.push_back(values_of(estimator, in, bins));
    if (!left_out.empty()) add_jackknife(s, left_out);
    all.push_back(std::move(s));
  }
  return all;
}

void check_options(const domain::Box& box, const Options& options) {
  check_box(box);
  check_radial(box, options.r.edges());
  check_sky(box, options.rp.edges(), options.pi_max);
  if (options.jackknife > most_regions_per_side)
    throw config_error("stats.jackknife: {} sub-boxes per side; at most {}", options.jackknife,
                       most_regions_per_side);
}

void check_regions(const std::vector<Moments>& regions, int per_side, const char* what) {
  if (per_side < 2) return;
  const auto empty =
      std::count_if(regions.begin(), regions.end(), [](const Moments& m) { return m.count == 0; });
  if (empty > 0)
    throw data_error(
        "stats.jackknife: {} of the {} sub-boxes hold no galaxy of the {}; use fewer sub-boxes per side than "
        "{}, or 0 for no errors",
        empty, regions.size(), what, per_side);
}

}  // namespace

std::vector<double> LogBins::edges() const {
  std::vector<double> edges;
  for (int i = 0; i <= bins; ++i) edges.push_back(min * std::pow(max / min, static_cast<double>(i) / bins));
  if (bins > 0) edges.front() = min, edges.back() = max;
  return edges;
}

std::vector<Statistic> measure(const domain::Box& box, const Sample& sample, const Options& options,
                               const mpi::Communicator& comm) {
  check_options(box, options);
  const auto present = check_sample(sample, "galaxies", comm);
  const Asked asked{asked_estimators(present, options)};
  const auto bins = asked.bins(options);
  const Grid grid(box, bins.reach(), total_rows({&sample}, comm), options.jackknife, options.tiles);
  const auto measured = measure_one(grid, sample, present, asked, bins, comm);
  check_regions(measured.shapes, options.jackknife, "catalog");
  return estimate(box, measured, asked, options);
}

std::vector<Statistic> measure(const domain::Box& box, const Sample& shapes, const Sample& density,
                               const Options& options, const mpi::Communicator& comm) {
  if (&shapes == &density) return measure(box, shapes, options, comm);
  check_options(box, options);
  const auto shape_columns = check_sample(shapes, "shape sample", comm),
             density_columns = check_sample(density, "density sample", comm);
  const Asked asked{asked_estimators(shape_columns, options)};
  const auto bins = asked.bins(options);
  const Grid grid(box, bins.reach(), total_rows({&shapes, &density}, comm), options.jackknife, options.tiles);
  const auto measured = measure_two(grid, shapes, shape_columns, density, density_columns, asked, bins, comm);
  check_regions(measured.shapes, options.jackknife, "shape sample");
  check_regions(measured.density, options.jackknife, "density sample");
  return estimate(box, measured, asked, options);
}

}  // namespace halobrush::stats
