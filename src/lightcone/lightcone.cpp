#include "halobrush/lightcone/lightcone.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>
#include <map>
#include <numeric>
#include <optional>
#include <set>
#include <utility>

#include "halobrush/catalog/assembly.hpp"
#include "halobrush/catalog/content.hpp"
#include "halobrush/catalog/existing.hpp"
#include "halobrush/catalog/hdf5_version.hpp"
#include "halobrush/catalog/sky_pixels.hpp"
#include "halobrush/catalog/staging.hpp"
#include "halobrush/core/files.hpp"
#include "halobrush/core/timer.hpp"
#include "halobrush/core/version.hpp"
#include "halobrush/mpi/agree.hpp"
#include "halobrush/mpi/environment.hpp"
#include "halobrush/mpi/stop.hpp"
#include "folder.hpp"
#include "hosts.hpp"
#include "pieces.hpp"
#include "pixel_files.hpp"
#include "rows.hpp"
#include "snapshots.hpp"

namespace halobrush::lightcone {
namespace {

using catalog::StagedTile;

constexpr int pixel_level = 6;  // 0.84 square degrees, as in the light cones of DESC

// Galaxies of a shell if the box were filled evenly.
double expected_galaxies(const Cone& cone) {
  double galaxies = 0;
  for (const auto& snapshot : cone.snapshots) {
    const auto shell = shell_of(cone, snapshot);
    if (shell.empty()) continue;
    const double steradians = cone.sky.area() * degree * degree;
    galaxies += static_cast<double>(snapshot.rows) / cone.side.prod() * steradians * (std::pow(shell.to, 3) - std::pow(shell.from, 3)) / 3;
  }
  return galaxies;
}

// @collective
catalog::Content content_of(const Cone& cone, const mpi::Communicator& comm) {
  std::vector<std::string> paths;
  for (const auto& snapshot : cone.snapshots) paths.push_back(snapshot.path);
  return catalog::content_of_files(paths, catalog::states_of(paths, comm), comm);
}

constexpr const char* files_key = "lightcone.files";  // on which rows do not depend

// What a light cone depends on.
catalog::Identity identity_of(const config::Config& config, const catalog::Content& snapshots) {
  const auto& c = config.lightcone;
  return {{"version", version()},
          {"lightcone.snapshots (SHA-256)", snapshots.sha256},
          {"lightcone.observer", fmt::format("{}", c.observer)},
          {"lightcone.redshift", fmt::format("{}", c.redshift)},
          {"lightcone.sky", c.sky},
          {"lightcone.centre", fmt::format("{}", c.centre)},
          {"lightcone.radius", fmt::format("{}", c.radius)},
          {"lightcone.turn", fmt::format("{}", c.turn)},
          {files_key, c.files}};
}

std::uint64_t rows_in(const std::vector<StagedTile>& tiles) {
  return std::accumulate(tiles.begin(), tiles.end(), std::uint64_t{0}, [](auto sum, const StagedTile& tile) { return sum + tile.rows; });
}

std::size_t number_of_files(const config::Config& config, const Cone& cone) {
  const auto& files = config.lightcone.files;
  if (files == "one") return 1;
  if (files == "pixel") return pixel_files(cone, std::vector<std::uint64_t>(catalog::SkyPixels(pixel_level).cells())).size();
  return static_cast<std::size_t>(std::ranges::count_if(cone.snapshots, [&](const Snapshot& snapshot) { return !shell_of(cone, snapshot).empty(); }));
}

class Job {
 public:
  Job(const config::Config& config, bool overwrite, const mpi::Communicator& comm, Logger& log)
      : config_(config), overwrite_(overwrite), comm_(comm), log_(log), cone_(mpi::agree(comm, [&] { return cone_of(config); })) {}

