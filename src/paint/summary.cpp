#include "summary.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "halobrush/core/error.hpp"
#include "halobrush/core/files.hpp"
#include "halobrush/core/version.hpp"
#include "halobrush/mpi/agree.hpp"

namespace halobrush::paint {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

// Rows hold labels in single precision, in which the ends of the range must be the same numbers.
ColumnStatistics::Moments moments_of(const catalog::Column& column, const model::TrainedRange& range) {
  ColumnStatistics::Moments m{.name = column.spec.name, .min = infinity, .max = -infinity};
  const double least = static_cast<float>(range.least), greatest = static_cast<float>(range.greatest),
               width = range.high - range.low;
  std::visit(
      [&](const auto& values) {
        for (const auto v : values) {
          const auto x = static_cast<double>(v);
          if (!std::isfinite(x)) {
            (std::isnan(x) ? m.nan : m.infinite) += 1;
            continue;
          }
          m.count += 1, m.sum += x, m.squares += x * x;
          m.min = std::min(m.min, x), m.max = std::max(m.max, x);
          m.outside += x < least || x > greatest;
          m.far_outside += x < least - width || x > greatest + width;
        }
      },
      column.data);
  return m;
}

nlohmann::ordered_json to_json(const ColumnStatistics::Moments& m) {
  nlohmann::ordered_json object = {
      {"min", nullptr}, {"max", nullptr}, {"mean", nullptr}, {"std", nullptr}, {"nan", m.nan}};
  if (m.infinite > 0) object["infinite"] = m.infinite;
  if (m.count == 0) return object;
  const double mean = m.sum / m.count;
  object["min"] = m.min, object["max"] = m.max, object["mean"] = mean;
  object["std"] = std::sqrt(std::max(0.0, m.squares / m.count - mean * mean));
  return object;
}

nlohmann::ordered_json to_json(const ColumnStatistics::Moments& m, const model::TrainedRange& range) {
  return {{"least", range.least},
          {"greatest", range.greatest},
          {"outside", m.outside},
          {"far_outside", m.far_outside}};
}

nlohmann::ordered_json to_json(const pipeline::InputComparison& comparison) {
  nlohmann::ordered_json object = {{"given", comparison.given},
                                 {"galaxies", comparison.here},
                                 {"training_galaxies", comparison.trained},
                                 {"beyond_training_masses", comparison.beyond}};
  for (const auto& s : comparison.inputs)
    object["shifts"][s.name] = {{"shift", s.shift}, {"scatter", s.scatter},     {"shift_chance", s.shift_chance},
                              {"ks", s.ks},       {"ks_chance", s.ks_chance}, {"warned", s.warned}};
  return object;
}

}  // namespace

void ColumnStatistics::judge(const model::ModelSpec& model) {
  if (trained_on_ == 0) trained_on_ = static_cast<double>(std::max(model.origin.galaxies, std::uint64_t{1}));
  for (const auto& label : model.labels)
    if (label.trained.known()) ranges_.try_emplace(label.column.name, label.trained);
}

void ColumnStatistics::add(const catalog::Table& rows) {
  for (std::size_t c = 0; c < rows.columns().size(); ++c) {
    const auto& column = rows.columns()[c];
    const auto range = ranges_.find(column.spec.name);
    const auto m = moments_of(column, range == ranges_.end() ? model::TrainedRange{} : range->second);
    if (moments_.size() <= c) {
      moments_.push_back(m);
      continue;
    }
    auto& sum = moments_[c];
    sum.count += m.count, sum.sum += m.sum, sum.squares += m.squares, sum.nan += m.nan;
    sum.infinite += m.infinite, sum.outside += m.outside, sum.far_outside += m.far_outside;
    sum.min = std::min(sum.min, m.min), sum.max = std::max(sum.max, m.max);
  }
}

