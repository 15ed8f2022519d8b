#include "halobrush/paint/paint.hpp"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <numeric>
#include <optional>

#include "halobrush/catalog/assembly.hpp"
#include "halobrush/catalog/hdf5_version.hpp"
#include "halobrush/catalog/mock.hpp"
#include "halobrush/catalog/staging.hpp"
#include "halobrush/core/files.hpp"
#include "halobrush/core/timer.hpp"
#include "halobrush/core/version.hpp"
#include "halobrush/domain/distribution.hpp"
#include "halobrush/model/setup.hpp"
#include "halobrush/mpi/agree.hpp"
#include "halobrush/mpi/environment.hpp"
#include "halobrush/mpi/stop.hpp"
#include "halobrush/paint/rows.hpp"
#include "halobrush/pipeline/origin.hpp"
#include "halobrush/pipeline/pipeline.hpp"
#include "halobrush/pipeline/sizes.hpp"
#include "existing.hpp"
#include "identity.hpp"
#include "stop.hpp"
#include "summary.hpp"

namespace halobrush::paint {
namespace {

using catalog::StagedTile;

// One paint run: the members are what its steps hand on to each other.
class Job {
 public:
  Job(const config::Config& config, Restart restart, const mpi::Communicator& comm, Logger& log)
      : config_(config), restart_(restart), comm_(comm), log_(log) {
    for (const char* stage :
         {"read", "hosts", "tidal", "distribute", "inputs", "model", "staging", "assemble"})
      times_.measure(stage, [] {});  // the same stages in the same order on every rank, with or without tiles
  }

  ExitCode run() {
    pipeline::check_input(config_);
    const auto content = content_of_halos(config_, comm_);
    identity_ = identity_of(config_, content, comm_);
    if (already_done()) return ExitCode::done;
    staging_.emplace(config_.staging(), identity_);
    mpi::stop_if_asked(comm_, "the halos are read");

    const auto source = pipeline::open_halos(config_, comm_);
    painter_ = mpi::agree(comm_, [&] {
      const auto& header = source->header();
      return model::make_painter(config_, pipeline::offered_columns(config_, header.halos), header.simulation);
    });
    pipeline::check_memory(config_, *source, *painter_, comm_);
    halos_ = pipeline::load_halos(config_, *source,
                                  {.columns = pipeline::columns_for(*painter_), .content = content}, comm_, times_, log_);
    facts_.left_out = halos_.left_out;
    if (!painter_->sha256().empty())
      log_.info("model: {} (SHA-256 {})", config_.painter.model, painter_->sha256());
    differences_ = pipeline::compare_with_training(painter_->models(), halos_, config_, comm_, log_);
    for (auto& warning : pipeline::warnings_on_shapes(config_, halos_.simulation)) {
      log_.warn("{}", warning);
      differences_.warnings.push_back(std::move(warning));
    }
    for (const auto* model : painter_->models()) statistics_.judge(*model);
    open_staging();
    const auto distribution = times_.measure("distribute", [&] { return distribute(); });
    require_space();
    mpi::stop_if_asked(comm_, "the first tile");

    if (!paint(distribution)) return stopped();
    mpi::stop_if_asked(comm_, "the mock is assembled from its tiles");
    times_.measure("assemble", [&] { assemble(); });
    finish();
    return ExitCode::done;
  }

 private:
  // A finished mock of the same identity is kept; one of another is replaced on request only. One without its summary
  // was interrupted at the very end: its tiles are still staged.
  bool already_done() {
    const auto done = mpi::agree(comm_, [&] {
      if (!comm_.root() || restart_ == Restart::never) return 0;
      const auto found = look_at(config_.output.path, identity_);
      if (found.state == Existing::same) return std::filesystem::exists(summary_path()) ? 1 : 0;
      if (restart_ == Restart::overwrite) return 0;
      if (found.state == Existing::other)
        throw config_error(
            "output.path: {} is a finished mock of another configuration: {}; choose another path, or give --overwrite "
            "to replace it",
            config_.output.path, found.text);
      if (found.state == Existing::damaged)
        throw data_error("output.path: {}; give --overwrite to paint it anew", found.text);
      return 0;
    });
    if (comm_.max(done) == 0) return false;
    log_.info(
        "paint: {} is complete and of this configuration: nothing to do (--restart=never paints it again)",
        config_.output.path);
    return true;
  }