  ExitCode run() {
    say_shells(cone_, log_);
    mpi::agree(comm_, [&] {
      if (comm_.root() && in_folder_) check_folder_is_free(config_.output.path, config_.staging());
    });
    content_ = content_of(cone_, comm_);
    identity_ = identity_of(config_, content_);
    if (in_folder_) folder_.emplace(config_.output.path, identity_);
    const auto of_rows = catalog::without(identity_, {files_key});
    staging_.emplace(config_.staging(), of_rows);
    places_of_hosts_.emplace(std::filesystem::path(config_.staging()) / "lightcone_hosts", of_rows);
    if (already_done()) return ExitCode::done;
    mpi::agree(comm_, [&] {
      columns_ = Rows::columns(cone_);
      for (const auto& remark : catalog::check_mock(columns_, {})) log_.warn("output: {}", remark);
    });
    open_staging();
    mpi::stop_if_asked(comm_, "hosts are looked up");
    auto blocks = blocks_of(cone_);
    const Hosts hosts(cone_, blocks, *places_of_hosts_, comm_);
    const auto pieces = mpi::agree(comm_, [&] { return pieces_of(cone_, blocks); });
    const auto units = units_of(pieces, blocks);
    for (const auto& unit : units) snapshot_of_tile_.push_back(static_cast<std::size_t>(blocks[static_cast<std::size_t>(pieces[unit.begin].block)].snapshot));
    log_.info("light cone: {} pieces of snapshots may hold galaxies, in {} tiles", pieces.size(), units.size());
    fill(pieces, units, blocks, hosts);
    catalog::check_unchanged(content_.files, content_.states, comm_);
    mpi::stop_if_asked(comm_, "the light cone is assembled from its tiles");
    assemble();
    mpi::agree(comm_, [&] {
      if (comm_.root()) remove_staging();
    });
    log_.info("light cone: {} galaxies over {:.0f} square degrees in {}", rows_in(tiles_), cone_.sky.area(), config_.output.path);
    return ExitCode::done;
  }

 private:
  bool already_done() {
    using catalog::Existing;
    const auto done = mpi::agree(comm_, [&] {
      if (!comm_.root()) return 0;
      const auto& path = config_.output.path;
      const auto found = folder_ ? folder_->look() : catalog::look_at(path, identity_);
      if (found.state == Existing::same) {
        if (config_.output.staging.empty() && staging_->is_there()) {
          log_.info("light cone: tiles that a killed run left are removed ({})", config_.staging());
          remove_staging();
        }
        return 1;
      }
      if (found.state == Existing::none || (overwrite_ && !in_folder_)) return 0;
      if (in_folder_)
        throw config_error("output.path: the folder {} is there and is not the light cone of this configuration: {}; choose another path, or move it away", path, found.text);
      if (found.state == Existing::damaged) throw data_error("output.path: {}; give --overwrite to make it anew", found.text);
      throw config_error("output.path: {} is there and was made of something else: {}; choose another path, or give --overwrite to replace it", path, found.text);
    });
    if (comm_.max(done) == 0) return false;
    log_.info("light cone: {} is complete and of this configuration: nothing to do", config_.output.path);
    return true;
  }

  void remove_staging() const {
    places_of_hosts_->remove();
    staging_->remove();
  }

  void open_staging() {
    using Discard = catalog::Staging::Discard;
    mpi::agree(comm_, [&] {
      if (!comm_.root()) return;
      staging_->open(overwrite_ ? Discard::of_others : Discard::nothing);
      places_of_hosts_->open(Discard::all);
      const auto staged = staging_->ledger();
      const double there = std::accumulate(staged.begin(), staged.end(), 0.0, [](double sum, const StagedTile& tile) { return sum + static_cast<double>(tile.bytes); });
      const double bytes = catalog::bytes_per_row(columns_) * expected_galaxies(cone_), to_stage = std::max(bytes - there, 0.0);
      const auto folder = behind_links(config_.output.path).parent_path();
      const bool together = same_file_system(folder, staging_->folder());
      require_space(folder, together ? bytes + to_stage : bytes);
      if (!together) require_space(staging_->folder(), to_stage);
    });
  }