std::vector<ColumnStatistics::Moments> ColumnStatistics::reduced(const catalog::Table& columns,
                                                                 const mpi::Communicator& comm) const {
  std::vector<Moments> result;
  for (std::size_t c = 0; c < columns.columns().size(); ++c) {
    const Moments m = c < moments_.size() ? moments_[c] : Moments{.name = "", .min = infinity, .max = -infinity};
    result.push_back({columns.columns()[c].spec.name, comm.sum(m.count), comm.sum(m.sum), comm.sum(m.squares),
                      comm.min(m.min), comm.max(m.max), comm.sum(m.nan), comm.sum(m.infinite),
                      comm.sum(m.outside), comm.sum(m.far_outside)});
  }
  return result;
}

std::vector<std::string> ColumnStatistics::faults(const std::vector<Moments>& columns) const {
  // Of n draws of the training's kind two a trained galaxy lie outside in the mean: five times that is too often.
  const double often = 1e-3 + 10 / trained_on_;
  std::vector<std::string> faults;
  for (const auto& m : columns) {
    if (m.infinite > 0)
      faults.push_back(fmt::format("painted: {}: {:.0f} values are infinite in single precision", m.name, m.infinite));
    const auto found = ranges_.find(m.name);
    if (found == ranges_.end() || (m.far_outside == 0 && m.outside <= often * m.count)) continue;
    const auto& range = found->second;
    faults.push_back(fmt::format(
        "painted: {}: {:.0f} of {:.0f} values lie outside of {:.4g} to {:.4g}, the range in training, {:.0f} of them "
        "by more than its width; painted are {:.4g} to {:.4g}",
        m.name, m.outside, m.count, range.least, range.greatest, m.far_outside, m.min, m.max));
  }
  return faults;
}

double write_summary(const std::string& path, const RunFacts& facts, const StageTimes& times,
                     const std::vector<ColumnStatistics::Moments>& columns,
                     const ColumnStatistics::Ranges& ranges, const Said& said,
                     const mpi::Communicator& comm) {
  nlohmann::ordered_json object = {
      {"halobrush", version()},
      {"galaxies", facts.galaxies},
      {"halos_left_out",
       {{"min_particles", facts.left_out.few_particles},
        {"min_mass", facts.left_out.light},
        {"min_vmax", facts.left_out.slow}}},
      {"ranks", comm.size()},
      {"tiles", {{"total", facts.tiles}, {"painted", facts.painted_tiles}, {"reused", facts.reused_tiles}}},
      {"ghost_fraction", facts.painted_galaxies > 0
                             ? static_cast<double>(facts.ghosts) / static_cast<double>(facts.painted_galaxies)
                             : 0.0},
      {"galaxies_per_second",
       facts.paint_seconds > 0 ? static_cast<double>(facts.painted_galaxies) / facts.paint_seconds : 0.0},
      {"peak_memory_bytes", comm.max(static_cast<std::uint64_t>(peak_memory_bytes()))},
      {"warnings", said.warnings},
      {"remarks", said.remarks}};
  if (!said.inputs.inputs.empty()) object["inputs"] = to_json(said.inputs);
  for (const auto& [stage, seconds] : times.stages())
    object["stages"][stage] = {
        {"min", comm.min(seconds)}, {"mean", comm.sum(seconds) / comm.size()}, {"max", comm.max(seconds)}};
  object["busy_seconds"] = {{"min", comm.min(facts.busy_seconds)},
                          {"mean", comm.sum(facts.busy_seconds) / comm.size()},
                          {"max", comm.max(facts.busy_seconds)}};
  double out_of_distribution = 0;
  for (const auto& m : columns) {
    object["columns"][m.name] = to_json(m);
    if (const auto range = ranges.find(m.name); range != ranges.end())
      object["columns"][m.name]["trained"] = to_json(m, range->second);
    if (m.name == "out_of_distribution" && m.count > 0) out_of_distribution = m.sum / m.count;
  }
  mpi::agree(comm, [&] {
    if (comm.root()) write_durably(path, object.dump(2) + "\n");
  });
  return out_of_distribution;
}

}  // namespace halobrush::paint
