#include "mocks.hpp"

#include <algorithm>
#include <cmath>

#include "halobrush/core/error.hpp"
#include "halobrush/core/timer.hpp"
#include "halobrush/mpi/agree.hpp"
#include "halobrush/mpi/stop.hpp"
#include "halobrush/paint/rows.hpp"
#include "halobrush/pipeline/pipeline.hpp"
#include "halobrush/validate/pairs.hpp"

namespace halobrush::calibrate {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;
using validate::Statistic;

config::Config of_seed(config::Config config, std::size_t k) {
  config.seed += static_cast<std::int64_t>(k);
  return config;
}

config::Config first_only(config::Config config) {
  config.painter.axes.clear();
  return config;
}

const Statistic& named(const std::vector<Statistic>& all, const std::string& name, const std::string& selection) {
  return *std::ranges::find_if(all, [&](const auto& s) { return s.name == name && s.selection == selection; });
}

// The measurement as if it had been made without sub-box k.
Statistic without(const Statistic& s, std::size_t k) {
  Statistic one = s;
  one.value = s.leave_one_out[k];
  return one;
}

}  // namespace

std::vector<std::string> Goals::statistics(const std::string& selection) const {
  std::vector<std::string> names;
  const auto add = [&](const std::string& name) {
    if (std::ranges::count(names, name) == 0) names.push_back(name);
  };
  for (const auto& target : targets) {
    const auto colon = target.statistic.find(':');
    if ((colon == std::string::npos ? "all" : target.statistic.substr(colon + 1)) == selection)
      add(target.statistic.substr(0, colon));
  }
  for (const auto& one : wanted)
    if (one.selection == selection) add("wgplus"), add("wgg");
  return names;
}

Index Goals::in_targets() const {
  Index n = 0;
  for (const auto& target : targets) n += static_cast<Index>(target.bins.size());
  return n;
}

VectorXd Goals::data() const {
  VectorXd all(size());
  Index i = 0;
  for (const auto& target : targets)
    for (const double value : target.value) all[i++] = value;
  for (const auto& one : wanted) all[i++] = one.a_1;
  return all;
}

VectorXd Goals::errors() const {
  VectorXd all = VectorXd::Zero(size());
  Index i = 0;
  for (const auto& target : targets)
    for (const double error : target.error) all[i++] = error;
  return all;
}

Mocks::Mocks(const config::Config& config, catalog::HaloCatalog halos, const Goals& goals, const validate::NlaModel& model,
             const mpi::Communicator& comm, Logger& log)
    : config_(config), goals_(goals), model_(model), comm_(comm), simulation_(halos.simulation) {
  halo_columns_ = halos.halos.empty_like();
  chain_ = mpi::agree(comm, [&] { return model::make_painter(config, halo_columns_, simulation_); });
  columns_ = paint::mock_columns(halo_columns_, *chain_);
  const auto distribution = pipeline::distribute(config, halos, chain_->needs(), comm);
  pipeline::for_each_patch(config, distribution, comm, [&](domain::Patch patch) { patches_.push_back(std::move(patch)); });
  for (std::int64_t k = 0; k < config.calibrate.seeds; ++k) {
    mpi::stop_if_asked(comm, "any strength was fitted");
    const Timer timer;
    seeds_.push_back(mpi::agree(comm, [&] {
      Seed seed{model::make_painter(first_only(of_seed(config, static_cast<std::size_t>(k))), halo_columns_, simulation_), {}};
      for (const auto& patch : patches_) {
        seed.galaxies.push_back(model::paint_first(*seed.first, pipeline::inputs_of(patch, seed.first->needs())));
        seed.galaxies.back().frame = {};
      }
      return seed;
    }));
    log.info("calibrate: galaxies of seed {} are painted, up to their axes ({})", config.seed + k,
             human_duration(timer.seconds()));
    if (k == 0) measure(config.shapes, true);  // too few galaxies are an error now, not after all seeds
  }
}