  // @collective What an earlier run staged and is whole; each rank verifies its share.
  std::set<std::int64_t> find_staged(std::size_t units) {
    const auto mine = mpi::agree(comm_, [&] { return comm_.root() ? staging_->ledger() : std::vector<StagedTile>(); });
    const auto recorded = comm_.gather_all(std::span<const StagedTile>(mine)).data;
    std::vector<StagedTile> whole;
    mpi::agree(comm_, [&] {
      for (auto i = static_cast<std::size_t>(comm_.rank()); i < recorded.size(); i += static_cast<std::size_t>(comm_.size()))
        if (static_cast<std::size_t>(recorded[i].tile) < units && staging_->verify(recorded[i])) {
          whole.push_back(recorded[i]);
          count(recorded[i].tile, staging_->read(recorded[i], columns_));
        }
    });
    tiles_ = comm_.gather_all(std::span<const StagedTile>(whole)).data;
    std::set<std::int64_t> staged;
    for (const auto& tile : tiles_) staged.insert(tile.tile);
    if (!staged.empty()) log_.info("staging: {} of {} tiles are there already", staged.size(), units);
    return staged;
  }

  void count(std::int64_t tile, const catalog::Table& rows) {
    const auto cells = pixels_.count(tile, rows);
    cells_.insert(cells_.end(), cells.begin(), cells.end());
    const auto snapshot = snapshot_of(tile);
    for (const double redshift : rows.get<double>("redshift_true")) {
      least_[snapshot] = std::min(least_[snapshot], redshift);
      greatest_[snapshot] = std::max(greatest_[snapshot], redshift);
    }
  }

  // @collective Calls work(0), ..., work(count - 1), each on one rank, in turn; between two rounds the run may be stopped.
  template <class Work>
  void deal(std::size_t count, const std::string& what, Work&& work) {
    Progress progress(log_, "light cone: " + what, static_cast<double>(count), config_.log.interval);
    const auto ranks = static_cast<std::size_t>(comm_.size());
    for (std::size_t first = 0; first < count; first += ranks) {
      mpi::stop_if_asked(comm_, "the next " + what);
      mpi::agree(comm_, [&] {
        if (const auto mine = first + static_cast<std::size_t>(comm_.rank()); mine < count) work(mine);
      });
      progress.update(static_cast<double>(std::min(first + ranks, count)));
    }
  }

  // @collective All tiles that are not there.
  void fill(const std::vector<Piece>& pieces, const std::vector<Unit>& units, const std::vector<Block>& blocks, const Hosts& hosts) {
    const auto staged = find_staged(units.size());
    std::vector<std::int64_t> todo;
    for (std::size_t unit = 0; unit < units.size(); ++unit)
      if (!staged.contains(static_cast<std::int64_t>(unit))) todo.push_back(static_cast<std::int64_t>(unit));
    auto rows = mpi::agree(comm_, [&] { return Rows(cone_, blocks, hosts); });
    std::vector<StagedTile> written;
    deal(todo.size(), "tiles", [&](std::size_t i) {
      const Timer timer;
      const auto& unit = units[static_cast<std::size_t>(todo[i])];
      const auto galaxies = pixels_.sorted(rows.of(std::span(pieces).subspan(unit.begin, unit.end - unit.begin)));
      count(todo[i], galaxies);
      written.push_back(staging_->write(todo[i], galaxies, timer.seconds(), comm_.rank()));
    });
    for (const auto& tile : comm_.gather_all(std::span<const StagedTile>(written)).data) tiles_.push_back(tile);
    std::ranges::sort(tiles_, {}, &StagedTile::tile);
  }

  // @collective
  void assemble() {
    cells_ = comm_.gather_all(std::span<const catalog::CellRows>(cells_)).data;
    if (!in_folder_) return write(tiles_, std::move(cells_), config_.output.path, {cone_.redshifts, cone_.sky.area()});
    config_.lightcone.files == "snapshot" ? assemble_snapshots() : assemble_pixels();
    mpi::agree(comm_, [&] {
      if (comm_.root()) folder_->publish();
    });
  }

  // @collective All rows of these tiles in one file.
  void write(const std::vector<StagedTile>& tiles, std::vector<catalog::CellRows> cells, const std::string& path, const catalog::LightCone& cover) {
    const auto about = header(cover, pixels_.sizes(cells));
    const catalog::StagedMock rows(columns_, *staging_, tiles, std::move(cells));
    for (const auto& remark : rows.write(path, about, 0, rows.rows(), comm_, write_options())) log_.info("{}", remark);
  }

