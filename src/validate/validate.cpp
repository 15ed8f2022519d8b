#include "halobrush/validate/validate.hpp"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "directions.hpp"
#include "distributions.hpp"
#include "draws.hpp"
#include "facts.hpp"
#include "halobrush/config/requirements.hpp"
#include "halobrush/core/files.hpp"
#include "halobrush/core/timer.hpp"
#include "halobrush/core/tool.hpp"
#include "halobrush/mpi/agree.hpp"
#include "halobrush/mpi/stop.hpp"
#include "halobrush/validate/galaxies.hpp"
#include "halobrush/validate/lensing.hpp"
#include "halobrush/validate/nla.hpp"
#include "halobrush/validate/pairs.hpp"
#include "halobrush/validate/requirements.hpp"
#include "halobrush/validate/samples.hpp"
#include "misalignment.hpp"
#include "report.hpp"

namespace halobrush::validate {
namespace {

// All that a measurement needs beside the catalog itself.
struct Context {
  const config::Config& config;
  const mpi::Communicator& comm;
  Logger& log;
  std::vector<std::string>& remarks;

  void remark(std::string text) const {
    log.warn("{}", text);
    remarks.push_back(std::move(text));
  }
};

// Pairs that straddle two sub-boxes are taken from both (docs/statistics.md has what that does to errors).
void remark_on_sub_boxes(const config::Stats& stats, const Galaxies& galaxies, const Context& context) {
  if (stats.jackknife < 2) return;
  const double side = galaxies.box().side.minCoeff() / static_cast<double>(stats.jackknife);
  const double reach = std::max(stats.r.max, stats.rp.max);
  if (reach > side / 2 || stats.pi_max > side)
    context.remark(
        fmt::format("{}: sub-boxes of the jackknife are {:.4g} Mpc/h wide: errors beyond {:.4g} Mpc/h are "
                    "too large, those "
                    "of wgg and xi by several times{}; a smaller stats.jackknife has wider ones",
                    galaxies.path, side, side / 2,
                    stats.pi_max > side ? " (stats.pi_max is wider than a sub-box too)" : ""));
}

void remark_on_unknown_makers(std::span<const Galaxies> draws, const Context& context) {
  const auto unknown_maker = std::ranges::find_if(draws, &catalog::Identity::empty, &Galaxies::identity);
  if (draws.size() > 1 && unknown_maker != draws.end())
    context.remark(fmt::format("{}: does not say how it was made: that the draws differ in their seed alone is taken for granted",
                               unknown_maker->path));
}

std::vector<Distribution> distributions_of(const Galaxies& galaxies, const std::vector<SubSample>& samples,
                                           const std::vector<const Galaxies*>& catalogs,
                                           const Context& context) {
  std::vector<Distribution> all;
  for (const auto& column : label_columns(galaxies.table)) {
    const auto edges = common_edges(column, catalogs, context.comm);
    for (const auto& sample : samples) {
      auto d = distribution_of(galaxies, column, sample.selection.rows(galaxies.table), edges, context.comm);
      d.selection = sample.selection.name();
      all.push_back(std::move(d));
    }
  }
  return all;
}

std::vector<Statistic> statistics_of(const Galaxies& galaxies, const std::vector<SubSample>& samples,
                                     const Context& context) {
  std::vector<Statistic> all;
  Progress progress(context.log, fmt::format("validate: {}: statistics of pairs, sub-samples", galaxies.path), static_cast<double>(samples.size()),
                    context.config.log.interval);
  std::size_t done = 0;
  for (const auto& [selection, asked] : samples) {
    mpi::stop_if_asked(context.comm, fmt::format("{}: sub-sample {} was measured", galaxies.path, selection.name()));
    try {
      const auto rows = selection.rows(galaxies.table);
      const auto total = context.comm.sum(static_cast<std::uint64_t>(rows.size()));
      if (total < 2)
        throw data_error(
            "{}: stats.selections.{}: '{}' takes {} galaxies; statistics of pairs need two at least",
            galaxies.path, selection.name(), selection.text(), total);
      const auto some = pair_statistics(galaxies, rows, selection, context.config.stats, context.comm);
      all.insert(all.end(), some.begin(), some.end());
    } catch (const Error& error) {
      if (asked) throw;
      context.remark(fmt::format("{}: sub-sample {} is not measured: {}", galaxies.path, selection.name(),
                                 error.what()));
    }
    progress.update(static_cast<double>(++done));
  }
  return all;
}

// The angles that the catalog's columns allow, of every sub-sample that has some of them.
void add_misalignments(const Galaxies& galaxies, const std::vector<SubSample>& samples,
                       const std::optional<Environment>& environment, Measurement& out,
                       const Context& context) {
  std::vector<std::string> missing;
  const auto angles = angles_of(galaxies, environment, missing, context.comm);
  if (!missing.empty())
    context.remark(fmt::format("{}: angles of galaxies to what {} would tell are not measured: no such columns",
                               galaxies.path, fmt::join(missing, ", ")));
  const SubBoxes sub_boxes(galaxies, context.config.stats.jackknife);
  for (const auto& angle : angles)
    for (const auto& [selection, asked] : samples) {
      auto one = misalignment_of(angle, selection.rows(galaxies.table), selection, sub_boxes, context.comm);
      if (one.galaxies > 0) out.misalignments.push_back(std::move(one));
    }
}

std::optional<Environment> environment_where_possible(const Galaxies& galaxies, const Context& context) {
  if (!galaxies.table.has("halo_mass")) return std::nullopt;
  return environment_of(galaxies, context.config.field, context.comm);
}

// What is measured of each catalog by itself.
Measurement measure(const Galaxies& galaxies, const std::vector<SubSample>& samples,
                    const std::vector<const Galaxies*>& catalogs,
                    const std::optional<Environment>& environment, const Context& context) {
  mpi::stop_if_asked(context.comm, galaxies.path + " was measured");
  const Timer timer;
  const auto& s = galaxies.simulation;
  Measurement m;
  m.path = galaxies.path, m.box = s.box, m.scale_factor = s.scale_factor, m.galaxies = galaxies.total;
  if (s.omega_m > 0) m.omega_m = s.omega_m, m.h = s.h;
  m.facts = facts_of(galaxies, context.comm);
  for (const auto& column : galaxies.table.columns())
    m.columns[column.spec.name] = moments_of(galaxies.known(column.spec.name), context.comm);
  m.distributions = distributions_of(galaxies, samples, catalogs, context);
  add_misalignments(galaxies, samples, environment, m, context);
  m.statistics = statistics_of(galaxies, samples, context);
  context.log.info("validate: {}: {} statistics of pairs ({})", galaxies.path, m.statistics.size(), human_duration(timer.seconds()));
  return m;
}

// What a person gave to compare the mock with, read before anything is measured.
struct Published {
  std::vector<Target> targets;
  std::map<std::string, std::vector<double>> ellipticities;  ///< by sub-sample
};

Published read_published(const config::Config& config) {
  const auto& how = config.validate;
  Published published;
  for (const auto& [statistic, file] : how.targets)
    published.targets.push_back(read_target(statistic, file, config.stats, how.target_r));
  for (const auto& [selection, file] : how.ellipticities)
    published.ellipticities[selection] =
        read_ellipticities("validate.ellipticities." + selection, file, how.ellipticity_definition);
  return published;
}

void check_published(const config::Validate& how, const Galaxies& galaxies, const std::vector<SubSample>& samples) {
  for (const auto& [statistic, file] : how.targets)
    if (const auto colon = statistic.find(':'); colon != std::string::npos)
      check_sub_sample("validate.targets." + statistic, statistic.substr(colon + 1), samples);
  for (const auto& [selection, file] : how.ellipticities) {
    check_sub_sample("validate.ellipticities." + selection, selection, samples);
    if (!galaxies.table.has("ellipticity"))
      throw data_error("validate.ellipticities.{}: {} has no ellipticities; leave it out", selection, galaxies.path);
  }
}

// Of the galaxies of all draws whose orientation is known.
EllipticityComparison compare_ellipticities(std::span<const Galaxies> draws, const Selection& selection, const std::string& file,
                                            const std::vector<double>& listed, const mpi::Communicator& comm) {
  constexpr double fewest = 50;
  std::vector<double> e;
  for (const auto& galaxies : draws) {
    const auto some = galaxies.known("ellipticity", galaxies.oriented(selection.rows(galaxies.table)));
    e.insert(e.end(), some.begin(), some.end());
  }
  EllipticityComparison c{selection.name(), file, unknown, unknown, comm.sum(static_cast<double>(e.size())),
                          static_cast<double>(listed.size())};
  if (c.galaxies < fewest)
    throw data_error("validate.ellipticities.{}: {} has {:.0f} such galaxies with shapes, a distribution needs {:.0f}; leave it out",
                     selection.name(), draws.front().path, c.galaxies, fewest);
  c.ks = ks_distance(e, comm.root() ? listed : std::vector<double>{}, comm);
  c.ks_chance = ks_allowance(c.galaxies, c.listed);
  return c;
}

void compare_with_published(const Published& published, std::span<const Galaxies> draws, const std::vector<SubSample>& samples,
                            Measurement& mock, const Context& context) {
  for (const auto& target : published.targets)
    mock.targets.push_back(mpi::agree(context.comm, [&] { return compare(target, mock); }));
  for (const auto& [name, listed] : published.ellipticities)
    for (const auto& sample : samples)
      if (sample.selection.name() == name)
        mock.ellipticities.push_back(compare_ellipticities(
            draws, sample.selection, context.config.validate.ellipticities.at(name), listed, context.comm));
}

void add_nla(const Galaxies& galaxies, const std::string& out, Measurement& measurement, const Context& context) {
  if (!context.config.validate.nla) return;
  try {
    measurement.nla = measure_nla(measurement.statistics, galaxies.simulation, context.config, out, context.comm);
  } catch (const Error& error) {
    context.remark(fmt::format("{}: A_1 and the galaxy bias are not measured: {}", galaxies.path, error.what()));
  }
}

bool close(double a, double b, double tolerance) {
  return std::abs(a - b) <= tolerance * std::abs(a);
}

// What a reference of another kind of universe can still be compared in.
bool comparable(const Measurement& mock, const Measurement& reference, const Context& context) {
  constexpr double tolerance = 1e-3;
  const bool same_box =
      std::ranges::equal(mock.box, reference.box, [](double a, double b) { return close(a, b, tolerance); });
  if (!same_box)
    context.remark(
        fmt::format("{}: its box ({:g} x {:g} x {:g} Mpc/h) is not that of the mock: statistics of pairs, "
                    "whose jackknife "
                    "sub-boxes are not the same, are not compared; distributions are",
                    reference.path, reference.box[0], reference.box[1], reference.box[2]));
  for (const auto& [name, a, b] :
       {std::tuple{"Omega_m", mock.omega_m, reference.omega_m}, std::tuple{"h", mock.h, reference.h},
        std::tuple{"scale factor", mock.scale_factor, reference.scale_factor}}) {
    if (std::isnan(a) != std::isnan(b))
      context.remark(fmt::format("{}: {} is not known in both catalogs; it is taken to be the same",
                                 reference.path, name));
    else if (!std::isnan(a) && !close(a, b, tolerance))
      context.remark(
          fmt::format("{}: {} is {:g}, in the mock {:g}: differences may be those of the cosmology",
                      reference.path, name, b, a));
  }
  return same_box;
}

std::vector<Comparison> comparisons(const Measurement& mock, const Measurement& reference) {
  constexpr config::Interval everything = {0, std::numeric_limits<double>::infinity()};
  std::vector<Comparison> all;
  for (const auto& s : mock.statistics) {
    const auto other = std::ranges::find(reference.statistics, s.full_name(), &Statistic::full_name);
    if (other != reference.statistics.end()) all.push_back(compare(s, &*other, everything));
  }
  return all;
}

std::vector<MisalignmentComparison> misalignment_comparisons(const Measurement& mock,
                                                             const Measurement& reference,
                                                             bool same_sub_boxes) {
  std::vector<MisalignmentComparison> all;
  for (const auto& m : mock.misalignments) {
    const auto other =
        std::ranges::find(reference.misalignments, m.full_name(), &Misalignment::full_name);
    if (other == reference.misalignments.end()) continue;
    all.push_back(compare(m, *other));
    if (!same_sub_boxes) all.back().error = all.back().p_value = unknown;
  }
  return all;
}

std::vector<Against> against(const std::vector<Reference>& references) {
  std::vector<Against> all;
  for (const auto& r : references)
    all.push_back({r.measurement.path, r.comparable, r.measurement.statistics, r.measurement.misalignments,
                   r.ks, r.two_sample_accuracy});
  return all;
}

// By the Python package, which draws the figures; the numbers stand without it.
void write_page(const std::string& out, const config::Validate& how, Logger& log) {
  std::vector<std::string> arguments = {out};
  if (!how.figures) arguments.emplace_back("--no-figures");
  if (how.figures) log.info("validate: drawing figures");
  std::filesystem::remove(out + "/index.html");  // of other numbers
  try {
    run_tool(find_tool("validation_page", how.python), arguments, out + "/page.log");
    std::ifstream said(out + "/page.log");
    for (std::string line; std::getline(said, line);)
      if (line.starts_with("no figures: ")) log.warn("{}", line);
  } catch (const std::exception& error) {
    log.warn("no page: {}", error.what());
  }
}

void write_report(const std::string& out, const Report& report, const config::Validate& how,
                  const std::string& requirements, Logger& log) {
  write_json(out + "/validation.json", report);
  write_hdf5(out + "/validation.hdf5", report);
  write_durably(out + "/requirements.yaml", requirements);
  write_page(out, how, log);
}

TwoSampleTest better_of(const nlohmann::json& classifiers, std::string galaxies, double n) {
  TwoSampleTest better{std::move(galaxies), 0, unknown, n};
  for (const char* name : {"trees", "mlp"}) {
    const auto& one = classifiers.at(name);
    const auto accuracy = one.at("accuracy").get<double>();
    if (accuracy > better.accuracy) better.accuracy = accuracy, better.error = one.at("error").get<double>();
  }
  return better;
}

// Of all galaxies and in bins of halo mass; nothing, with a remark, where the tool cannot run.
std::vector<TwoSampleTest> two_sample(const std::string& out, const std::string& mock,
                                      const std::string& reference, const config::Validate& how,
                                      std::vector<std::string>& remarks) {
  try {
    const auto result = out + "/two_sample.json";
    run_tool(find_tool("two_sample", how.python), {reference, mock, "--json", result},
             out + "/two_sample.log");
    std::ifstream file(result);
    const auto found = nlohmann::json::parse(file);
    std::vector<TwoSampleTest> tests{better_of(found.at("c2st"), "all", found.at("galaxies").get<double>())};
    for (const auto& bin : found.at("c2st_by_halo_mass")) {
      const auto range = bin.at("log_halo_mass").get<std::array<int, 2>>();
      tests.push_back(better_of(bin, fmt::format("log_halo_mass {}-{}", range[0], range[1]),
                                bin.at("galaxies").get<double>()));
    }
    return tests;
  } catch (const std::exception& error) {
    remarks.push_back(fmt::format("{}: no classifier test: {}", reference, error.what()));
    return {};
  }
}

std::string requirements_text(const std::string& path) {
  if (path.empty()) return config::default_requirements();
  if (path == "lensing") return config::lensing_requirements();
  std::ifstream file(path);
  if (!file)
    throw config_error("validate.requirements: {}: cannot be read; give the path of a YAML file, or lensing", path);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

void make_folder(const std::string& out) {
  std::error_code error;
  std::filesystem::create_directories(out, error);
  if (error) throw io_error("{}: cannot be made ({}); choose another --out", out, error.message());
}

void say_verdict(const Report& report, const std::string& out, Logger& log) {
  for (const auto& r : report.requirements)
    if (!r.pass)
      log.warn("FAIL {}: {:.4g} ({} {:.4g}{})", r.name, r.value, r.sense, r.limit.front(),
               r.limit.size() > 1 ? fmt::format(" to {:.4g}", r.limit.back()) : "");
  const auto failed = std::ranges::count(report.requirements, false, &Requirement::pass);
  const auto page = out + "/index.html";
  log.info("{}: {} of {} requirements hold; {}", report.pass() ? "PASS" : "FAIL",
           report.requirements.size() - static_cast<std::size_t>(failed), report.requirements.size(),
           std::filesystem::exists(page) ? page : out + "/validation.json");
}

// On the root, whose answer all take.
void run_two_sample(const Task& task, const config::Validate& how, Report& report,
                    const mpi::Communicator& comm, Logger& log) {
  if (report.references.empty()) return;
  if (task.mocks.size() > 1)
    report.remarks.push_back(fmt::format("Distances of distributions and the classifier test are those of {} alone.", task.mocks.front()));
  if (!how.two_sample) {
    report.remarks.push_back("No classifier two-sample test: validate.two_sample: true runs it.");
    return;
  }
  for (auto& reference : report.references) {
    log.info("validate: two-sample test against {}", reference.measurement.path);
    if (comm.root())
      reference.two_sample = two_sample(task.out, task.mocks.front(), reference.measurement.path, how, report.remarks);
    double accuracy = reference.two_sample.empty() ? unknown : reference.two_sample.front().accuracy;
    comm.broadcast(std::span(&accuracy, 1));
    if (!std::isnan(accuracy)) reference.two_sample_accuracy = accuracy;
  }
}

std::vector<Galaxies> read_catalogs(const Task& task, const config::Config& config, const mpi::Communicator& comm, Logger& log) {
  std::vector<Galaxies> catalogs;
  for (const auto& paths : {task.mocks, task.references})
    for (const auto& path : paths) {
      catalogs.push_back(read_galaxies(path, config.validate, comm));
      mpi::agree(comm, [&] { check_bins(config.stats, catalogs.back()); });
      log.info("validate: {}: {} galaxies", path, catalogs.back().total);
    }
  check_draws(std::span(catalogs).first(task.mocks.size()), comm);
  return catalogs;
}

// The mean of all draws, and the picture of the first.
Measurement measure_mock(std::span<const Galaxies> draws, const Published& published, const std::vector<const Galaxies*>& catalogs,
                         const std::string& out, Report& report, const Context& context) {
  const auto& comm = context.comm;
  const auto& first = draws.front();
  remark_on_unknown_makers(draws, context);
  remark_on_sub_boxes(context.config.stats, first, context);
  const auto samples = mpi::agree(comm, [&] { return sub_samples(context.config.stats, first.table); });
  mpi::agree(comm, [&] { check_published(context.config.validate, first, samples); });
  const auto environment = environment_where_possible(first, context);
  if (environment) report.slice = slice_of(first, *environment, comm);
  std::vector<Measurement> each;
  for (const auto& draw : draws) each.push_back(measure(draw, samples, catalogs, environment, context));
  auto mock = mean_of_draws(each);
  add_nla(first, out, mock, context);
  compare_with_published(published, draws, samples, mock, context);
  return mock;
}

Reference measure_reference(const Galaxies& galaxies, const Galaxies& mock_galaxies, const Measurement& mock,
                            const std::vector<const Galaxies*>& catalogs, const std::string& out, const Context& context) {
  remark_on_sub_boxes(context.config.stats, galaxies, context);
  const auto samples = mpi::agree(context.comm, [&] { return sub_samples(context.config.stats, galaxies.table); });
  Reference reference;
  reference.measurement = measure(galaxies, samples, catalogs, environment_where_possible(galaxies, context), context);
  add_nla(galaxies, out, reference.measurement, context);
  reference.comparable = comparable(mock, reference.measurement, context);
  if (reference.comparable) reference.comparisons = comparisons(mock, reference.measurement);
  reference.misalignments = misalignment_comparisons(mock, reference.measurement, reference.comparable);
  reference.ks = ks_tests(mock_galaxies, galaxies, context.comm);
  return reference;
}

}  // namespace

ExitCode run(const Task& task, const config::Config& config, const mpi::Communicator& comm, Logger& log) {
  const auto [requirements_yaml, required] = mpi::agree(comm, [&] {
    const auto& path = config.validate.requirements;
    const auto text = requirements_text(path);
    return std::pair(text, config::parse_requirements(text, path.empty() ? "built-in requirements" : path));
  });
  const auto published = mpi::agree(comm, [&] { return read_published(config); });
  mpi::agree(comm, [&] {
    if (comm.root()) make_folder(task.out);
  });

  const auto catalogs = read_catalogs(task, config, comm, log);
  const auto draws = std::span(catalogs).first(task.mocks.size());
  std::vector<const Galaxies*> pointers;
  for (const auto& galaxies : catalogs) pointers.push_back(&galaxies);

  Report report;
  report.mocks = task.mocks;
  report.config = config::to_yaml(config);
  const Context context{config, comm, log, report.remarks};
  report.mock = measure_mock(draws, published, pointers, task.out, report, context);
  for (const auto& galaxies : std::span(catalogs).subspan(draws.size()))
    report.references.push_back(measure_reference(galaxies, draws.front(), report.mock, pointers, task.out, context));
  mpi::stop_if_asked(comm, "the report was written");
  run_two_sample(task, config.validate, report, comm, log);
  report.requirements = judge(required, report.mock, against(report.references));
  mpi::agree(comm, [&] {
    if (comm.root()) write_report(task.out, report, config.validate, requirements_yaml, log);
  });
  say_verdict(report, task.out, log);
  return report.pass() ? ExitCode::done : requirements_failed;
}

}  // namespace halobrush::validate
