#include "halobrush/pipeline/input_shift.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <map>
#include <numbers>
#include <numeric>

#include "halobrush/model/input_range.hpp"
#include "halobrush/mpi/agree.hpp"

namespace halobrush::pipeline {
namespace {

// docs/distribution-shift.md states these.
constexpr double galaxies_compared = 4000;
constexpr double false_alarms = 0.01;            // of a catalog
constexpr double least_shift = 0.1;              // of the scatter: less does no harm
constexpr double least_ks = 0.05;
constexpr std::size_t galaxies_of_bin = 100, most_bins = 20;
constexpr std::size_t fewest = 50;               // galaxies that can be compared
constexpr std::size_t sentences = 5;

// The number of deviations that a normal number exceeds on either side with this probability.
double normal_bound(double probability) {
  double low = 0, high = 10;
  for (int i = 0; i < 60; ++i) {
    const double middle = 0.5 * (low + high);
    (std::erfc(middle / std::numbers::sqrt2) > probability ? low : high) = middle;
  }
  return high;
}

// Galaxies of one of the two samples: invariants by rows, a weight and a bin of mass each.
struct Sample {
  std::vector<double> values;
  std::vector<float> region;
  std::vector<double> weight;
  std::vector<std::size_t> bin;

  std::size_t size() const { return region.size(); }
};

// Bins of mass with equally many training galaxies.
class MassBins {
 public:
  MassBins(std::vector<double> masses) {
    std::ranges::sort(masses);
    const auto bins = std::clamp<std::size_t>(masses.size() / galaxies_of_bin, 1, most_bins);
    for (std::size_t b = 0; b <= bins; ++b)
      edges_.push_back(masses[std::min(b * masses.size() / bins, masses.size() - 1)]);
  }
  std::size_t size() const { return edges_.size() - 1; }
  bool has(double mass) const { return mass >= edges_.front() && mass <= edges_.back(); }
  std::size_t of(double mass) const {
    const auto above = std::upper_bound(edges_.begin() + 1, edges_.end() - 1, mass) - edges_.begin();
    return static_cast<std::size_t>(above - 1);
  }

 private:
  std::vector<double> edges_;
};

// A straight line in each bin of mass, through the training galaxies.
class MeanRelation {
 public:
  MeanRelation(const std::vector<double>& mass, const std::vector<double>& value,
               const std::vector<std::size_t>& bin, std::size_t bins)
      : lines_(bins) {
    for (std::size_t i = 0; i < mass.size(); ++i) {
      auto& l = lines_[bin[i]];
      l.n += 1, l.mass += mass[i], l.value += value[i];
    }
    for (auto& l : lines_) l.mass /= std::max(l.n, 1.0), l.value /= std::max(l.n, 1.0);
    for (std::size_t i = 0; i < mass.size(); ++i) {
      auto& l = lines_[bin[i]];
      const double dm = mass[i] - l.mass;
      l.squares += dm * dm, l.products += dm * (value[i] - l.value);
    }
  }
  double operator()(double mass, std::size_t bin) const {
    const auto& l = lines_[bin];
    return l.value + (l.squares > 0 ? l.products / l.squares * (mass - l.mass) : 0);
  }

 private:
  struct Line {
    double n = 0, mass = 0, value = 0, squares = 0, products = 0;
  };
  std::vector<Line> lines_;
};

struct Mean {
  double mean = 0, deviation = 0;
  double variance = 0;  // of the mean, regions taken as independent
  double effective = 0;  // independent galaxies of the same variance of the mean
};

Mean mean_of(const std::vector<double>& values, const Sample& sample) {
  Mean m;
  const double total = std::accumulate(sample.weight.begin(), sample.weight.end(), 0.0);
  for (std::size_t i = 0; i < values.size(); ++i) m.mean += sample.weight[i] * values[i] / total;
  std::map<float, double> regions;
  double squares = 0, of_weights = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double w = sample.weight[i] / total, delta = values[i] - m.mean;
    regions[sample.region[i]] += w * delta;
    squares += w * delta * delta;
    of_weights += w * w;
  }
  m.deviation = squares > 1e-18 ? std::sqrt(squares) : 0;  // less is rounding
  for (const auto& [region, sum] : regions) m.variance += sum * sum;
  m.variance = std::max(m.variance, squares * of_weights);
  m.effective = m.variance > 0 ? squares / m.variance : 1 / of_weights;
  return m;
}

double ks_distance(const std::vector<double>& a, const Sample& of_a, const std::vector<double>& b,
                   const Sample& of_b) {
  std::vector<std::pair<double, double>> steps;  // value, step of the difference
  const auto add = [&](const std::vector<double>& values, const Sample& sample, double sign) {
    const double total = std::accumulate(sample.weight.begin(), sample.weight.end(), 0.0);
    for (std::size_t i = 0; i < values.size(); ++i) steps.emplace_back(values[i], sign * sample.weight[i] / total);
  };
  add(a, of_a, 1), add(b, of_b, -1);
  std::ranges::sort(steps);
  double difference = 0, most = 0;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    difference += steps[i].second;
    if (i + 1 == steps.size() || steps[i + 1].first > steps[i].first) most = std::max(most, std::abs(difference));
  }
  return most;
}

