#include "halobrush/paint/paint.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <numeric>
#include <optional>
#include <set>
#include <utility>

#include "halobrush/catalog/assembly.hpp"
#include "halobrush/catalog/existing.hpp"
#include "halobrush/catalog/hdf5_version.hpp"
#include "halobrush/catalog/mock.hpp"
#include "halobrush/catalog/octree.hpp"
#include "halobrush/catalog/staging.hpp"
#include "halobrush/core/files.hpp"
#include "halobrush/core/timer.hpp"
#include "halobrush/core/version.hpp"
#include "halobrush/domain/distribution.hpp"
#include "halobrush/domain/patch_queue.hpp"
#include "halobrush/model/networks.hpp"
#include "halobrush/mpi/agree.hpp"
#include "halobrush/mpi/environment.hpp"
#include "halobrush/mpi/stop.hpp"
#include "halobrush/paint/rows.hpp"
#include "halobrush/pipeline/origin.hpp"
#include "halobrush/pipeline/pipeline.hpp"
#include "halobrush/pipeline/sizes.hpp"
#include "identity.hpp"
#include "plan.hpp"
#include "stop.hpp"
#include "summary.hpp"
#include "tile_writer.hpp"

namespace halobrush::paint {
namespace {

using catalog::StagedTile;

constexpr auto plan_file = "plan.json";

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
    content_ = content_of_halos(config_, comm_);
    identity_ = identity_of(config_, content_, comm_);
    staging_.emplace(config_.staging(), identity_);
    if (already_done()) return ExitCode::done;
    mpi::stop_if_asked(comm_, "the halos are read");

    const auto source = pipeline::open_halos(config_, comm_);
    painter_ = mpi::agree(comm_, [&] {
      const auto& header = source->header();
      auto offered = pipeline::offered_columns(config_, header.halos);
      auto painter = model::make_painter(config_, offered, header.simulation);
      check_output(config_, header.simulation, mock_columns(offered, *painter), log_);
      return painter;
    });
    for (const auto* model : painter_->models()) statistics_.judge(*model);
    if (!painter_->sha256().empty())
      log_.info("model: {} (SHA-256 {})", config_.painter.model, painter_->sha256());
    else if (config_.painter.kind == "analytic" && !config_.painter.model.empty())
      log_.info("model: none; painter.kind is analytic, so painter.model ({}) is not used", config_.painter.model);

    if (!resume_from_staging()) {
      const auto halos = distribute(load(*source));
      mpi::stop_if_asked(comm_, "the first tile");
      if (!paint(halos)) return stopped();
    }
    mpi::stop_if_asked(comm_, "the mock is assembled from its tiles");
    times_.measure("assemble", [&] { assemble(); });
    finish();
    return ExitCode::done;
  }

 private:
  // A finished mock of the same identity is kept; one of another is replaced on request only. A run may have been killed
  // after the mock was in its place: without its summary it is assembled again from its tiles, with it only these go.
  bool already_done() {
    const auto done = mpi::agree(comm_, [&] {
      if (!comm_.root() || restart_ == Restart::never) return 0;
      const auto found = catalog::look_at(config_.output.path, identity_);
      if (found.state == catalog::Existing::same) {
        if (!std::filesystem::exists(summary_path())) return 0;
        if (config_.output.staging.empty() && staging_->read_note(plan_file)) {
          log_.info("paint: tiles that a killed run left are removed ({})", config_.staging());
          staging_->remove();
        }
        return 1;
      }
      if (restart_ == Restart::overwrite) return 0;
      if (found.state == catalog::Existing::other)
        throw config_error(
            "output.path: {} is a finished mock of another configuration: {}; choose another path, or give --overwrite "
            "to replace it",
            config_.output.path, found.text);
      if (found.state == catalog::Existing::damaged)
        throw data_error("output.path: {}; give --overwrite to paint it anew", found.text);
      return 0;
    });
    if (comm_.max(done) == 0) return false;
    log_.info(
        "paint: {} is complete and of this configuration: nothing to do (--restart=never paints it again)",
        config_.output.path);
    return true;
  }

