#include <algorithm>
#include <cmath>

#include "halobrush/catalog/reader.hpp"
#include "halobrush/paint/paint.hpp"
#include "halobrush/paint/rows.hpp"
#include "halobrush/pipeline/origin.hpp"
#include "halobrush/pipeline/pipeline.hpp"
#include "halobrush/pipeline/sizes.hpp"

namespace halobrush::paint {
namespace {

// Halos in the ghost zones over halos owned, if they were spread evenly. A zone that reaches around the box holds a halo
// once for each image.
double ghost_share(const domain::Box& box, const std::array<std::int64_t, 3>& grid, double tiles, double width) {
  Vec3 side;
  for (int k = 0; k < 3; ++k) side[k] = box.side[k] / static_cast<double>(grid[static_cast<std::size_t>(k)]);
  while (box.side.prod() / side.prod() < tiles - 0.5) {
    int longest;
    side.maxCoeff(&longest);
    side[longest] /= 2;
  }
  return (side.array() + 2 * width).prod() / side.prod() - 1;
}

// A catalog that is too large to be looked at may lose some on reading.
std::uint64_t kept_rows(const catalog::HaloHeader& header) {
  return header.rows_seen > 0 ? header.rows_seen - header.left_out.total() : header.rows;
}

}  // namespace

catalog::Table expected_columns(const catalog::HaloHeader& header, const config::Config& config) {
  catalog::Table halos;
  for (const auto& column : catalog::halo_schema()) {
    if (!column.required && !std::ranges::count(header.columns, column.spec.name)) continue;
    if (column.boolean)
      halos.add<std::uint8_t>(column.spec);
    else if (column.integer)
      halos.add<std::int64_t>(column.spec);
    else
      halos.add<double>(column.spec);
  }
  return pipeline::offered_columns(config, std::move(halos));
}

void dry_run(const config::Config& config, int ranks, Logger& log) {
  pipeline::check_input(config);
  pipeline::check_mesh(config, ranks, log);
  const auto header = catalog::read_header(config.input.path.each, pipeline::read_options(config));
  pipeline::check_tiles(config, header.rows_exact ? header.rows : 2 * header.rows);
  const auto halos = expected_columns(header, config);
  const auto painter = model::make_painter(config, halos, header.simulation);
  const auto origin = pipeline::origin_of(config, header.simulation, header.source.format);
  for (const auto& remark : pipeline::coarse_mesh(origin.tidal)) log.info("{}", remark);
  pipeline::say(pipeline::compare_origins(painter->models(), origin, config.painter), log);
  for (const auto& warning : pipeline::warnings_on_shapes(config, header.simulation)) log.warn("{}", warning);
  const auto box = pipeline::box_of(header.simulation);
  const double width = pipeline::ghost_width(config, painter->needs());
  if (width > box.side.minCoeff() / 2)
    throw config_error(
        "domain: ghost width {:g} Mpc/h is over half of the box side {:g} Mpc/h; use a model of shorter "
        "reach or a larger box",
        width, box.side.minCoeff());
  const double rows = static_cast<double>(kept_rows(header));
  const auto& grid = config.domain.tiles;
  const double count = pipeline::tiles_of(config, rows).count, ghosts = ghost_share(box, grid, count, width);
  const auto columns = mock_columns(halos, *painter);
  check_output(config, header.simulation, columns, log);
  auto kept = halos;
  kept.keep(pipeline::columns_for(*painter));
  kept.to_single();
  const double limit = pipeline::memory_limit(config, ranks);
  const auto need = pipeline::memory_need(config, rows, kept, !painter->models().empty(), ranks, limit);
  log.info("dry run: {}{} halos in {} ({}), box {:g} x {:g} x {:g} Mpc/h", header.rows_exact ? "" : "about ",
           header.rows, config.input.path.brief(), header.source.format, box.side[0], box.side[1], box.side[2]);
  catalog::log_remarks(log, "dry run", header.remarks);
  const double of_grid = static_cast<double>(grid[0] * grid[1] * grid[2]);
  log.info("dry run: {}{:.0f} tiles ({} x {} x {}{}) of about {:.0f} halos, {:.1f} a rank", count > of_grid ? "about " : "",
           count, grid[0], grid[1], grid[2], count > of_grid ? ", cut further by domain.max_halos" : "", rows / count,
           count / ranks);
  log.info("dry run: ghost width {:g} Mpc/h, ghost fraction about {:.2f}", width, ghosts);
  log.info("dry run: about {} of memory on each of {} ranks ({} halos; and the largest of {} to send them, {} mesh, {} tiles)", human_bytes(need.peak()), ranks,
           human_bytes(need.halos), human_bytes(need.sending), human_bytes(need.mesh), human_bytes(need.tiles + need.model));
  if (need.peak() > limit)
    log.warn("dry run: that is over the {} that a rank may take ({})", human_bytes(limit),
             config.limits.memory.empty() ? "this node's, over its ranks" : "limits.memory");
  log.info("dry run: {} will have about {} ({} columns); nothing was painted", config.output.path,
           human_bytes(rows * catalog::bytes_per_row(columns)), columns.columns().size());
}

}  // namespace halobrush::paint
