#include "draws.hpp"

#include <Eigen/Dense>
#include <algorithm>
#include <array>
#include <cmath>
#include <map>

#include "distributions.hpp"
#include "halobrush/core/error.hpp"
#include "halobrush/validate/jackknife.hpp"

namespace halobrush::validate {
namespace {

using Numbers = std::vector<double>;

using ColumnMoments = std::map<std::string, Moments>;

ColumnMoments moments_of_columns(const Galaxies& galaxies, const mpi::Communicator& comm) {
  ColumnMoments moments;
  for (const auto& column : galaxies.table.columns())
    moments[column.spec.name] = moments_of(galaxies.known(column.spec.name), comm);
  return moments;
}

bool same_galaxies(const Galaxies& a, const Galaxies& b, const ColumnMoments& of_a, const ColumnMoments& of_b) {
  const auto close = [](double p, double q) { return std::abs(p - q) <= 1e-6 * std::max(std::abs(p), std::abs(q)); };
  return a.total == b.total && close(a.simulation.scale_factor, b.simulation.scale_factor) &&
         std::ranges::equal(a.simulation.box, b.simulation.box, close) &&
         std::ranges::all_of(std::array{"x", "y", "z"}, [&](const char* name) {
           return close(of_a.at(name).mean, of_b.at(name).mean) && close(of_a.at(name).std, of_b.at(name).std);
         });
}

bool same_columns(const ColumnMoments& a, const ColumnMoments& b) {
  return std::ranges::equal(a, b, {}, &ColumnMoments::value_type::first, &ColumnMoments::value_type::first);
}

bool same_values(const ColumnMoments& a, const ColumnMoments& b) {
  const auto same = [](double p, double q) { return p == q || (std::isnan(p) && std::isnan(q)); };
  return std::ranges::equal(a, b, [&](const auto& one, const auto& other) {
    return same(one.second.mean, other.second.mean) && same(one.second.std, other.second.std) && one.second.nan == other.second.nan;
  });
}

bool are_known(const Galaxies& a, const Galaxies& b) {
  return !a.identity.empty() && !b.identity.empty();
}

// How two mocks of this program were made differently, but for keys that may differ and for what changes last digits alone.
std::string differently_made(const Galaxies& a, const Galaxies& b, const std::vector<std::string>& may_differ) {
  auto left_out = catalog::acceptable_differences();
  left_out.insert(left_out.end(), may_differ.begin(), may_differ.end());
  return catalog::differences(catalog::without(a.identity, left_out), catalog::without(b.identity, left_out));
}

void add(Numbers& sum, const Numbers& more, double weight) {
  for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += weight * more[i];
}

template <class T>
Numbers sum(const std::vector<const T*>& all, Numbers T::* numbers, double weight = 1) {
  Numbers out(((*all.front()).*numbers).size());
  for (const auto* one : all) add(out, (*one).*numbers, weight);
  return out;
}

template <class T>
Numbers mean(const std::vector<const T*>& all, Numbers T::* numbers) {
  return sum(all, numbers, 1.0 / static_cast<double>(all.size()));
}

Eigen::MatrixXd samples_of(const std::vector<Numbers>& leave_one_out) {
  Eigen::MatrixXd samples(static_cast<Eigen::Index>(leave_one_out.front().size()), static_cast<Eigen::Index>(leave_one_out.size()));
  for (std::size_t k = 0; k < leave_one_out.size(); ++k)
    samples.col(static_cast<Eigen::Index>(k)) =
        Eigen::Map<const Eigen::VectorXd>(leave_one_out[k].data(), samples.rows());
  return samples;
}

Statistic mean_of(const std::vector<const Statistic*>& all) {
  Statistic out = *all.front();
  out.value = mean(all, &Statistic::value);
  out.pairs = sum(all, &Statistic::pairs);
  if (out.leave_one_out.empty()) return out;
  for (std::size_t k = 0; k < out.leave_one_out.size(); ++k) {
    std::ranges::fill(out.leave_one_out[k], 0.0);
    for (const auto* one : all) add(out.leave_one_out[k], one->leave_one_out[k], 1.0 / static_cast<double>(all.size()));
  }
  const Eigen::MatrixXd covariance = jackknife_covariance(samples_of(out.leave_one_out));
  out.covariance.assign(covariance.data(), covariance.data() + covariance.size());
  for (std::size_t i = 0; i < out.error.size(); ++i)
    out.error[i] = std::sqrt(covariance(static_cast<Eigen::Index>(i), static_cast<Eigen::Index>(i)));
  return out;
}

Misalignment mean_of(const std::vector<const Misalignment*>& all) {
  Misalignment out = *all.front();
  const auto n = static_cast<double>(all.size());
  out.counts = sum(all, &Misalignment::counts);
  out.leave_one_out = mean(all, &Misalignment::leave_one_out);
  out.galaxies = out.value = 0;
  for (const auto* one : all) out.galaxies += one->galaxies, out.value += one->value / n;
  if (!std::isnan(out.error)) out.error = std::sqrt(jackknife_covariance(Eigen::Map<const Eigen::RowVectorXd>(
      out.leave_one_out.data(), static_cast<Eigen::Index>(out.leave_one_out.size())))(0, 0));
  return out;
}

Distribution mean_of(const std::vector<const Distribution*>& all) {
  Distribution out = *all.front();
  const auto n = static_cast<double>(all.size());
  out.counts = sum(all, &Distribution::counts);
  out.value = mean(all, &Distribution::value);
  std::ranges::fill(out.error, 0.0);
  for (const auto* one : all)
    for (std::size_t i = 0; i < out.error.size(); ++i) out.error[i] += one->error[i] * one->error[i] / (n * n);
  for (auto& error : out.error) error = std::sqrt(error);
  return out;
}

// What every draw has of one kind, each the mean of all.
template <class T>
std::vector<T> means(const std::vector<Measurement>& draws, std::vector<T> Measurement::* kind) {
  std::vector<T> out;
  for (const auto& first : draws.front().*kind) {
    std::vector<const T*> all;
    for (const auto& draw : draws) {
      const auto found = std::ranges::find(draw.*kind, first.full_name(), &T::full_name);
      if (found != (draw.*kind).end()) all.push_back(&*found);
    }
    if (all.size() == draws.size()) out.push_back(mean_of(all));
  }
  return out;
}

Moments pooled(const std::vector<const Moments*>& all) {
  Moments out{0, 0, unknown, unknown, 0, 0};
  for (const auto* m : all) {
    out.nan += m->nan;
    if (m->count == 0) continue;
    out.count += m->count;
    out.min = std::fmin(out.min, m->min), out.max = std::fmax(out.max, m->max);
    out.mean += m->count * m->mean;
  }
  out.mean /= out.count;
  for (const auto* m : all)
    if (m->count > 0) out.std += m->count * (m->std * m->std + (m->mean - out.mean) * (m->mean - out.mean));
  out.std = std::sqrt(out.std / out.count);
  return out;
}

using Fact = std::optional<double> CatalogFacts::*;

template <class Combine>
std::optional<double> fact(const std::vector<Measurement>& draws, Fact which, Combine&& combine) {
  auto out = draws.front().facts.*which;
  for (std::size_t i = 1; i < draws.size(); ++i)
    if (const auto& other = draws[i].facts.*which; out && other) out = combine(*out, *other);
  return out;
}

CatalogFacts facts_of_draws(const std::vector<Measurement>& draws) {
  const auto plus = [](double a, double b) { return a + b; };
  const auto largest = [](double a, double b) { return std::max(a, b); };
  CatalogFacts out;
  for (const auto& draw : draws) out.outside_box += draw.facts.outside_box;
  for (const Fact number : {&CatalogFacts::repeated_ids, &CatalogFacts::missing_hosts, &CatalogFacts::left_handed,
                            &CatalogFacts::unordered_ratios})
    out.*number = fact(draws, number, plus);
  for (const Fact share : {&CatalogFacts::gram_deviation, &CatalogFacts::out_of_distribution})
    out.*share = fact(draws, share, largest);
  return out;
}

}  // namespace

void check_draws(std::span<const Galaxies> draws, const mpi::Communicator& comm) {
  constexpr const char* several = "several mocks are taken together where they differ in their seed alone: validate this one apart";
  if (draws.size() < 2) return;
  std::vector<ColumnMoments> moments;
  for (const auto& draw : draws) {
    const auto& first = draws.front();
    moments.push_back(moments_of_columns(draw, comm));
    if (!same_galaxies(first, draw, moments.front(), moments.back()))
      throw data_error("{}: its galaxies stand elsewhere than those of {}; {}", draw.path, first.path, several);
    if (!same_columns(moments.front(), moments.back()))
      throw data_error("{}: its columns are not those of {}; {}", draw.path, first.path, several);
    if (const auto other = are_known(first, draw) ? differently_made(first, draw, {"seed"}) : ""; !other.empty())
      throw data_error("{}: was made otherwise than {} ({}); {}", draw.path, first.path, other, several);
    for (std::size_t k = 0; k + 1 < moments.size(); ++k)
      if (same_values(moments[k], moments.back()) || (are_known(draws[k], draw) && differently_made(draws[k], draw, {}).empty()))
        throw data_error("{}: is the draw of {} again; give each once, of another seed", draw.path, draws[k].path);
  }
}

Measurement mean_of_draws(const std::vector<Measurement>& draws) {
  Measurement out = draws.front();
  if (draws.size() == 1) return out;
  out.path = fmt::format("{} and {} more draw{}", draws.front().path, draws.size() - 1, draws.size() > 2 ? "s" : "");
  out.galaxies = 0;
  for (const auto& draw : draws) out.galaxies += draw.galaxies;
  out.facts = facts_of_draws(draws);
  for (auto& [name, moments] : out.columns) {
    std::vector<const Moments*> all;
    for (const auto& draw : draws)
      if (const auto found = draw.columns.find(name); found != draw.columns.end()) all.push_back(&found->second);
    moments = pooled(all);
  }
  out.distributions = means(draws, &Measurement::distributions);
  out.statistics = means(draws, &Measurement::statistics);
  out.misalignments = means(draws, &Measurement::misalignments);
  return out;
}

}  // namespace halobrush::validate
