#include "halobrush/calibrate/calibrate.hpp"

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "halobrush/catalog/reader.hpp"
#include "halobrush/core/error.hpp"
#include "halobrush/core/files.hpp"
#include "halobrush/core/text.hpp"
#include "halobrush/core/timer.hpp"
#include "halobrush/mpi/agree.hpp"
#include "halobrush/mpi/stop.hpp"
#include "halobrush/paint/rows.hpp"
#include "halobrush/pipeline/origin.hpp"
#include "halobrush/pipeline/pipeline.hpp"
#include "halobrush/pipeline/sizes.hpp"
#include "halobrush/stats/statistics.hpp"
#include "halobrush/validate/jackknife.hpp"
#include "halobrush/validate/nla.hpp"
#include "halobrush/validate/pairs.hpp"
#include "mocks.hpp"
#include "report.hpp"
#include "strengths.hpp"

namespace halobrush::calibrate {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

// ---- Before any work ----

double number(const std::string& key, const std::string& text) {
  std::size_t read = 0;
  double value = std::numeric_limits<double>::quiet_NaN();
  try {
    value = std::stod(text, &read);
  } catch (const std::exception&) {
  }
  if (read != text.size() || !std::isfinite(value))
    throw config_error("{}: '{}' is no finite number; give the A_1 that is wanted", key, printable(text));
  return value;
}

Goals goals_of(const config::Config& config, std::size_t strengths) {
  Goals goals;
  for (const auto& [statistic, file] : config.validate.targets) {
    const auto base = statistic.substr(0, statistic.find(':'));
    if (base == "xi" || base == "wgg")
      throw config_error("validate.targets.{}: no strength changes where galaxies are; leave it out of a calibration", statistic);
    goals.targets.push_back(validate::read_target(statistic, file, config.stats, config.validate.target_r));
  }
  for (const auto& [selection, text] : config.calibrate.a_1)
    goals.wanted.push_back({selection, number("calibrate.a_1." + selection, text)});
  if (goals.size() == 0)
    throw config_error("calibrate: there is nothing to fit to; give vectors (validate.targets) or amplitudes (calibrate.a_1)");
  if (static_cast<std::size_t>(goals.size()) < strengths)
    throw config_error("calibrate.strengths: {} strengths, but only {} numbers to fit them to; fit fewer", strengths, goals.size());
  if (config.stats.jackknife < 2)
    throw config_error("stats.jackknife: is {}: without sub-boxes there are no errors; set 2 or more", config.stats.jackknife);
  return goals;
}

// With every strength at work, so that what it needs is asked for.
config::Config with_all_at_work(config::Config config, const std::vector<Parameter>& parameters) {
  const VectorXd ones = VectorXd::Ones(static_cast<Index>(parameters.size()));
  config.shapes = with(config.shapes, parameters, ones);
  return config;
}

// By the header alone.
void check_against_catalog(const config::Config& config, const std::vector<Parameter>& parameters, const Goals& goals) {
  const auto header = catalog::read_header(config.input.path.each, pipeline::read_options(config));
  const auto halos = paint::expected_columns(header, config);
  const auto painter = model::make_painter(with_all_at_work(config, parameters), halos, header.simulation);
  validate::Galaxies galaxies{config.input.path.brief(), header.simulation, paint::mock_columns(halos, *painter)};
  add_derived_columns(galaxies);
  check_bins(config.stats, galaxies);
  const auto samples = validate::sub_samples(config.stats, galaxies.table);
  for (const auto& target : goals.targets)
    if (const auto colon = target.statistic.find(':'); colon != std::string::npos)
      validate::check_sub_sample("validate.targets." + target.statistic, target.statistic.substr(colon + 1), samples);
  for (const auto& one : goals.wanted) validate::check_sub_sample("calibrate.a_1." + one.selection, one.selection, samples);
}

void make_folder(const std::string& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) throw io_error("calibrate.path: {}: cannot be made ({}); choose another", folder, error.message());
}

catalog::HaloCatalog load(const config::Config& config, const std::vector<Parameter>& parameters,
                          const mpi::Communicator& comm, Logger& log) {
  StageTimes times;
  auto halos = pipeline::load_halos(config, comm, times, log);
  pipeline::complete_cosmology(halos.simulation, config.cosmology);
  const auto at_work = with_all_at_work(config, parameters);
  const auto painter = mpi::agree(comm, [&] { return model::make_painter(at_work, halos.halos, halos.simulation); });
  pipeline::compare_with_training(painter->models(), halos, config, comm, log);
  for (const auto& warning : pipeline::warnings_on_shapes(at_work, halos.simulation)) log.warn("{}", warning);
  return halos;
}

// ---- Mocks against goals ----

// Galaxies without alignment have a mean of zero by symmetry. Those of the same random numbers share the noise of ours, so
// that the difference has little; where axes are drawn to something they share less of it, and are left out.
struct Baseline {
  MatrixXd value;  // [n,seeds]
  std::vector<MatrixXd> left_out;
};

Baseline baseline_of(const Mocks& mocks, const config::Config& config) {
  if (!isotropic(config)) return {};
  auto none = config.shapes;
  none.nla = none.torque = 0;
  auto measured = mocks.measure(none, true);
  return {std::move(measured.value), std::move(measured.left_out)};
}

VectorXd mean_of(const MatrixXd& values, const Baseline& baseline) {
  return baseline.left_out.empty() ? VectorXd(values.rowwise().mean()) : VectorXd((values - baseline.value).rowwise().mean());
}

