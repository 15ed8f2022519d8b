#include "summary.hpp"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>

#include "halobrush/core/error.hpp"
#include "halobrush/core/version.hpp"
#include "halobrush/mpi/agree.hpp"

namespace halobrush::paint {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

ColumnStatistics::Moments moments_of(const catalog::Column& column) {
  ColumnStatistics::Moments m{column.spec.name, 0, 0, 0, infinity, -infinity, 0};
  std::visit(
      [&](const auto& values) {
        for (const auto v : values) {
          const auto x = static_cast<double>(v);
          if (std::isnan(x)) {
            m.nan += 1;
            continue;
          }
          m.count += 1, m.sum += x, m.squares += x * x;
          m.min = std::min(m.min, x), m.max = std::max(m.max, x);
        }
      },
      column.data);
  return m;
}

nlohmann::ordered_json to_json(const ColumnStatistics::Moments& m) {
  if (m.count == 0)
    return {{"min", nullptr}, {"max", nullptr}, {"mean", nullptr}, {"std", nullptr}, {"nan", m.nan}};
  const double mean = m.sum / m.count;
  return {{"min", m.min},
          {"max", m.max},
          {"mean", mean},
          {"std", std::sqrt(std::max(0.0, m.squares / m.count - mean * mean))},
          {"nan", m.nan}};
}

void write_json(const std::string& path, const nlohmann::ordered_json& json) {
  {
    std::ofstream file(path + ".partial");
    file << json.dump(2) << '\n';
    file.flush();
    if (!file)
      throw io_error("{}: cannot be written (no permission, or disk full); choose another output.path", path);
  }
  std::filesystem::rename(path + ".partial", path);
}

}  // namespace

void ColumnStatistics::add(const catalog::Table& rows) {
  for (std::size_t c = 0; c < rows.columns().size(); ++c) {
    const auto m = moments_of(rows.columns()[c]);
    if (moments_.size() <= c) {
      moments_.push_back(m);
      continue;
    }
    auto& sum = moments_[c];
    sum.count += m.count, sum.sum += m.sum, sum.squares += m.squares, sum.nan += m.nan;
    sum.min = std::min(sum.min, m.min), sum.max = std::max(sum.max, m.max);
  }
}

std::vector<ColumnStatistics::Moments> ColumnStatistics::reduced(const catalog::Table& columns,
                                                                 const mpi::Communicator& comm) const {
  std::vector<Moments> result;
  for (std::size_t c = 0; c < columns.columns().size(); ++c) {
    Moments m = c < moments_.size() ? moments_[c] : Moments{"", 0, 0, 0, infinity, -infinity, 0};
    result.push_back({columns.columns()[c].spec.name, comm.sum(m.count), comm.sum(m.sum), comm.sum(m.squares),
                      comm.min(m.min), comm.max(m.max), comm.sum(m.nan)});
  }
  return result;
}

double write_summary(const std::string& path, const RunFacts& facts, const StageTimes& times,
                     const ColumnStatistics& statistics, const catalog::Table& columns,
                     const mpi::Communicator& comm) {
  nlohmann::ordered_json json = {
      {"halobrush", version()},
      {"galaxies", facts.galaxies},
      {"ranks", comm.size()},
      {"tiles", {{"total", facts.tiles}, {"painted", facts.painted_tiles}, {"reused", facts.reused_tiles}}},
      {"ghost_fraction", facts.painted_galaxies > 0
                             ? static_cast<double>(facts.ghosts) / static_cast<double>(facts.painted_galaxies)
                             : 0.0},
      {"galaxies_per_second",
       facts.paint_seconds > 0 ? static_cast<double>(facts.painted_galaxies) / facts.paint_seconds : 0.0},
      {"peak_memory_bytes", comm.max(static_cast<std::uint64_t>(peak_memory_bytes()))}};
  for (const auto& [stage, seconds] : times.stages())
    json["stages"][stage] = {
        {"min", comm.min(seconds)}, {"mean", comm.sum(seconds) / comm.size()}, {"max", comm.max(seconds)}};
  double out_of_distribution = 0;
  for (const auto& m : statistics.reduced(columns, comm)) {
    json["columns"][m.name] = to_json(m);
    if (m.name == "out_of_distribution" && m.count > 0) out_of_distribution = m.sum / m.count;
  }
  mpi::agree(comm, [&] {
    if (comm.root()) write_json(path, json);
  });
  return out_of_distribution;
}

}  // namespace halobrush::paint