  // Whether the last run ended between its last tile and its mock: neither halos nor tidal field are needed again.
  bool resume_from_staging() {
    if (restart_ == Restart::never) return false;
    const auto note = mpi::agree(comm_, [&] {
      return comm_.root() ? staging_->read_note(plan_file).value_or("") : std::string();
    });
    auto plan = plan_from_json(comm_.broadcast(note));
    if (!plan) return false;
    plan_ = std::move(*plan);
    if (ledger().size() < plan_.rows_of_tile.size()) return false;
    open_staging();
    find_staged_tiles();
    if (staged_.size() < plan_.rows_of_tile.size()) return false;
    log_.info("staging: all of the {} tiles are there: the halos are not read again", facts_.tiles);
    pipeline::say(plan_.differences, log_);
    return true;
  }

  void open_staging() {
    using Discard = catalog::Staging::Discard;
    const auto discard = restart_ == Restart::never       ? Discard::all
                         : restart_ == Restart::overwrite ? Discard::of_others
                                                          : Discard::nothing;
    const auto accepted = mpi::agree(comm_, [&] {
      if (!comm_.root()) return std::string();
      const auto differences = staging_->open(discard, config_.output.accept);
      remove_stop_file();
      return fmt::format("{}", fmt::join(differences, "; "));
    });
    const auto text = comm_.broadcast(accepted);
    if (text.empty()) return;
    const auto warning =
        fmt::format("staging: the tiles were not all painted alike (output.accept): {}; last digits may differ", text);
    log_.warn("{}", warning);
    auto& warnings = plan_.differences.warnings;
    if (std::ranges::count(warnings, warning) == 0) warnings.push_back(warning);
  }

  void remove_stop_file() const {
    if (std::error_code error; !std::filesystem::remove(stop_file(), error) && error)
      throw cannot_write(stop_file(), error.value());
  }

  catalog::HaloCatalog load(catalog::HaloSource& source) {
    pipeline::check_memory(config_, source, *painter_, comm_);
    auto halos = pipeline::load_halos(config_, source,
                                      {.columns = pipeline::columns_for(*painter_), .content = content_}, comm_, times_, log_);
    plan_ = {.rows_of_tile = {},
             .columns = mock_columns(halos.halos, *painter_),
             .simulation = halos.simulation,
             .source = halos.source,
             .left_out = halos.left_out,
             .remarks = halos.remarks,
             .differences = pipeline::compare_with_training(painter_->models(), halos, config_, comm_, log_)};
    for (auto& warning : pipeline::warnings_on_shapes(config_, halos.simulation)) {
      log_.warn("{}", warning);
      plan_.differences.warnings.push_back(std::move(warning));
    }
    return halos;
  }

