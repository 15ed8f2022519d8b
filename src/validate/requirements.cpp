#include "halobrush/validate/requirements.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "distributions.hpp"
#include "halobrush/core/error.hpp"

namespace halobrush::validate {
namespace {

// Adds verdicts; a value that was not measured fails, unless the requirement is optional.
class Verdicts {
 public:
  void at_most(std::string name, std::optional<double> value, double limit, bool optional) {
    add(std::move(name), value, {limit}, "<=", value && *value <= limit, optional);
  }
  void at_least(std::string name, std::optional<double> value, double limit, bool optional) {
    add(std::move(name), value, {limit}, ">=", value && *value >= limit, optional);
  }
  void inside(std::string name, std::optional<double> value, config::Interval limit, bool optional) {
    add(std::move(name), value, {limit[0], limit[1]}, "in", value && *value >= limit[0] && *value <= limit[1],
        optional);
  }
  std::vector<Requirement> take() { return std::move(all_); }

 private:
  void add(std::string name, std::optional<double> value, std::vector<double> limit, std::string sense,
           bool pass, bool optional) {
    const bool measured = value && !std::isnan(*value);
    if (!measured && optional) return;
    all_.push_back({std::move(name), value.value_or(unknown), std::move(limit), std::move(sense),
                    measured && pass,
                    measured ? "" : "not measured: the catalog or the reference lacks what it needs"});
  }
  std::vector<Requirement> all_;
};

void judge_columns(const std::vector<config::ColumnRequirement>& columns, const Measurement& mock,
                   Verdicts& verdicts) {
  for (const auto& r : columns) {
    const auto found = mock.columns.find(r.column);
    const auto value = [&](auto&& of) -> std::optional<double> {
      if (found == mock.columns.end()) return std::nullopt;
      return of(found->second);
    };
    const auto name = "column " + r.column + ": ";
    if (r.range) {
      verdicts.at_least(name + "minimum", value([](const Moments& m) { return m.min; }), (*r.range)[0],
                        r.optional);
      verdicts.at_most(name + "maximum", value([](const Moments& m) { return m.max; }), (*r.range)[1],
                       r.optional);
    }
    if (r.mean)
      verdicts.inside(name + "mean", value([](const Moments& m) { return m.mean; }), *r.mean, r.optional);
    if (r.std)
      verdicts.inside(name + "standard deviation", value([](const Moments& m) { return m.std; }), *r.std,
                      r.optional);
    if (r.nan)
      verdicts.at_most(name + "fraction of NaN",
                       value([](const Moments& m) { return m.nan / (m.nan + m.count); }), *r.nan, r.optional);
  }
}

void judge_catalog(const config::CatalogRequirement& r, const CatalogFacts& facts, Verdicts& verdicts) {
  constexpr bool optional = true;  // rules for columns that a catalog need not have
  if (r.positions_in_box) verdicts.at_most("galaxies outside the box", facts.outside_box, 0, false);
  if (r.unique_ids)
    verdicts.at_most("galaxies whose galaxy_id is another's", facts.repeated_ids, 0, optional);
  if (r.hosts_present) verdicts.at_most("galaxies whose host is absent", facts.missing_hosts, 0, optional);
  if (r.orthonormal_axes)
    verdicts.at_most("axes: deviation from orthonormal", facts.gram_deviation, *r.orthonormal_axes, optional);
  if (r.right_handed_axes) verdicts.at_most("galaxies with left-handed axes", facts.left_handed, 0, optional);
  if (r.ordered_ratios)
    verdicts.at_most("galaxies without 0 <= c/a <= b/a <= 1", facts.unordered_ratios, 0, optional);
  if (r.out_of_distribution)
    verdicts.at_most("fraction out of distribution", facts.out_of_distribution, *r.out_of_distribution,
                     optional);
}

// A statistic or a misalignment.
template <class Measured>
const Measured* find(const std::vector<Measured>& all, const std::string& name,
                     const std::string& selection) {
  const auto found = std::ranges::find_if(
      all, [&](const Measured& m) { return m.name == name && m.selection == selection; });
  return found == all.end() ? nullptr : &*found;
}

void judge_comparison(const config::StatisticRequirement& r, const std::string& name,
                      const std::optional<Comparison>& found, Verdicts& verdicts) {
  const auto value = [&](auto&& of) -> std::optional<double> {
    if (!found) return std::nullopt;
    return of(*found);
  };
  if (r.chi2_per_dof)
    verdicts.at_most(name + ": chi2/dof", value([](const Comparison& c) { return c.chi2 / c.dof; }),
                     *r.chi2_per_dof, r.optional);
  if (r.p_value)
    verdicts.at_least(name + ": p-value", value([](const Comparison& c) { return c.p_value; }), *r.p_value,
                      r.optional);
  if (r.ratio)
    verdicts.inside(name + ": ratio", value([](const Comparison& c) { return c.ratio; }), *r.ratio,
                    r.optional);
}

template <class Visit>
void each_statistic(const config::StatisticRequirement& r, const Measurement& mock, Visit&& visit) {
  for (const auto& selection : r.selections)
    for (const auto& name : r.of)
      visit(selection == "all" ? name : name + ":" + selection, find(mock.statistics, name, selection), name,
            selection);
}

std::string suffix(const Against& against, std::size_t references) {
  return references > 1 ? " (against " + std::filesystem::path(against.reference).filename().string() + ")"
                        : "";
}

void judge_statistics(const config::StatisticRequirement& r, const Measurement& mock, const Against& against,
                      const std::string& which, Verdicts& verdicts) {
  if (!against.comparable) return;
  double chi2 = 0, dof = 0;
  each_statistic(r, mock,
                 [&](const auto& full, const Statistic* measured, const auto& name, const auto& selection) {
                   const auto* reference = find(against.statistics, name, selection);
                   std::optional<Comparison> found;
                   if (measured != nullptr && reference != nullptr)
                     found = compare(*measured, reference, r.r);
                   if (found && !std::isnan(found->chi2)) chi2 += found->chi2, dof += found->dof;
                   judge_comparison(r, full + which, found, verdicts);
                 });
  if (r.pooled_chi2_per_dof)
    verdicts.at_most(fmt::format("{} of {}{}: pooled chi2/dof", fmt::join(r.of, ", "),
                                 fmt::join(r.selections, ", "), which),
                     dof > 0 ? std::optional(chi2 / dof) : std::nullopt, *r.pooled_chi2_per_dof, r.optional);
}

void judge_null(const config::StatisticRequirement& r, const Measurement& mock, Verdicts& verdicts) {
  each_statistic(r, mock, [&](const auto& full, const Statistic* measured, const auto&, const auto&) {
    std::optional<Comparison> found;
    if (measured != nullptr) found = compare(*measured, nullptr, r.r);
    judge_comparison(r, full + " against zero", found, verdicts);
  });
}

void judge_lensing(const config::Requirements& required, const Measurement& mock, Verdicts& verdicts) {
  for (const auto& r : required.detected)
    for (const auto& selection : r.selections)
      for (const auto& name : r.of) {
        const auto* s = find(mock.statistics, name, selection);
        verdicts.at_least(fmt::format("{} ({}): amplitude in units of its error", name, selection),
                          s != nullptr ? std::optional(significance_of(*s, r.r)) : std::nullopt, r.significance, r.optional);
      }
  const auto amplitude = [&](const std::string& selection) {
    const auto found = std::ranges::find(mock.nla.fits, selection, &NlaFit::selection);
    return found == mock.nla.fits.end() ? unknown : found->amplitude;
  };
  for (const auto& r : required.amplitudes)
    verdicts.at_least(fmt::format("A_1 of {} minus A_1 of {}", r.larger, r.smaller),
                      amplitude(r.larger) - amplitude(r.smaller), 0, r.optional);
  if (required.target_chi2_per_dof)
    for (const auto& t : mock.targets)
      verdicts.at_most(fmt::format("{} against {}: chi2/dof", t.statistic, std::filesystem::path(t.file).filename().string()),
                       t.chi2 / t.dof, *required.target_chi2_per_dof, false);
  if (required.ellipticity_ks)
    for (const auto& e : mock.ellipticities)
      verdicts.at_most(fmt::format("ellipticity ({}) against {}: KS distance", e.selection,
                                   std::filesystem::path(e.file).filename().string()),
                       e.ks, *required.ellipticity_ks, false);
}

void judge_misalignments(const config::MisalignmentRequirement& r, const Measurement& mock,
                         const Against& against, const std::string& which, Verdicts& verdicts) {
  for (const auto& selection : r.selections)
    for (const auto& name : r.of) {
      const auto* measured = find(mock.misalignments, name, selection);
      const auto* reference = find(against.misalignments, name, selection);
      std::optional<MisalignmentComparison> found;
      if (measured != nullptr && reference != nullptr) found = compare(*measured, *reference);
      const auto title = fmt::format("misalignment {} ({}){}", name, selection, which);
      if (r.p_value && against.comparable)
        verdicts.at_least(title + ": p-value", found ? std::optional(found->p_value) : std::nullopt,
                          *r.p_value, r.optional);
      if (r.ks)
        verdicts.at_most(title + ": KS distance", found ? std::optional(found->ks) : std::nullopt,
                         *r.ks + (found ? found->ks_chance : 0), r.optional);
    }
}

void judge_distributions(const config::DistributionRequirement& r, const Against& against,
                         const std::string& which, Verdicts& verdicts) {
  for (const auto& column : r.of) {
    bool any = false;
    for (const auto& test : against.ks) {
      if (test.column != column) continue;
      any = true;
      verdicts.at_most(fmt::format("{} ({}): KS distance{}", column, test.galaxies, which), test.distance,
                       r.ks + ks_allowance(test.n_mock, test.n_reference), r.optional);
    }
    if (!any) verdicts.at_most(column + ": KS distance" + which, std::nullopt, r.ks, r.optional);
  }
}

}  // namespace

std::vector<Requirement> judge(const config::Requirements& required, const Measurement& mock,
                               const std::vector<Against>& references) {
  Verdicts verdicts;
  judge_columns(required.columns, mock, verdicts);
  judge_catalog(required.catalog, mock.facts, verdicts);
  for (const auto& r : required.null) judge_null(r, mock, verdicts);
  judge_lensing(required, mock, verdicts);
  for (const auto& against : references) {
    const auto which = suffix(against, references.size());
    for (const auto& r : required.statistics) judge_statistics(r, mock, against, which, verdicts);
    for (const auto& r : required.misalignments) judge_misalignments(r, mock, against, which, verdicts);
    for (const auto& r : required.distributions) judge_distributions(r, against, which, verdicts);
    if (required.two_sample_accuracy)
      verdicts.at_most("classifier of mock against reference: accuracy" + which, against.two_sample_accuracy,
                       *required.two_sample_accuracy, false);
  }
  return verdicts.take();
}

}  // namespace halobrush::validate
