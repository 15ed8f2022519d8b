#include "halobrush/likelihood/likelihood.hpp"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>

#include "halobrush/catalog/mock.hpp"
#include "halobrush/core/error.hpp"
#include "halobrush/core/files.hpp"
#include "halobrush/core/signals.hpp"
#include "halobrush/core/version.hpp"
#include "halobrush/model/analytic.hpp"
#include "halobrush/model/model_file.hpp"
#include "halobrush/mpi/agree.hpp"
#include "halobrush/pipeline/join.hpp"
#include "halobrush/pipeline/labelled.hpp"
#include "halobrush/pipeline/origin.hpp"
#include "halobrush/pipeline/pipeline.hpp"

namespace halobrush::likelihood {
namespace {

using pipeline::LabelledPatch;
using pipeline::Split;

constexpr const char* density_column = "log_likelihood";
constexpr const char* orientation_column = "log_orientation_density";

catalog::Table declared_columns(bool analytic) {
  catalog::Table rows;
  rows.add<std::int64_t>({"galaxy_id", "", "id of the (sub)halo that the galaxy lives in"});
  rows.add<std::int64_t>({"halo_id", "", "the same"});
  rows.add<std::int64_t>({"host_halo_id", "", "id of the host halo"});
  rows.add<std::int64_t>({"split", "", "of the model's training: 1 trained on, 2 validation, 3 test"});
  rows.add<double>(
      {density_column, "", "log p(galaxy | environment), nats, labels in the units of their columns"});
  if (analytic)
    rows.add<double>(
        {orientation_column, "", "log p(orientation | environment), nats, against Haar measure"});
  return rows;
}

model::HostSplit split_of(const Request& request) {
  return request.model == "analytic" ? model::HostSplit{} : model::read_model(request.model).spec.split;
}

catalog::Table rows_of(const LabelledPatch& galaxies, const model::Painter& painter) {
  const auto inputs = pipeline::inputs_of(galaxies.patch, painter.needs());
  const auto log_p = painter.log_density(inputs, {galaxies.frame, galaxies.labels, galaxies.known});
  const auto* law = dynamic_cast<const model::AnalyticPainter*>(&painter);
  const auto log_r = law ? law->log_orientation_density(inputs, galaxies.frame) : std::vector<double>();
  auto rows = declared_columns(law != nullptr);
  std::vector<std::size_t> kept;
  for (std::size_t i = 0; i < galaxies.split.size(); ++i)
    if (galaxies.split[i] != Split::none) kept.push_back(i);
  rows.resize(kept.size());
  for (std::size_t k = 0; k < kept.size(); ++k) {
    const std::size_t i = kept[k];
    rows.get<std::int64_t>("galaxy_id")[k] = rows.get<std::int64_t>("halo_id")[k] = inputs.id[i];
    rows.get<std::int64_t>("host_halo_id")[k] = galaxies.host[i];
    rows.get<std::int64_t>("split")[k] = static_cast<std::int64_t>(galaxies.split[i]);
    rows.get<double>(density_column)[k] = log_p[i];
    if (law != nullptr) rows.get<double>(orientation_column)[k] = log_r[i];
  }
  return rows;
}

// Mean, its error and the number of values that are finite, over all galaxies and over each part of the
// split.
nlohmann::ordered_json means(const catalog::Table& rows, const std::string& column,
                             const mpi::Communicator& comm) {
  const std::vector<std::pair<const char*, std::int64_t>> parts = {
      {"all", 0}, {"training", 1}, {"validation", 2}, {"test", 3}};
  nlohmann::ordered_json json;
  const auto values = rows.get<double>(column);
  const auto split = rows.get<std::int64_t>("split");
  for (const auto& [name, part] : parts) {
    double count = 0, sum = 0, squares = 0;
    for (std::size_t i = 0; i < values.size(); ++i)
      if ((part == 0 || split[i] == part) && std::isfinite(values[i]))
        count += 1, sum += values[i], squares += values[i] * values[i];
    count = comm.sum(count), sum = comm.sum(sum), squares = comm.sum(squares);
    if (count == 0) continue;
    const double mean = sum / count;
    json[name] = {{"galaxies", count},
                  {"mean", mean},
                  {"error", std::sqrt(std::max(0.0, squares / count - mean * mean) / count)}};
  }
  return json;
}

void write_rows(const std::string& path, const catalog::Table& rows, const catalog::MockHeader& header,
                const mpi::Communicator& comm) {
  const auto count = static_cast<std::uint64_t>(rows.rows());
  const std::vector<catalog::RowBlock> blocks = {{comm.exclusive_sum(count), count, [&](catalog::Table& block) { block = rows; }}};
  catalog::write_mock(path, header, rows.empty_like(), comm.sum(count), blocks, comm);
}

}  // namespace

void run(const Request& request, const config::Config& config, const mpi::Communicator& comm, Logger& log) {
  StageTimes times;
  auto halos = pipeline::load_halos(config, comm, times, log);
  const auto painter =
      mpi::agree(comm, [&] { return model::make_painter(config, halos.halos, halos.simulation); });
  pipeline::compare_with_training(painter->models(), halos, config, comm, log);
  const auto galaxies = mpi::agree(comm, [&] {
    return pipeline::GalaxyLabels(request.catalog, painter->labels(),
                                  painter->orientation() == model::Orientation::spin         ? "spin"
                                  : painter->orientation() == model::Orientation::major_axis ? "major_axis"
                                                                                             : "ellipsoid");
  });
  pipeline::check_join(galaxies, halos, comm, log);

  auto rows = declared_columns(request.model == "analytic");
  const auto split = mpi::agree(comm, [&] { return split_of(request); });
  const auto distribution = pipeline::distribute(config, halos, painter->needs(), comm);
  Progress progress(log, "loglike: halos of rank 0", static_cast<double>(distribution.rows()), config.log.interval);
  std::size_t done = 0;
  pipeline::for_each_patch(config, distribution, comm, [&](domain::Patch patch) {
    stop_here_if_asked("the densities were all there");
    done += patch.owned;
    rows.append(rows_of(galaxies.join(std::move(patch), split), *painter));
    progress.update(static_cast<double>(done));
  });
  if (comm.sum(static_cast<std::uint64_t>(rows.rows())) == 0)
    throw data_error(
        "{}: no galaxy lives in a halo of {} (halo_id); set input.path to the halos of this catalog",
        request.catalog, config.input.path.brief());

  nlohmann::ordered_json summary = {{"model", request.model}, {"catalog", request.catalog}};
  summary[density_column] = means(rows, density_column, comm);
  if (rows.has(orientation_column)) summary[orientation_column] = means(rows, orientation_column, comm);
  auto simulation = catalog::summarise_mock(request.catalog).header.simulation;
  pipeline::complete_cosmology(simulation, config.cosmology);
  write_rows(request.output, rows,
             {simulation,
              {{"halobrush", version()},
               {"model", request.model},
               {"model_sha256", painter->sha256()},
               {"catalog", request.catalog},
               {"config", config::to_yaml(config)}}},
             comm);
  mpi::agree(comm, [&] {
    if (comm.root()) write_durably(request.output + ".json", summary.dump(2) + "\n");
  });
  for (const auto& [part, m] : summary[density_column].items())
    log.info("loglike: {:<10} {:>9} galaxies, mean log p {:.4f} +- {:.4f} nats", part,
             m["galaxies"].get<double>(), m["mean"].get<double>(), m["error"].get<double>());
  log.info("loglike: wrote {}", request.output);
}

}  // namespace halobrush::likelihood