  // The rows of one snapshot, and the redshifts of its shell: satellites reach over the edges that their hosts keep.
  struct SnapshotFile {
    std::string name;
    std::int64_t step;
    std::vector<StagedTile> tiles;
    std::array<double, 2> redshifts;
  };
  // @collective
  std::vector<SnapshotFile> snapshot_files() {
    comm_.min_in_place(std::span(least_));
    comm_.max_in_place(std::span(greatest_));
    std::vector<SnapshotFile> files;
    for (std::size_t s = 0; s < cone_.snapshots.size(); ++s) {
      const auto shell = shell_of(cone_, cone_.snapshots[s]);
      SnapshotFile file{fmt::format("snapshot_{}_z{:.4f}.hdf5", s, cone_.snapshots[s].redshift), static_cast<std::int64_t>(s), {},
                        {std::min(cone_.distances.redshift(shell.from), least_[s]), std::max(cone_.distances.redshift(shell.to), greatest_[s])}};
      std::ranges::copy_if(tiles_, std::back_inserter(file.tiles), [&](const StagedTile& tile) { return snapshot_of(tile.tile) == s; });
      if (!shell.empty() || rows_in(file.tiles) > 0) files.push_back(std::move(file));
    }
    return files;
  }

  // @collective
  void assemble_snapshots() {
    const auto files = snapshot_files();
    std::map<std::string, std::uint64_t> galaxies;
    for (const auto& file : files) galaxies[file.name] = rows_in(file.tiles);
    open_folder(galaxies, {});
    for (const auto& file : files) {
      if (comm_.max(mpi::agree(comm_, [&] { return comm_.root() && folder_->has(file.name) ? 1 : 0; })) != 0) continue;
      std::vector<catalog::CellRows> cells;
      std::ranges::copy_if(cells_, std::back_inserter(cells), [&](const catalog::CellRows& cell) { return snapshot_of(cell.tile) == static_cast<std::size_t>(file.step); });
      write(file.tiles, std::move(cells), folder_->file(file.name), {file.redshifts, cone_.sky.area(), file.step});
    }
  }

  // @collective Each file by one rank.
  void assemble_pixels() {
    const auto sizes = pixels_.sizes(cells_);
    const auto files = mpi::agree(comm_, [&] { return pixel_files(cone_, sizes); });
    std::map<std::string, std::uint64_t> galaxies;
    for (const auto& file : files) galaxies[file.name] = file.rows;
    open_folder(galaxies, {{"gcr.yaml", gcr_configuration(cone_, files, config_.output.path)}});
    const catalog::StagedMock rows(columns_, *staging_, tiles_, std::move(cells_));
    const auto alone = mpi::alone();
    deal(files.size(), "files", [&](std::size_t i) {
      const auto& file = files[i];
      if (folder_->has(file.name)) return;
      std::vector<std::uint64_t> rows_of_cell(sizes.size());
      for (auto cell = file.first_cell; cell < file.first_cell + file.cells; ++cell) rows_of_cell[cell] = sizes[cell];
      const auto remarks = rows.write(folder_->file(file.name), header({cone_.redshifts, file.area}, std::move(rows_of_cell)), file.first, file.rows, alone, write_options());
      if (i == 0)
        for (const auto& remark : remarks) log_.info("{}", remark);
    });
  }

  // @collective
  void open_folder(const std::map<std::string, std::uint64_t>& galaxies, const std::map<std::string, std::string>& texts) {
    mpi::agree(comm_, [&] {
      if (comm_.root()) folder_->open(galaxies, texts);
    });
  }

  std::size_t snapshot_of(std::int64_t tile) const { return snapshot_of_tile_[static_cast<std::size_t>(tile)]; }

  catalog::WriteOptions write_options() const {
    return {.hints = config_.output.hints, .alignment = static_cast<std::uint64_t>(config_.output.alignment)};
  }

