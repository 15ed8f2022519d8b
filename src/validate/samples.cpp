#include "halobrush/validate/samples.hpp"

#include <algorithm>

#include "halobrush/core/error.hpp"
#include "halobrush/core/text.hpp"

namespace halobrush::validate {
namespace {

constexpr std::pair<const char*, const char*> usual[] = {
    {"red", "color_gr > 0.6"},
    {"blue", "color_gr <= 0.6"},
    {"central", "is_central"},
    {"satellite", "not is_central"},
    {"mass_below_10", "log_stellar_mass < 10"},
    {"mass_10_10.5", "10 <= log_stellar_mass < 10.5"},
    {"mass_10.5_11", "10.5 <= log_stellar_mass < 11"},
    {"mass_above_11", "log_stellar_mass >= 11"},
    {"disc", "disc_fraction > 0.5"},
    {"bulge", "disc_fraction <= 0.5"},
};

}  // namespace

std::vector<SubSample> sub_samples(const config::Stats& stats, const catalog::Table& table) {
  std::vector<SubSample> samples = {{Selection("all", ""), true}};
  for (const auto& [name, cut] : stats.selections) {
    if (name == "all")
      throw config_error("stats.selections.all: 'all' names the whole catalog; give the cut another name");
    samples.push_back({Selection(name, cut), true});
    samples.back().selection.check(table);
  }
  if (!stats.selections.empty()) return samples;
  for (const auto& [name, cut] : usual) {
    const Selection selection(name, cut);
    if (std::ranges::all_of(selection.columns(), [&](const auto& column) { return table.has(column); }))
      samples.push_back({selection, false});
  }
  return samples;
}

void check_sub_sample(const std::string& key, const std::string& name, const std::vector<SubSample>& samples) {
  std::vector<std::string> known;
  for (const auto& sample : samples) known.push_back(sample.selection.name());
  if (std::ranges::find(known, name) == known.end())
    throw config_error("{}: there is no sub-sample '{}'{}; define it in stats.selections", key, name,
                       nearest_hint(name, known));
}

}  // namespace halobrush::validate
