#include "halobrush/convert/convert.hpp"

#include <algorithm>
#include <memory>
#include <optional>

#include "halobrush/catalog/mock.hpp"
#include "halobrush/catalog/reader.hpp"
#include "halobrush/catalog/resolution.hpp"
#include "halobrush/catalog/subfind.hpp"
#include "halobrush/core/error.hpp"
#include "halobrush/core/version.hpp"
#include "halobrush/mpi/agree.hpp"
#include "halobrush/mpi/stop.hpp"
#include "halobrush/pipeline/pipeline.hpp"
#include "halobrush/pipeline/sizes.hpp"
#include "labels.hpp"
#include "side_table.hpp"

namespace halobrush::convert {
namespace {

using catalog::SubhaloColumns;
using catalog::Table;

constexpr std::uint64_t rows_of_a_block = 1 << 17;

// A SUBFIND catalog, block by block: counted first, so that every rank knows where its rows go, then read
// again and written.
class SubfindJob {
 public:
  SubfindJob(const config::Config& config, const std::string& path, const mpi::Communicator& comm, Logger& log)
      : config_(config),
        galaxies_(config.convert.kind == "galaxies"),
        comm_(comm),
        log_(log),
        files_(catalog::SubfindCatalog::open(path, pipeline::read_options(config), comm)),
        states_(catalog::states_of(files_.files(), comm)),
        resolution_(pipeline::read_options(config), files_.simulation()) {
    mpi::agree(comm_, [&] { open_side_tables(); });
  }

  void run() {
    const auto blocks = plan();
    for (const auto* table : {&morphology_, &shapes_})
      if (*table) check_matches(**table);
    const auto columns = mpi::agree(comm_, [&] { return load(0, 0); });
    mpi::stop_if_asked(comm_, "the catalog is written");
    if (galaxies_)
      catalog::write_mock(config_.convert.path, header(), columns, total_, blocks, comm_);
    else
      catalog::write_halos(config_.convert.path, header(), columns, total_, blocks, comm_);
    log_.info("convert: {} of {} subhalos in {}", total_, files_.subhalos(), config_.convert.path);
  }

 private:
  void open_side_tables() {
    const auto& c = config_.convert;
    if (!galaxies_) return;
    if (!c.morphology.empty()) {
      std::vector<std::string> columns = {c.disc_fraction};
      if (!c.morphology_mass.empty()) columns.push_back(c.morphology_mass);
      morphology_.emplace(c.morphology, c.morphology_id, columns);
    }
    if (!c.shapes.empty()) shapes_.emplace(c.shapes, c.shapes_id, shape_columns());
  }

  // Counts the rows of this rank's blocks, and the galaxies that side tables know.
  std::vector<catalog::RowBlock> plan() {
    const auto n = static_cast<std::uint64_t>(comm_.size()), rank = static_cast<std::uint64_t>(comm_.rank());
    const auto begin = files_.subhalos() * rank / n, end = files_.subhalos() * (rank + 1) / n;
    std::vector<catalog::RowBlock> blocks;
    std::uint64_t mine = 0;
    mpi::agree(comm_, [&] {
      for (auto first = begin; first < end; first += rows_of_a_block) {
        const auto count = std::min(rows_of_a_block, end - first);
        const auto halos = resolution_.kept(files_.rows(first, count, SubhaloColumns::halo), config_.input.path.brief());
        const auto ids = halos.get<std::int64_t>("id");
        without_m200_ += catalog::SubfindCatalog::hosts_without_m200(halos);
        if (morphology_) morphology_matches_ += morphology_->matches(ids);
        if (shapes_) shape_matches_ += shapes_->matches(ids);
        blocks.push_back({mine, ids.size(), [this, first, count](catalog::Table& block) { block = load(first, count); }});
        mine += ids.size();
      }
    });
    const auto before = comm_.exclusive_sum(mine);
    for (auto& block : blocks) block.first_row += before;
    total_ = comm_.sum(mine);
    remarks_ = files_.remarks();
    const auto left_out = resolution_.left_out(comm_);
    for (auto& remark : resolution_.remarks(left_out, total_, mpi::agree(comm_, [&] {
           return files_.rows(0, 0, SubhaloColumns::halo);
         })))
      remarks_.push_back(std::move(remark));
    without_m200_ = comm_.sum(without_m200_);
    if (without_m200_ > 0) remarks_.push_back(catalog::SubfindCatalog::remark_on_m200(without_m200_));
    catalog::log_remarks(log_, "convert", remarks_);
    return blocks;
  }