// As in a mock of this seed.
catalog::Table Mocks::rows(std::size_t seed, const config::Shapes& law) const {
  auto config = of_seed(config_, seed);
  config.shapes = law;
  const auto& [first, galaxies] = seeds_[seed];
  const auto axes = model::make_axes_painter(config, *first, halo_columns_, simulation_);
  catalog::Table rows = columns_.empty_like();
  for (std::size_t i = 0; i < patches_.size(); ++i) {
    auto painted = galaxies[i];
    axes->paint(pipeline::inputs_of(patches_[i], axes->needs()), painted);
    rows.append(paint::rows_of(patches_[i], painted, *chain_));
  }
  return rows;
}

std::vector<Statistic> Mocks::statistics(const validate::Galaxies& galaxies, bool with_sub_boxes) const {
  auto how = config_.stats;
  const auto samples = mpi::agree(comm_, [&] { return validate::sub_samples(how, galaxies.table); });
  std::vector<Statistic> all;
  for (const auto& [selection, asked] : samples) {
    const auto names = goals_.statistics(selection.name());
    if (names.empty()) continue;
    const auto rows = selection.rows(galaxies.table);
    const auto total = comm_.sum(static_cast<std::uint64_t>(rows.size()));
    const bool amplitude = std::ranges::count(goals_.wanted, selection.name(), &Wanted::selection) > 0;
    how.jackknife = with_sub_boxes || amplitude ? config_.stats.jackknife : 0;
    try {
      if (total < 2) throw data_error("pairs need two galaxies at least");
      const auto some = validate::pair_statistics(galaxies, rows, selection, how, comm_, names);
      all.insert(all.end(), some.begin(), some.end());
    } catch (const Error& error) {
      throw data_error("{}: stats.selections.{}: '{}' takes {} galaxies: {}", galaxies.path, selection.name(),
                       selection.text(), total, error.what());
    }
  }
  return all;
}

// By what validation demands of a vector's bins.
void Mocks::check(const std::vector<Statistic>& statistics) const {
  validate::Measurement mock;
  mock.path = config_.input.path.brief(), mock.statistics = statistics;
  for (const auto& target : goals_.targets) validate::compare(target, mock);
}

VectorXd Mocks::values(const std::vector<Statistic>& statistics) const {
  VectorXd all(goals_.size());
  Index i = 0;
  for (const auto& target : goals_.targets) {
    const auto& s = *std::ranges::find(statistics, target.statistic, &Statistic::full_name);
    for (const auto bin : target.bins) all[i++] = s.value[bin];
  }
  for (const auto& one : goals_.wanted) {
    all[i] = fit_nla(named(statistics, "wgplus", one.selection), named(statistics, "wgg", one.selection), model_).amplitude;
    if (!std::isfinite(all[i++]))
      throw data_error(
          "calibrate.a_1.{}: A_1 cannot be fitted (too few galaxies in some bin of r_p, or too few sub-boxes for so many "
          "bins); set validate.nla_r, stats.rp or stats.jackknife, or take a larger sub-sample",
          one.selection);
  }
  return all;
}

Measured Mocks::measure(const config::Shapes& law, bool with_sub_boxes) const {
  Measured out{MatrixXd(goals_.size(), static_cast<Index>(seeds_.size())), {}};
  for (std::size_t k = 0; k < seeds_.size(); ++k) {
    mpi::stop_if_asked(comm_, "the strengths were found");
    validate::Galaxies galaxies{config_.input.path.brief(), simulation_, mpi::agree(comm_, [&] { return rows(k, law); })};
    galaxies.total = comm_.sum(static_cast<std::uint64_t>(galaxies.table.rows()));
    add_derived_columns(galaxies);
    const auto all = statistics(galaxies, with_sub_boxes);
    mpi::agree(comm_, [&] {
      if (with_sub_boxes) check(all);
      out.value.col(static_cast<Index>(k)) = values(all);
      if (!with_sub_boxes) return;
      const auto regions = all.front().leave_one_out.size();
      MatrixXd left_out(goals_.size(), static_cast<Index>(regions));
      for (std::size_t region = 0; region < regions; ++region) {
        std::vector<Statistic> some;
        for (const auto& s : all) some.push_back(without(s, region));
        left_out.col(static_cast<Index>(region)) = values(some);
      }
      out.left_out.push_back(std::move(left_out));
    });
  }
  return out;
}

}  // namespace halobrush::calibrate