// Inputs that never vary must not seem to, by the last bits of their mean.
double rounded(double standardised) {
  return std::round(1e6 * standardised) * 1e-6;
}

// The masses that may be held fixed, the first that the model has.
std::size_t place_of_mass(const features::FeatureNames& inputs) {
  for (const char* name : {"log_mass", "log_bound_mass", "log_host_mass", "log_vmax"})
    if (const auto found = std::ranges::find(inputs.scalars, name); found != inputs.scalars.end())
      return static_cast<std::size_t>(found - inputs.scalars.begin());
  return inputs.scalars.size();
}

std::vector<double> column(const Sample& sample, std::size_t d, std::size_t k) {
  std::vector<double> values;
  for (std::size_t i = 0; i < sample.size(); ++i) values.push_back(sample.values[i * d + k]);
  return values;
}

// Training galaxies are weighted such that each bin of mass counts as it does here.
void weigh(Sample& trained, Sample& here, std::size_t bins) {
  std::vector<double> of_trained(bins), of_here(bins);
  for (const auto b : trained.bin) of_trained[b] += 1;
  for (const auto b : here.bin) of_here[b] += 1;
  for (const auto b : trained.bin) trained.weight.push_back(of_here[b] / of_trained[b]);
  here.weight.assign(here.size(), 1);
}

}  // namespace

InputComparison compare_samples(const model::ModelSpec& spec, const std::vector<double>& values,
                                const std::vector<float>& region) {
  const auto names = model::invariant_names(spec.inputs);
  const auto d = names.size(), place = place_of_mass(spec.inputs);
  const bool at_given_mass = place < spec.inputs.scalars.size();
  InputComparison out;
  if (at_given_mass) out.given = names[place];
  Sample trained{{spec.sample.values.begin(), spec.sample.values.end()}, spec.sample.region, {}, {}}, here;
  const auto mass_of = [&](const std::vector<double>& rows, std::size_t i) {
    return at_given_mass ? rows[i * d + place] : 0.0;
  };
  std::vector<double> masses, masses_here;
  for (std::size_t i = 0; i < trained.size(); ++i) masses.push_back(mass_of(trained.values, i));
  const MassBins bins(masses);
  for (const double m : masses) trained.bin.push_back(bins.of(m));
  for (std::size_t i = 0; i < region.size(); ++i) {
    const double mass = mass_of(values, i);
    if (!bins.has(mass)) continue;
    masses_here.push_back(mass);
    here.bin.push_back(bins.of(mass));
    here.region.push_back(region[i]);
    here.values.insert(here.values.end(), values.begin() + static_cast<std::ptrdiff_t>(i * d),
                       values.begin() + static_cast<std::ptrdiff_t>((i + 1) * d));
  }
  out.trained = trained.size(), out.here = here.size();
  out.beyond = region.empty() ? 0 : 1 - static_cast<double>(here.size()) / static_cast<double>(region.size());
  if (trained.size() < fewest || here.size() < fewest) return out;
  weigh(trained, here, bins.size());

  const double probability = false_alarms / static_cast<double>(2 * d);
  const double bound = normal_bound(probability), ks_bound = std::sqrt(-0.5 * std::log(probability / 2));
  for (std::size_t k = 0; k < d; ++k) {
    if (at_given_mass && k == place) continue;
    const double unit = k < spec.inputs.scalars.size() ? spec.scalar_deviation[k] : 1;
    auto a = column(trained, d, k), b = column(here, d, k);
    const MeanRelation relation(masses, a, trained.bin, bins.size());
    for (std::size_t i = 0; i < a.size(); ++i) a[i] = unit * rounded(a[i] - relation(masses[i], trained.bin[i]));
    for (std::size_t i = 0; i < b.size(); ++i) b[i] = unit * rounded(b[i] - relation(masses_here[i], here.bin[i]));
    const auto of_a = mean_of(a, trained), of_b = mean_of(b, here);
    InputShift s{.name = names[k], .shift = of_b.mean - of_a.mean, .scatter = of_a.deviation};
    s.shift_chance = bound * std::sqrt(of_a.variance + of_b.variance);
    s.ks = ks_distance(a, trained, b, here);
    s.ks_chance = ks_bound * std::sqrt(1 / of_a.effective + 1 / of_b.effective);
    s.warned = std::abs(s.shift) > std::max(s.shift_chance, least_shift * s.scatter) ||
               s.ks > std::max(s.ks_chance, least_ks);
    out.inputs.push_back(std::move(s));
  }
  return out;
}