  catalog::MockHeader header(const catalog::LightCone& cover, std::vector<std::uint64_t> rows_of_cell) const {
    const auto& first = cone_.snapshots.front();
    catalog::MockHeader header{first.header.simulation, {}, std::move(rows_of_cell), cover};
    header.simulation.scale_factor = 1 / (1 + cover.redshifts[1]);
    const auto of_first = [&](const char* name) { return catalog::entry_of(first.header.provenance, name); };
    std::vector<std::string> paths;
    for (const auto& snapshot : cone_.snapshots) paths.push_back(fmt::format("{} (redshift {:.6g})", snapshot.path, snapshot.redshift));
    header.provenance = {{"halobrush", version()},
                         {"hdf5", catalog::hdf5_version()},
                         {"mpi", mpi::library_version()},
                         {"config", config::to_yaml(config_)},
                         {"lightcone_snapshots", fmt::format("{}\n", fmt::join(paths, "\n"))},
                         {"painter", of_first("painter")},
                         {"model_sha256", of_first("model_sha256")},
                         {"config_of_snapshots", of_first("config")},
                         {"warnings", fmt::format("{}", fmt::join(warnings_on_shells(cone_), "\n"))},
                         {"ranks", fmt::format("{}", comm_.size())},
                         {catalog::identity_attribute, catalog::text_of(identity_)}};
    return header;
  }

  const config::Config& config_;
  bool overwrite_;
  const bool in_folder_ = config_.lightcone.files != "one";
  const mpi::Communicator& comm_;
  Logger& log_;
  Cone cone_;
  catalog::Content content_;  // of the snapshots
  catalog::Identity identity_;
  std::optional<catalog::Staging> staging_, places_of_hosts_;  // as soon as the identity is known
  catalog::Table columns_;
  catalog::SkyPixels pixels_{pixel_level};
  std::vector<StagedTile> tiles_;         // all ranks hold all
  std::vector<catalog::CellRows> cells_;  // of the tiles that this rank has seen; of all, when files are made
  std::optional<Folder> folder_;          // for several files
  std::vector<std::size_t> snapshot_of_tile_;
  std::vector<double> least_ = std::vector(cone_.snapshots.size(), std::numeric_limits<double>::max());  // redshifts of each snapshot's galaxies
  std::vector<double> greatest_ = std::vector(cone_.snapshots.size(), std::numeric_limits<double>::lowest());
};

}  // namespace

ExitCode run(const config::Config& config, bool overwrite, const mpi::Communicator& comm, Logger& log) {
  return Job(config, overwrite, comm, log).run();
}

void dry_run(const config::Config& config, int ranks, Logger& log) {
  const auto cone = cone_of(config);
  if (config.lightcone.files != "one") check_folder_is_free(config.output.path, config.staging());
  say_shells(cone, log);
  auto blocks = blocks_of(cone);
  for (auto& block : blocks)  // as if each had galaxies everywhere
    for (std::size_t k = 0; k < 3; ++k) block.high[k] = cone.side[static_cast<int>(k)];
  const auto pieces = pieces_of(cone, blocks);
  std::set<std::array<std::int32_t, 3>> images;
  std::uint64_t rows = 0;
  for (const auto& piece : pieces) images.insert(piece.image);
  for (const auto& snapshot : cone.snapshots) rows = std::max(rows, snapshot.rows);
  const auto columns = Rows::columns(cone);
  const auto files = number_of_files(config, cone);
  const double galaxies = expected_galaxies(cone), row = catalog::bytes_per_row(columns);
  constexpr double of_lookup = 160, of_tile = 3;  // bytes a galaxy of the rank's share of a snapshot; copies of a tile
  const double memory = 60e6 + sizeof(Piece) * static_cast<double>(pieces.size()) + of_lookup * static_cast<double>(rows) / ranks + of_tile * row * static_cast<double>(std::uint64_t{1} << 18);
  log.info("dry run: {:.0f} square degrees, {} images of the box, at most {} pieces in {} tiles", cone.sky.area(), images.size(), pieces.size(), units_of(pieces, blocks).size());
  log.info("dry run: about {:.3g} galaxies; {} will have about {} in {}, and as much is staged meanwhile; about {} of memory on each of {} ranks; nothing was written",
           galaxies, config.output.path, human_bytes(galaxies * row), files == 1 ? "one file" : fmt::format("{} files", files), human_bytes(memory), ranks);
}

}  // namespace halobrush::lightcone