  void open_staging() {
    using Discard = catalog::Staging::Discard;
    const auto discard = restart_ == Restart::never       ? Discard::all
                         : restart_ == Restart::overwrite ? Discard::of_others
                                                          : Discard::nothing;
    mpi::agree(comm_, [&] {
      if (comm_.root()) staging_->open(discard);
    });
    mpi::agree(comm_, [&] {
      if (comm_.root()) std::filesystem::remove(stop_file());
    });
  }

  // For the tiles to come and the mock, before time is spent on them.
  void require_space() const {
    const auto galaxies = std::accumulate(rows_of_tile_.begin(), rows_of_tile_.end(), std::uint64_t{0});
    auto to_paint = galaxies;
    for (const auto& tile : staged_) to_paint -= tile.rows;
    const double row = catalog::bytes_per_row(columns_), mock = row * static_cast<double>(galaxies),
                 tiles = row * static_cast<double>(to_paint);
    mpi::agree(comm_, [&] {
      if (!comm_.root()) return;
      const auto folder = behind_links(config_.output.path).parent_path();
      const bool together = same_file_system(folder, staging_->folder());
      halobrush::require_space(folder, together ? mock + tiles : mock);
      if (!together) halobrush::require_space(staging_->folder(), tiles);
    });
  }

  std::string summary_path() const { return config_.output.path + ".json"; }
  std::filesystem::path stop_file() const { return staging_->folder() / config_.limits.stop_file; }

  domain::Distribution distribute() {
    const auto box = pipeline::box_of(halos_.simulation);
    auto owned = domain::Ownership::of(box, config_.domain.tiles, config_.domain.balance, halos_.halos, comm_);
    columns_ = mock_columns(halos_.halos, *painter_);
    rows_of_tile_ = owned.counts;
    auto todo = unpainted_tiles();
    auto columns = halos_.halos.empty_like();
    return {box, std::move(owned), std::exchange(halos_.halos, std::move(columns)),
            pipeline::ghost_width(config_, painter_->needs()), std::move(todo), comm_};
  }

  // A line of the ledger may be damaged so that it can still be read.
  bool belongs_here(const StagedTile& tile) const {
    return tile.tile >= 0 && static_cast<std::size_t>(tile.tile) < rows_of_tile_.size() &&
           tile.rows == rows_of_tile_[static_cast<std::size_t>(tile.tile)];
  }

  // Verifies what the ledger records, each rank its share, and says what has to be painted again.
  std::vector<std::int64_t> unpainted_tiles() {
    const auto recorded =
        mpi::agree(comm_, [&] { return comm_.root() ? staging_->ledger() : std::vector<StagedTile>(); });
    const auto ledger = comm_.gather_all(std::span<const StagedTile>(recorded)).data;
    std::vector<std::int64_t> whole;
    mpi::agree(comm_, [&] {
      for (std::size_t i = static_cast<std::size_t>(comm_.rank()); i < ledger.size();
           i += static_cast<std::size_t>(comm_.size()))
        if (belongs_here(ledger[i]) && staging_->verify(ledger[i])) {
          whole.push_back(ledger[i].tile);
          statistics_.add(staging_->read(ledger[i], columns_));
        }
    });
    std::vector<char> done(rows_of_tile_.size(), 0);
    for (const auto tile : comm_.gather_all(std::span<const std::int64_t>(whole)).data)
      done[static_cast<std::size_t>(tile)] = 1;
    for (const auto& tile : ledger) {
      if (belongs_here(tile) && done[static_cast<std::size_t>(tile.tile)])
        staged_.push_back(tile);
      else
        log_.warn("staging: tile {} is damaged on disk and is painted again", tile.tile);
    }
    facts_.tiles = rows_of_tile_.size();
    facts_.reused_tiles = staged_.size();
    if (!staged_.empty())
      log_.info("staging: {} of {} tiles are there already", staged_.size(), facts_.tiles);
    std::vector<std::int64_t> todo;
    for (std::size_t tile = 0; tile < done.size(); ++tile)
      if (!done[tile]) todo.push_back(static_cast<std::int64_t>(tile));
    return todo;
  }