  // For the tiles to come and the mock, before time is spent on them.
  void require_space() const {
    auto to_paint = plan_.galaxies();
    for (const auto& tile : staged_) to_paint -= tile.rows;
    const double row = catalog::bytes_per_row(plan_.columns), mock = row * static_cast<double>(plan_.galaxies()),
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

  // Each halo to the rank that keeps its tile; what is staged already is not painted again.
  domain::Distribution distribute(catalog::HaloCatalog catalog) {
    const auto box = pipeline::box_of(catalog.simulation);
    auto owned = times_.measure("distribute", [&] {
      return pipeline::ownership(config_, box, catalog.halos, comm_);
    });
    plan_.rows_of_tile = owned.counts;
    open_staging();
    mpi::agree(comm_, [&] {
      if (comm_.root()) staging_->write_note(plan_file, to_json(plan_));
    });
    note_content(config_, content_, comm_);
    auto todo = unpainted_tiles();
    require_space();
    return times_.measure("distribute", [&] {
      return domain::Distribution(box, std::move(owned), std::move(catalog.halos),
                                  pipeline::ghost_width(config_, painter_->needs()), std::move(todo), comm_);
    });
  }

  // @collective What whole lines of the ledger say; one may be damaged so that it can still be read.
  std::vector<StagedTile> ledger() const {
    const auto recorded = mpi::agree(comm_, [&] {
      auto tiles = comm_.root() ? staging_->ledger() : std::vector<StagedTile>();
      std::erase_if(tiles, [&](const StagedTile& tile) { return !belongs_here(tile); });
      return tiles;
    });
    return comm_.gather_all(std::span<const StagedTile>(recorded)).data;
  }

  bool belongs_here(const StagedTile& tile) const {
    return tile.tile >= 0 && static_cast<std::size_t>(tile.tile) < plan_.rows_of_tile.size() &&
           tile.rows == plan_.rows_of_tile[static_cast<std::size_t>(tile.tile)];
  }

  // Verifies what the ledger records, each rank its share. Returns the tiles that are damaged.
  std::vector<std::int64_t> find_staged_tiles() {
    statistics_.clear();
    cells_.clear();
    staged_.clear();
    const auto recorded = ledger();
    std::vector<std::int64_t> whole, damaged;
    times_.measure("staging", [&] {
      mpi::agree(comm_, [&] {
        for (std::size_t i = static_cast<std::size_t>(comm_.rank()); i < recorded.size();
             i += static_cast<std::size_t>(comm_.size()))
          if (staging_->verify(recorded[i])) {
            whole.push_back(recorded[i].tile);
            note(recorded[i].tile, staging_->read(recorded[i], plan_.columns));
          }
      });
    });
    const auto all_whole = comm_.gather_all(std::span<const std::int64_t>(whole)).data;
    const std::set<std::int64_t> staged(all_whole.begin(), all_whole.end());
    for (const auto& tile : recorded)
      if (staged.contains(tile.tile))
        staged_.push_back(tile);
      else
        damaged.push_back(tile.tile);
    facts_.tiles = plan_.rows_of_tile.size();
    facts_.reused_tiles = staged_.size();
    return damaged;
  }

  std::vector<std::int64_t> unpainted_tiles() {
    for (const auto tile : find_staged_tiles())
      log_.warn("staging: tile {} is damaged on disk and is painted again", tile);
    if (!staged_.empty())
      log_.info("staging: {} of {} tiles are there already", staged_.size(), facts_.tiles);
    std::vector<bool> staged(plan_.rows_of_tile.size());
    for (const auto& tile : staged_) staged[static_cast<std::size_t>(tile.tile)] = true;
    std::vector<std::int64_t> todo;
    for (std::size_t tile = 0; tile < staged.size(); ++tile)
      if (!staged[tile]) todo.push_back(static_cast<std::int64_t>(tile));
    return todo;
  }

  // What this rank paints in one call of paint().
  struct Work {
    const StopSwitch& stop;
    Timer timer;
    Progress progress;
    TileWriter writer;
    std::uint64_t galaxies = 0, ghosts = 0;
    double slowest = 0;
  };

  // Paints tiles until none is left; false when the run was stopped before.
  bool paint(const domain::Distribution& halos) {
    const StopSwitch stop(config_.limits, stop_file(), since_start_);
    Work work{stop, {}, Progress(log_, "paint: % of all galaxies given to ranks", 100, config_.log.interval),
              {*staging_, comm_.rank()}};
    domain::PatchQueue queue(halos, domain::PatchQueue::Deal::by_need, pipeline::wave_bytes(config_, comm_), comm_);
    const double busy_before = processor_seconds();
    auto failure = mpi::failure_of(comm_, [&] { paint_until_done(queue, work); });
    const auto last = mpi::failure_of(comm_, [&] { times_.measure("staging", [&] { work.writer.finish(); }); });
    if (!failure) failure = last;
    facts_.busy_seconds = processor_seconds() - busy_before;
    if (failure) mpi::failure_of(comm_, [&] { queue.stop(); });  // the first failure is the one to tell
    times_.measure("wait", [&] { queue.finish(); });
    facts_.paint_seconds = comm_.max(work.timer.seconds());
    mpi::agree(comm_, [&] {
      if (comm_.root()) stop.clear();
    });
    mpi::agree_on(comm_, failure);
    for (const auto& tile : comm_.gather_all(std::span<const StagedTile>(work.writer.written())).data)
      staged_.push_back(tile);
    facts_.painted_tiles = staged_.size() - facts_.reused_tiles;
    facts_.painted_galaxies = comm_.sum(work.galaxies);
    facts_.ghosts = comm_.sum(work.ghosts);
    return staged_.size() == facts_.tiles;
  }

  void paint_until_done(domain::PatchQueue& queue, Work& work) {
    for (double seconds = 0;;) {
      auto patches = times_.measure("distribute", [&] { return queue.next(seconds); });
      if (patches.empty()) return;
      const Timer timer;
      for (auto& patch : patches) {
        if (queue.stopped()) return;
        if (work.stop.should_stop(work.slowest)) return queue.stop();
        paint_tile(std::exchange(patch, {}), work);
        work.progress.update(100 * queue.given(),
                             fmt::format("{:.3g} galaxies/s over {} ranks",
                                         static_cast<double>(work.galaxies) / work.timer.seconds() * comm_.size(), comm_.size()));
      }
      seconds = timer.seconds();
    }
  }

  // The order of the mock's rows, where output.index asks for one.
  std::optional<catalog::Octree> octree_of_mock() const {
    if (config_.output.index != "octree") return std::nullopt;
    return catalog::Octree(plan_.simulation.box[0], plan_.galaxies());
  }

  // What the mock as a whole needs to know of a tile's rows.
  void note(std::int64_t tile, const catalog::Table& rows) {
    statistics_.add(rows);
    if (const auto octree = octree_of_mock()) {
      const auto cells = octree->count(tile, rows);
      cells_.insert(cells_.end(), cells.begin(), cells.end());
    }
  }

  void paint_tile(const domain::Patch& patch, Work& work) {
    const Timer timer;
    const auto inputs =
        times_.measure("inputs", [&] { return pipeline::inputs_of(patch, painter_->needs()); });
    const auto painted = times_.measure("model", [&] { return painter_->paint(inputs); });
    auto rows = rows_of(patch, painted, *painter_);
    if (const auto octree = octree_of_mock()) rows = octree->sorted(rows);
    note(patch.tile, rows);
    const double seconds = timer.seconds();
    times_.measure("staging", [&] { work.writer.write(patch.tile, std::move(rows), seconds); });
    work.slowest = std::max(work.slowest, seconds);
    work.galaxies += patch.owned;
    work.ghosts += patch.pos.size() - patch.owned;
  }

  ExitCode stopped() {
    log_.warn(
        "paint: stopped with {} of {} tiles painted; run the same command again, on any number of ranks, to "
        "go on",
        staged_.size(), facts_.tiles);
    return ExitCode::stopped;
  }

  void judge_what_is_painted() {
    moments_ = statistics_.reduced(plan_.columns, comm_);
    for (auto& fault : statistics_.faults(moments_)) {
      log_.warn("{}", fault);
      plan_.differences.warnings.push_back(std::move(fault));
    }
  }

  // All staged tiles become one file.
  void assemble() {
    judge_what_is_painted();
    std::ranges::sort(staged_, {}, &StagedTile::tile);
    facts_.galaxies = plan_.galaxies();
    facts_.left_out = plan_.left_out;
    auto options = write_options(config_);
    options.stale = summary_path();
    auto about = header();
    auto cells = comm_.gather_all(std::span<const catalog::CellRows>(cells_)).data;
    if (const auto octree = octree_of_mock()) about.rows_of_cell = octree->sizes(cells);
    for (const auto& remark :
         catalog::assemble(config_.output.path, about, plan_.columns, *staging_, staged_, comm_, options, std::move(cells)))
      log_.info("{}", remark);
  }

  catalog::MockHeader header() const {
    catalog::MockHeader header{plan_.simulation, {}, {}};
    auto assumed = pipeline::complete_cosmology(header.simulation, config_.cosmology);
    const auto lines = [](const std::vector<std::string>& texts) {
      std::string all;
      for (const auto& text : texts) all += text + "\n";
      return all;
    };
    assumed += lines(plan_.remarks) + lines(plan_.differences.remarks);
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
                         {"input_path", plan_.source.path},
                         {"input_format", plan_.source.format},
                         {"input_bytes", fmt::format("{}", plan_.source.bytes)},
                         {"input_sha256", plan_.source.sha256},
                         {"assumptions", assumed},
                         {"warnings", lines(plan_.differences.warnings)},
                         {"ranks", fmt::format("{}", comm_.size())},
                         {"timings_of_rank_0", timings},
                         {catalog::identity_attribute, catalog::text_of(identity_)}};
    return header;
  }

  void finish() {
    const double out = write_summary(summary_path(), facts_, times_, moments_,
                                     statistics_.ranges(), {plan_.differences.warnings, plan_.differences.remarks, plan_.differences.inputs}, comm_);
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
  catalog::Content content_;  // of the input
  std::unique_ptr<model::Painter> painter_;
  Plan plan_;  // from the staging folder, or from the halos: all but rows_of_tile by load(), these by distribute()
  std::vector<StagedTile> staged_;  // all ranks hold all
  ColumnStatistics statistics_;
  std::vector<catalog::CellRows> cells_;  // of the tiles that this rank has seen
  std::vector<ColumnStatistics::Moments> moments_;
  Timer since_start_;
  StageTimes times_;
  RunFacts facts_;
};

}  // namespace

ExitCode run(const config::Config& config, Restart restart, const mpi::Communicator& comm, Logger& log) {
  return Job(config, restart, comm, log).run();
}

}  // namespace halobrush::paint
