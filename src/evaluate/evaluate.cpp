#include "halobrush/evaluate/evaluate.hpp"

#include <algorithm>
#include <filesystem>
#include <map>

#include "columns.hpp"
#include "halobrush/catalog/mock.hpp"
#include "halobrush/core/error.hpp"
#include "halobrush/core/signals.hpp"
#include "halobrush/core/version.hpp"
#include "halobrush/model/model_file.hpp"
#include "halobrush/mpi/agree.hpp"
#include "halobrush/pipeline/join.hpp"
#include "halobrush/pipeline/labelled.hpp"
#include "halobrush/pipeline/origin.hpp"
#include "halobrush/pipeline/pipeline.hpp"
#include "report.hpp"

namespace halobrush::evaluate {
namespace {

using Painters = std::vector<std::unique_ptr<model::Painter>>;

// One painter for each draw; none has the seed of the configuration, which may have painted the truth.
Painters painters_of(const Request& request, config::Config config, const catalog::HaloCatalog& halos) {
  Painters painters;
  for (std::int64_t draw = 0; draw < request.draws; ++draw) {
    ++config.seed;
    painters.push_back(model::make_painter(config, halos.halos, halos.simulation));
  }
  return painters;
}

// What the model's file says of the halos it was trained on.
struct Training {
  model::HostSplit split;
  bool on_these_halos = false;
};

constexpr double same_place_mpc_h = 1e-3;

// Whether one of the hosts that the model names lives in these rows: a catalog that was converted again, or
// cut, is known by its halos and not by its bytes.
bool has_any(const catalog::Table& halos, const std::vector<model::KnownHost>& hosts) {
  std::map<std::int64_t, Vec3> place;
  for (const auto& host : hosts) place[host.id] = host.pos;
  const auto id = halos.get<std::int64_t>("id");
  const auto position = halos.vectors("");
  for (std::size_t i = 0; i < halos.rows(); ++i)
    if (const auto found = place.find(id[i]);
        found != place.end() && (position[i] - found->second).norm() < same_place_mpc_h)
      return true;
  return false;
}

Training training_of(const Request& request, const catalog::HaloCatalog& halos,
                     const mpi::Communicator& comm) {
  if (request.model == "analytic") return {};
  const auto spec = mpi::agree(comm, [&] { return model::read_model(request.model).spec; });
  const std::pair<std::string, std::string> same = {"training_halos_sha256", halos.source.sha256};
  const int known = std::ranges::count(spec.provenance, same) > 0 || has_any(halos.halos, spec.hosts);
  return {spec.split, comm.max(known) == 1};
}

// Hosts of the validation part chose the weights: they judge only where no others were kept.
std::optional<pipeline::Split> held_out_part(const Training& training) {
  if (!training.on_these_halos) return std::nullopt;
  return training.split.test_fraction > 0 ? pipeline::Split::test : pipeline::Split::validation;
}

std::string name_of(model::Orientation orientation) {
  switch (orientation) {
    case model::Orientation::spin:
      return "spin";
    case model::Orientation::major_axis:
      return "major_axis";
    case model::Orientation::ellipsoid:
      break;
  }
  return "ellipsoid";
}

// What is taken of each galaxy beside its draws.
struct Wanted {
  bool density, noise;
};

catalog::Table evaluated(const pipeline::LabelledPatch& galaxies, const Painters& painters,
                         const Training& training, Wanted wanted) {
  const auto& painter = *painters.front();
  const auto inputs = pipeline::inputs_of(galaxies.patch, painter.needs());
  Judged judged{galaxies, inputs, painter, {}, {}, {}, held_out_part(training)};
  for (const auto& one : painters) judged.draws.push_back(one->paint(inputs));
  const model::Observed truth = {galaxies.frame, galaxies.labels, galaxies.known};
  if (wanted.density) judged.log_p = painter.log_density(inputs, truth);
  if (wanted.noise) judged.noise = painter.starting_noise(inputs, truth);
  return rows_of(judged);
}

// Some painters have no density, and say so.
bool has_density(const model::Painter& painter, const pipeline::LabelledPatch& nothing, Logger& log) {
  try {
    painter.log_density(pipeline::inputs_of(nothing.patch, painter.needs()),
                        {nothing.frame, nothing.labels, nothing.known});
    return true;
  } catch (const Error& problem) {
    if (problem.code() != ExitCode::model) throw;
    log.info("evaluate: no log p: {}", problem.what());
    return false;
  }
}

// Rows in the order of tiles, whichever rank has them: the file does not depend on their number.
struct TileRows {
  std::int64_t tile;
  catalog::Table rows;
};

void write_rows(const std::string& path, const catalog::Table& columns, const std::vector<TileRows>& mine,
                const catalog::MockHeader& header, const mpi::Communicator& comm) {
  struct Count {
    std::int64_t tile;
    std::uint64_t rows;
  };
  std::vector<Count> counts;
  for (const auto& part : mine) counts.push_back({part.tile, part.rows.rows()});
  auto all = comm.gather_all(std::span<const Count>(counts)).data;
  std::ranges::sort(all, {}, &Count::tile);
  std::map<std::int64_t, std::uint64_t> first;
  std::uint64_t total = 0;
  for (const auto& count : all) {
    first[count.tile] = total;
    total += count.rows;
  }
  std::vector<catalog::RowBlock> blocks;
  for (const auto& part : mine)
    blocks.push_back({first[part.tile], part.rows.rows(), [&part](catalog::Table& rows) { rows = part.rows; }});
  catalog::write_mock(path, header, columns, total, blocks, comm);
}

catalog::MockHeader header_of(const Request& request, const config::Config& config,
                              const catalog::HaloCatalog& halos, const model::Painter& painter) {
  auto simulation = catalog::summarise_mock(request.catalog).header.simulation;
  pipeline::complete_cosmology(simulation, config.cosmology);
  return {simulation,
          {{"halobrush", version()},
           {"model", request.model},
           {"model_sha256", painter.sha256()},
           {"catalog", request.catalog},
           {"halos", halos.source.path},
           {"halos_sha256", halos.source.sha256},
           {"config", config::to_yaml(config)}}};
}

void make_folder(const Request& request, const mpi::Communicator& comm) {
  mpi::agree(comm, [&] {
    std::error_code problem;
    if (comm.root()) std::filesystem::create_directories(request.folder, problem);
    if (problem)
      throw io_error("{}: cannot be made a folder ({}); choose another --out", request.folder,
                     problem.message());
  });
}

}  // namespace

ExitCode run(const Request& request, const config::Config& config, const mpi::Communicator& comm, Logger& log) {
  StageTimes times;
  make_folder(request, comm);
  auto halos = pipeline::load_halos(config, comm, times, log);
  const auto painters = mpi::agree(comm, [&] { return painters_of(request, config, halos); });
  const auto& painter = *painters.front();
  pipeline::compare_with_training(painter.models(), halos, config, comm, log);
  const auto galaxies = mpi::agree(comm, [&] {
    return pipeline::GalaxyLabels(request.catalog, painter.labels(), name_of(painter.orientation()));
  });
  pipeline::check_join(galaxies, halos, comm, log);
  const auto training = training_of(request, halos, comm);

  const auto distribution = pipeline::distribute(config, halos, painter.needs(), comm);
  catalog::Table columns, all;
  std::vector<TileRows> rows;
  const Wanted wanted = mpi::agree(comm, [&] {
    domain::Patch nothing;
    nothing.halos = distribution.columns();
    const auto none = galaxies.join(std::move(nothing), training.split);
    // The noise costs as much as four draws, and only python/halobrush/fit_conformity.py reads it.
    const Wanted result{request.density && has_density(painter, none, log), !request.statistics};
    columns = evaluated(none, painters, training, result);
    all = columns;
    return result;
  });
  Progress progress(log, "evaluate: halos of rank 0", static_cast<double>(distribution.rows()), config.log.interval);
  std::size_t done = 0;
  pipeline::for_each_patch(config, distribution, comm, [&](domain::Patch patch) {
    stop_here_if_asked("all galaxies were judged");
    const auto tile = patch.tile;
    done += patch.owned;
    const auto labelled = galaxies.join(std::move(patch), training.split);
    rows.push_back({tile, evaluated(labelled, painters, training, wanted)});
    all.append(rows.back().rows);
    progress.update(static_cast<double>(done));
  });
  if (comm.sum(static_cast<std::uint64_t>(all.rows())) == 0)
    throw data_error(
        "{}: no galaxy lives in a halo of {} (halo_id); set input.path to the halos of this catalog",
        request.catalog, config.input.path.brief());
  write_rows(request.folder + "/evaluation.hdf5", columns, rows, header_of(request, config, halos, painter),
             comm);
  write_summary(request, all, held_out_part(training), comm);
  if (request.statistics) log.info("evaluate: statistics and classifiers of {} (about a minute for 10,000 galaxies)", request.folder + "/evaluation.hdf5");
  const bool holds = mpi::agree(comm, [&] { return !comm.root() || !request.statistics || write_report(request, log); });
  return comm.max(holds ? 0 : 1) == 0 ? ExitCode::done : requirements_failed;
}

}  // namespace halobrush::evaluate