  // What this rank paints in one call of paint().
  struct Work {
    StopSwitch stop;
    Timer timer;
    Progress progress;
    std::vector<StagedTile> painted = {};
    std::uint64_t galaxies = 0, ghosts = 0;
    double slowest = 0;
    std::optional<Error> failure = {};
  };

  // Paints this rank's tiles; false when the run was stopped before all ranks had finished theirs.
  bool paint(const domain::Distribution& distribution) {
    const auto tiles = distribution.tiles().size();
    Work work{StopSwitch(config_.limits, stop_file(), since_start_), {},
              Progress(log_, "paint: tiles of rank 0", static_cast<double>(tiles), config_.log.interval), {}};
    bool going = true;
    for (const auto& wave : distribution.waves(pipeline::wave_bytes(config_, comm_))) {
      auto patches = times_.measure("distribute", [&] { return distribution.patches(wave); });
      const bool whole = paint(patches, work);
      going = comm_.min(whole ? 1 : 0) == 1;
      if (!going) break;
    }
    facts_.paint_seconds = comm_.max(work.timer.seconds());
    work.stop.clear();
    mpi::agree_on(comm_, work.failure);
    for (const auto& tile : comm_.gather_all(std::span<const StagedTile>(work.painted)).data)
      staged_.push_back(tile);
    facts_.painted_tiles = staged_.size() - facts_.reused_tiles;
    facts_.painted_galaxies = comm_.sum(work.galaxies);
    facts_.ghosts = comm_.sum(work.ghosts);
    return going;
  }

  // One wave; false when it was stopped before its end.
  bool paint(std::vector<domain::Patch>& patches, Work& work) {
    for (auto& patch : patches) {
      if (work.stop.should_stop(work.slowest)) return false;
      work.failure = mpi::failure_of(comm_, [&] { work.painted.push_back(paint_tile(patch)); });
      if (work.failure) {
        work.stop.tell_others();
        return false;
      }
      work.slowest = std::max(work.slowest, work.painted.back().seconds);
      work.galaxies += patch.owned;
      work.ghosts += patch.pos.size() - patch.owned;
      patch = {};
      work.progress.update(
          static_cast<double>(work.painted.size()),
          fmt::format("{:.3g} galaxies/s over {} ranks",
                      static_cast<double>(work.galaxies) / work.timer.seconds() * comm_.size(), comm_.size()));
    }
    return true;
  }

  StagedTile paint_tile(const domain::Patch& patch) {
    Timer timer;
    const auto inputs =
        times_.measure("inputs", [&] { return pipeline::inputs_of(patch, painter_->needs()); });
    const auto painted = times_.measure("model", [&] { return painter_->paint(inputs); });
    const auto rows = rows_of(patch, painted, *painter_);
    statistics_.add(rows);
    return times_.measure("staging",
                          [&] { return staging_->write(patch.tile, rows, timer.seconds(), comm_.rank()); });
  }

  ExitCode stopped() {
    log_.warn(
        "paint: stopped with {} of {} tiles painted; run the same command again, on any number of ranks, to "
        "go on",
        staged_.size(), facts_.tiles);
    return ExitCode::stopped;
  }