MatrixXd mean_of(const std::vector<MatrixXd>& all) {
  MatrixXd sum = MatrixXd::Zero(all.front().rows(), all.front().cols());
  for (const auto& one : all) sum += one;
  return sum / static_cast<double>(all.size());
}

// Of one mock, mean of the seeds.
MatrixXd jackknife_of_one(const std::vector<MatrixXd>& left_out) {
  std::vector<MatrixXd> all;
  for (const auto& one : left_out) all.push_back(validate::jackknife_covariance(one));
  return mean_of(all);
}

// Of our mean: the jackknife of the mean knows what halos in such a volume have by chance; the scatter of the seeds does not,
// and is right where the goals are of these very halos, as wanted amplitudes are.
MatrixXd covariance_of_mean(const Measured& measured, const Baseline& baseline, Index in_targets, bool same_halos) {
  const auto n = measured.value.rows();
  auto left_out = mean_of(measured.left_out);
  MatrixXd values = measured.value;
  if (!baseline.left_out.empty()) left_out -= mean_of(baseline.left_out), values -= baseline.value;
  const MatrixXd centred = values.colwise() - values.rowwise().mean();
  const auto seeds = static_cast<double>(values.cols());
  const MatrixXd of_seeds = centred * centred.transpose() / (seeds * (seeds - 1));
  if (same_halos) return of_seeds;
  MatrixXd all = MatrixXd::Zero(n, n);
  all.topLeftCorner(in_targets, in_targets) = validate::jackknife_covariance(left_out).topLeftCorner(in_targets, in_targets);
  const auto rest = n - in_targets;
  all.bottomRightCorner(rest, rest) = of_seeds.bottomRightCorner(rest, rest);
  return all;
}

// Files give errors bin by bin; bins are correlated as those of a mock.
MatrixXd covariance_of_targets(const VectorXd& errors, const MatrixXd& of_one_mock) {
  const VectorXd scale = errors.cwiseQuotient(of_one_mock.diagonal().cwiseSqrt());
  return scale.asDiagonal() * of_one_mock * scale.asDiagonal();
}

Result found(const config::Config& config, const std::vector<Parameter>& parameters, const Goals& goals, const Mocks& mocks,
             Logger& log) {
  const auto baseline = baseline_of(mocks, config);
  const auto at_start = mocks.measure(config.shapes, true);
  const VectorXd data = goals.data(), target_error = goals.errors();
  const auto seeds = static_cast<double>(config.calibrate.seeds);
  // Weights, the same throughout; wanted amplitudes have no error of their own.
  const VectorXd error = (target_error.cwiseAbs2() + jackknife_of_one(at_start.left_out).diagonal() / seeds).cwiseSqrt();
  int trials = 0;
  const Predict predict = [&](const VectorXd& strengths) {
    const auto law = with(config.shapes, parameters, strengths);
    VectorXd mean = mean_of(mocks.measure(law, false).value, baseline);
    std::string text;
    for (std::size_t k = 0; k < parameters.size(); ++k)
      text += fmt::format("{}{} = {:.4g}", k == 0 ? "" : ", ", parameters[k].name, strengths[static_cast<Index>(k)]);
    log.info("calibrate: trial {}: {}: chi2 {:.4g}", ++trials, text, (data - mean).cwiseQuotient(error).squaredNorm());
    return mean;
  };
  Result result{parameters, goals, fit(parameters, data, error, predict), {}, mean_of(at_start.value, baseline), {},
                !baseline.left_out.empty()};
  const auto best = mocks.measure(with(config.shapes, parameters, result.fit.strengths), true);
  const MatrixXd ours = covariance_of_mean(best, baseline, goals.in_targets(), config.calibrate.same_halos),
                 theirs = covariance_of_targets(target_error, jackknife_of_one(best.left_out));
  result.error = ours.diagonal().cwiseSqrt();
  result.judgement = judge(result.fit, data, error, ours + theirs);
  return result;
}

}  // namespace

void run(const config::Config& config, const mpi::Communicator& comm, Logger& log) {
  const auto parameters = mpi::agree(comm, [&] {
    if (config.painter.axes != "law")
      throw config_error("painter.axes: is '{}', and what is calibrated is the law of section shapes; set painter.axes: law",
                         config.painter.axes);
    pipeline::check_input(config);
    return parameters_of(config);
  });
  const auto goals = mpi::agree(comm, [&] { return goals_of(config, parameters.size()); });
  mpi::agree(comm, [&] {
    if (comm.root()) check_against_catalog(config, parameters, goals);
  });
  mpi::stop_if_asked(comm, "the halos are read");
  const auto halos = load(config, parameters, comm, log);
  mpi::agree(comm, [&] {
    if (comm.root()) make_folder(config.calibrate.path);
  });
  validate::NlaModel model;
  if (!goals.wanted.empty()) {
    const auto& rp = config.stats.rp;
    model = validate::nla_model(stats::LogBins{rp.min, rp.max, static_cast<int>(rp.bins)}.edges(), config.stats.pi_max,
                                halos.simulation, config, config.calibrate.path, comm);
  }
  const Mocks mocks(config, halos, goals, model, comm, log);
  const auto result = found(config, parameters, goals, mocks, log);
  say(result, log);
  mpi::agree(comm, [&] {
    if (comm.root()) write(config.calibrate.path, result, config, log);
  });
}

}  // namespace halobrush::calibrate