  void check_matches(const SideTable& table) {
    const auto matches = comm_.sum(&table == &*morphology_ ? morphology_matches_ : shape_matches_);
    if (matches == 0)
      throw data_error("{}: none of its {} ids is in {}; give the table of this simulation and snapshot",
                       table.path(), table.rows(), config_.input.path.brief());
    log_.info("convert: {} of {} rows of {} join {} subhalos", matches, table.rows(), table.path(), total_);
  }

  Table load(std::uint64_t first, std::uint64_t count) const {
    auto rows = catalog::Resolution(pipeline::read_options(config_), files_.simulation())
                    .kept(files_.rows(first, count, galaxies_ ? SubhaloColumns::stars : SubhaloColumns::halo),
                          config_.input.path.brief());
    if (!galaxies_) return rows;
    const auto& c = config_.convert;
    add_labels(rows, {static_cast<std::uint64_t>(config_.seed), c.ssfr_floor, c.ssfr_spread});
    if (morphology_) add_disc_fraction(rows, *morphology_, !c.morphology_mass.empty());
    if (shapes_) add_shapes(rows, *shapes_);
    rows.remove("stellar_mass");
    return rows;
  }

  catalog::MockHeader header() const {
    catalog::MockHeader header{files_.simulation(), {}};
    const auto assumed = pipeline::complete_cosmology(header.simulation, config_.cosmology);
    const auto content = catalog::content_of_files(files_.files(), states_, comm_);
    catalog::check_unchanged(files_.files(), states_, comm_);
    std::string remarks = assumed;
    for (const auto& remark : remarks_) remarks += remark + "\n";
    header.provenance = {
        {"halobrush", version()},
        {"config", config::to_yaml(config_)},
        {"citation", config_.convert.citation},
        {"remarks", remarks},
        {"made_from", fmt::format("{} ({}, {} files, sha256 {})", config_.input.path.brief(), files_.format(),
                                  files_.files().size(), content.sha256)}};
    return header;
  }

  const config::Config& config_;
  bool galaxies_;
  const mpi::Communicator& comm_;
  Logger& log_;
  catalog::SubfindCatalog files_;
  std::vector<catalog::FileState> states_;
  catalog::Resolution resolution_;
  std::vector<std::string> remarks_;
  std::optional<SideTable> morphology_, shapes_;
  std::uint64_t morphology_matches_ = 0, shape_matches_ = 0, total_ = 0, without_m200_ = 0;
};

}  // namespace

void run(const config::Config& config, const mpi::Communicator& comm, Logger& log) {
  pipeline::check_input(config);
  const auto input = catalog::files_of_catalog(config.input.path.each, config.input.format, comm);
  if (input.format == catalog::HaloFormat::subfind) return SubfindJob(config, input.path, comm, log).run();
  if (config.convert.kind == "galaxies")
    throw data_error(
        "{}: has no galaxies to learn from (a hydrodynamical SUBFIND catalog has); set convert.kind: halos",
        config.input.path.brief());
  const auto halos = catalog::read_halos(config.input.path.each, pipeline::read_options(config), comm);
  catalog::log_remarks(log, "convert", halos.remarks);
  mpi::stop_if_asked(comm, "the catalog is written");
  catalog::write_halos(config.convert.path, halos, comm);
  log.info("convert: {} halos ({}) in {}", comm.sum(static_cast<std::uint64_t>(halos.halos.rows())),
           halos.source.format, config.convert.path);
}

}  // namespace halobrush::convert