  void judge_what_is_painted() {
    moments_ = statistics_.reduced(columns_, comm_);
    for (auto& fault : statistics_.faults(moments_)) {
      log_.warn("{}", fault);
      differences_.warnings.push_back(std::move(fault));
    }
  }

  // All staged tiles become one file.
  void assemble() {
    judge_what_is_painted();
    std::ranges::sort(staged_, {}, &StagedTile::tile);
    facts_.galaxies = std::accumulate(rows_of_tile_.begin(), rows_of_tile_.end(), std::uint64_t{0});
    auto options = write_options(config_);
    options.stale = summary_path();
    for (const auto& remark : catalog::assemble(config_.output.path, header(), columns_, *staging_, staged_, comm_, options))
      log_.info("{}", remark);
  }

  catalog::MockHeader header() const {
    catalog::MockHeader header{halos_.simulation, {}};
    auto assumed = pipeline::complete_cosmology(header.simulation, config_.cosmology);
    const auto lines = [](const std::vector<std::string>& texts) {
      std::string all;
      for (const auto& text : texts) all += text + "\n";
      return all;
    };
    assumed += lines(halos_.remarks) + lines(differences_.remarks);
    std::string timings;
    for (const auto& [stage, seconds] : times_.stages())
      timings += fmt::format("{}: {:.3f} s\n", stage, seconds);
    header.provenance = {{"halobrush", version()},
                         {"libtorch", model::torch_version()},
                         {"hdf5", catalog::hdf5_version()},
                         {"mpi", mpi::library_version()},
                         {"config", config::to_yaml(config_)},
                         {"seed", fmt::format("{}", config_.seed)},
                         {"painter", painter_->kind()},
                         {"model_sha256", painter_->sha256()},
                         {"input_path", halos_.source.path},
                         {"input_format", halos_.source.format},
                         {"input_bytes", fmt::format("{}", halos_.source.bytes)},
                         {"input_sha256", halos_.source.sha256},
                         {"assumptions", assumed},
                         {"warnings", lines(differences_.warnings)},
                         {"ranks", fmt::format("{}", comm_.size())},
                         {"timings_of_rank_0", timings},
                         {identity_attribute, text_of(identity_)}};
    return header;
  }

  void finish() {
    const double out = write_summary(summary_path(), facts_, times_, moments_,
                                     statistics_.ranges(), {differences_.warnings, differences_.remarks, differences_.inputs}, comm_);
    mpi::agree(comm_, [&] {
      if (comm_.root()) staging_->remove();
    });
    const auto shift = fmt::format(
        "paint: {:.1f}% of the galaxies have inputs outside the model's training range (column out_of_distribution)",
        100 * out);
    if (out > 0.05)
      log_.warn("{}", shift);
    else if (!painter_->sha256().empty())
      log_.info("{}", shift);
    log_.info("paint: {} galaxies in {} ({} tiles painted, {} reused); summary {}", facts_.galaxies,
              config_.output.path, facts_.painted_tiles, facts_.reused_tiles, summary_path());
  }

  const config::Config& config_;
  Restart restart_;
  const mpi::Communicator& comm_;
  Logger& log_;
  catalog::Identity identity_;
  std::optional<catalog::Staging> staging_;  // as soon as the identity is known
  catalog::HaloCatalog halos_;
  std::unique_ptr<model::Painter> painter_;
  std::vector<std::uint64_t> rows_of_tile_;
  std::vector<StagedTile> staged_;  // all ranks hold all
  catalog::Table columns_;
  ColumnStatistics statistics_;
  std::vector<ColumnStatistics::Moments> moments_;
  pipeline::Differences differences_;
  Timer since_start_;
  StageTimes times_;
  RunFacts facts_;
};

}  // namespace

ExitCode run(const config::Config& config, Restart restart, const mpi::Communicator& comm, Logger& log) {
  return Job(config, restart, comm, log).run();
}

}  // namespace halobrush::paint