InputComparison compare_inputs(const model::ModelSpec& spec, const catalog::HaloCatalog& halos,
                               const mpi::Communicator& comm) {
  if (spec.sample.empty()) return {};
  const auto& table = halos.halos;
  const auto all = comm.sum(static_cast<std::uint64_t>(table.rows()));
  const double share = galaxies_compared / static_cast<double>(std::max(all, std::uint64_t{1}));
  struct Key {
    double hash;
    std::int64_t id;
    float region;
  };
  std::vector<Key> keys;
  const auto values = mpi::agree(comm, [&] {
    const auto id = table.get<std::int64_t>("id");
    const auto position = table.vectors("");
    std::vector<std::size_t> rows;
    for (std::size_t i = 0; i < id.size(); ++i)
      if (const double hash = model::hash_of(id[i]); hash < share) {
        rows.push_back(i);
        keys.push_back({hash, id[i], model::region_of(position[i], halos.simulation.box)});
      }
    return model::invariants(features::assemble(table.select(rows), spec.inputs), rows.size(), spec);
  });
  const auto all_keys = comm.gather_all(std::span<const Key>(keys)).data;
  const auto all_values = comm.gather_all(std::span<const double>(values)).data;
  std::vector<std::size_t> order(all_keys.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::sort(order, {}, [&](auto i) { return std::pair(all_keys[i].hash, all_keys[i].id); });
  const auto d = static_cast<std::ptrdiff_t>(model::invariant_names(spec.inputs).size());
  std::vector<double> sorted;  // rounded as the training's are: masses of as many particles are equal
  std::vector<float> region;
  for (const auto i : order) {
    const auto row = all_values.begin() + static_cast<std::ptrdiff_t>(i) * d;
    std::transform(row, row + d, std::back_inserter(sorted), [](double v) { return static_cast<double>(static_cast<float>(v)); });
    region.push_back(all_keys[i].region);
  }
  return compare_samples(spec, sorted, region);
}

std::vector<std::string> warnings_of(const InputComparison& comparison) {
  std::vector<const InputShift*> shifts;
  for (const auto& s : comparison.inputs)
    if (s.warned) shifts.push_back(&s);
  std::ranges::stable_sort(shifts, std::greater{}, [](const auto* s) { return s->ks; });
  std::vector<std::string> out;
  const auto given = comparison.given.empty() ? "" : " at given " + comparison.given;
  for (std::size_t i = 0; i < std::min(shifts.size(), sentences); ++i) {
    const auto& s = *shifts[i];
    out.push_back(fmt::format(
        "model: inputs: the mean of {}{} is {:+.3g} from that in training, {} (chance reaches {:.2g}); Kolmogorov-Smirnov "
        "distance {:.2f} (chance reaches {:.2f}): these are other halos",
        s.name, given, s.shift,
        s.scatter > 0 ? fmt::format("{:.2g} of its scatter of {:.3g} there", std::abs(s.shift) / s.scatter, s.scatter)
                      : "where it has no scatter",
        s.shift_chance, s.ks, s.ks_chance));
  }
  if (shifts.size() > sentences)
    out.push_back(fmt::format("model: inputs: {} more differ from the training's{} (the summary has all)",
                              shifts.size() - sentences, given));
  return out;
}

}  // namespace halobrush::pipeline
