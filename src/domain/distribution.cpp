#include "halobrush/domain/distribution.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <tuple>
#include <utility>

#include "columns.hpp"
#include "halobrush/core/error.hpp"
#include "halobrush/mpi/agree.hpp"
#include "halobrush/mpi/routes.hpp"

namespace halobrush::domain {
namespace {

Vec3 shifted(const Vec3& position, const Image& image, const Box& box) {
  Vec3 p;
  for (int k = 0; k < 3; ++k) p[k] = position[k] + image[static_cast<std::size_t>(k)] * box.side[k];
  return p;
}

// The images that put x into [low, high] along one axis: first to last, none when first > last.
struct Images {
  std::int16_t first, last;
};
Images images_within(double x, double low, double high, double side) {
  Images images{static_cast<std::int16_t>(std::floor((low - x) / side)),
                static_cast<std::int16_t>(std::ceil((high - x) / side))};
  while (x + images.first * side < low) ++images.first;
  while (x + images.last * side > high) --images.last;
  return images;
}

// Rows of a table in another order; one column at a time is there twice.
void reorder(catalog::Table& table, std::span<const std::size_t> order) {
  for (auto& column : table.columns())
    std::visit(
        [&]<class T>(std::vector<T>& values) {
          std::vector<T> moved(order.size());
          std::ranges::transform(order, moved.begin(), [&](std::size_t row) { return values[row]; });
          values = std::move(moved);
        },
        column.data);
}

// @collective The rows `row_of` of a table, sent along `routes`. `release`: each column is given up once it is sent.
template <class Halos, class RowOf>
catalog::Table send_rows(Halos& halos, const mpi::Routes& routes, RowOf&& row_of, bool release,
                         const mpi::Communicator& comm) {
  auto arrived = halos.empty_like();
  for (std::size_t c = 0; c < halos.columns().size(); ++c)
    std::visit(
        [&](auto& values) {
          auto received = routes.send_each([&](std::size_t i) { return values[row_of(i)]; }, comm).data;
          if constexpr (!std::is_const_v<std::remove_reference_t<decltype(values)>>)
            if (release) std::decay_t<decltype(values)>().swap(values);
          arrived.columns()[c].data = std::move(received);
        },
        halos.columns()[c].data);
  return arrived;
}

void check_ghost_width(const Box& box, double ghost_width) {
  const double side = box.side.minCoeff();
  if (ghost_width > side / 2)
    throw config_error(
        "domain: ghost width {:g} Mpc/h is over half of the box side {:g} Mpc/h (layers x radius of the "
        "model plus "
        "domain.ghost_width); use a model of shorter reach or a larger box",
        ghost_width, side);
}

// Every tile's keeper: the rank that paints it; those that are not painted are spread likewise.
std::vector<int> keepers(std::span<const std::int64_t> todo, std::span<const std::uint64_t> counts, int ranks) {
  std::vector<int> keeper(counts.size(), -1);
  const auto assign = [&](std::span<const std::int64_t> tiles) {
    const auto assigned = assign_tiles(tiles, counts, ranks);
    for (std::size_t i = 0; i < tiles.size(); ++i) keeper[static_cast<std::size_t>(tiles[i])] = assigned[i];
  };
  assign(todo);
  std::vector<std::int64_t> others;
  for (std::size_t tile = 0; tile < keeper.size(); ++tile)
    if (keeper[tile] < 0) others.push_back(static_cast<std::int64_t>(tile));
  assign(others);
  return keeper;
}

}  // namespace

// Which reaches a position may lie in: the box in coarse cells, each with the reaches that touch it in any
// image.
class Distribution::ReachIndex {
 public:
  ReachIndex(const Box& box, std::span<const Reach> reaches) : box_(box), in_cell_(cells * cells * cells) {
    for (std::size_t r = 0; r < reaches.size(); ++r)
      for (const auto x : touched(reaches[r], 0))
        for (const auto y : touched(reaches[r], 1))
          for (const auto z : touched(reaches[r], 2)) in_cell_[index(x, y, z)].push_back(r);
  }

  std::span<const std::size_t> near(const Vec3& position) const {
    const auto cell = [&](int k) {
      return std::clamp(static_cast<std::int64_t>(position[k] / box_.side[k] * cells), std::int64_t{0},
                        cells - 1);
    };
    return in_cell_[index(cell(0), cell(1), cell(2))];
  }

 private:
  static constexpr std::int64_t cells = 32;
  static std::size_t index(std::int64_t x, std::int64_t y, std::int64_t z) {
    return static_cast<std::size_t>((x * cells + y) * cells + z);
  }
  std::vector<std::int64_t> touched(const Reach& reach, std::size_t k) const {
    const double scale = static_cast<double>(cells) / box_.side[static_cast<int>(k)], slack = 1e-6;
    const auto first = static_cast<std::int64_t>(std::floor(reach.low[k] * scale - slack));
    const auto last = static_cast<std::int64_t>(std::floor(reach.high[k] * scale + slack));
    std::vector<std::int64_t> result;
    for (auto cell = first; cell <= last && cell < first + cells; ++cell)
      result.push_back(((cell % cells) + cells) % cells);
    return result;
  }

  Box box_;
  std::vector<std::vector<std::size_t>> in_cell_;
};

Distribution::Distribution(const Box& box, Ownership ownership, catalog::Table halos, double ghost_width,
                           std::vector<std::int64_t> todo, const mpi::Communicator& comm)
    : box_(box), comm_(comm), counts_(std::move(ownership.counts)) {
  check_ghost_width(box, ghost_width);
  const auto keeper = keepers(todo, counts_, comm.size());
  for (const auto tile : todo)
    if (keeper[static_cast<std::size_t>(tile)] == comm.rank()) tiles_.push_back(tile);
  keep(std::move(halos), std::move(ownership.place), keeper);
  mpi::agree(comm, [&] { sort_rows(); });
  const auto mine = mpi::agree(comm, [&] {
    std::vector<Reach> reaches;
    for (const auto tile : tiles_)
      std::ranges::copy(reaches_of(tile, ownership.tiling.region(tile), ghost_width), std::back_inserter(reaches));
    return reaches;
  });
  reaches_ = comm.gather_all(std::span<const Reach>(mine)).data;
  std::ranges::stable_sort(reaches_, {}, &Reach::tile);
}

// @collective
void Distribution::keep(catalog::Table halos, std::vector<Place> place, std::span<const int> keeper) {
  std::vector<int> destination(place.size());
  std::ranges::transform(place, destination.begin(),
                         [&](const Place& p) { return keeper[static_cast<std::size_t>(p.tile)]; });
  const mpi::Routes routes(destination, comm_.size());
  std::vector<int>().swap(destination);
  place_ = routes.send(std::span<const Place>(place), comm_).data;
  std::vector<Place>().swap(place);
  halos_ = send_rows(halos, routes, [](std::size_t i) { return i; }, true, comm_);
  halos_.resize(place_.size());
}

void Distribution::sort_rows() {
  const auto ids = std::as_const(halos_).get<std::int64_t>("id");
  std::vector<std::size_t> order(place_.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::sort(order, {}, [&](std::size_t row) { return std::pair(place_[row].tile, ids[row]); });
  std::vector<Place> place(order.size());
  std::ranges::transform(order, place.begin(), [&](std::size_t row) { return place_[row]; });
  place_ = std::move(place);
  reorder(halos_, order);
  begin_.assign(counts_.size() + 1, 0);
  for (const auto& p : place_) ++begin_[static_cast<std::size_t>(p.tile) + 1];
  std::partial_sum(begin_.begin(), begin_.end(), begin_.begin());
  extent_ = extents();
}

// Galaxies beside the tile's region share one bounding box; those further off one for each cell of a coarse mesh.
std::vector<Distribution::Reach> Distribution::reaches_of(std::int64_t tile, const std::array<Vec3, 2>& region,
                                                          double ghost_width) const {
  constexpr double cells = 32, inf = std::numeric_limits<double>::infinity();
  using Cell = std::array<std::int64_t, 3>;
  constexpr Cell beside = {std::numeric_limits<std::int64_t>::min(), 0, 0};
  std::map<Cell, Reach> reaches;
  const VectorColumns pos(halos_, "");
  const auto t = static_cast<std::size_t>(tile);
  for (auto row = begin_[t]; row < begin_[t + 1]; ++row) {
    const Vec3 p = shifted(pos[row], place_[row].image, box_);
    const bool near = ((p - region[0]).array() >= -ghost_width).all() && ((region[1] - p).array() >= -ghost_width).all();
    Cell cell = beside;
    for (int k = 0; !near && k < 3; ++k)
      cell[static_cast<std::size_t>(k)] = static_cast<std::int64_t>(std::floor(p[k] / box_.side[k] * cells));
    auto& reach = reaches.try_emplace(cell, Reach{static_cast<std::int32_t>(tile), {inf, inf, inf}, {-inf, -inf, -inf}})
                      .first->second;
    for (std::size_t k = 0; k < 3; ++k) {
      reach.low[k] = std::min(reach.low[k], p[static_cast<int>(k)] - ghost_width);
      reach.high[k] = std::max(reach.high[k], p[static_cast<int>(k)] + ghost_width);
    }
  }
  std::vector<Reach> all;
  for (const auto& [cell, reach] : reaches) all.push_back(reach);
  return all;
}

std::vector<std::vector<std::int64_t>> Distribution::waves(double bytes) const {
  std::vector<std::vector<std::int64_t>> waves;
  const double row = catalog::bytes_per_row(halos_) + sizeof(Place);
  double held = 0;
  for (const auto tile : tiles_) {
    const double more = row * static_cast<double>(counts_[static_cast<std::size_t>(tile)]);
    if (waves.empty() || held + more > bytes) {
      waves.emplace_back();
      held = 0;
    }
    waves.back().push_back(tile);
    held += more;
  }
  waves.resize(comm_.max(static_cast<std::uint64_t>(waves.size())));
  return waves;
}

std::vector<Distribution::Extent> Distribution::extents() const {
  constexpr double inf = std::numeric_limits<double>::infinity();
  std::vector<Extent> extents(counts_.size(), {{inf, inf, inf}, {-inf, -inf, -inf}});
  const VectorColumns pos(halos_, "");
  for (std::size_t row = 0; row < place_.size(); ++row) {
    auto& extent = extents[static_cast<std::size_t>(place_[row].tile)];
    const Vec3 p = pos[row];
    for (std::size_t k = 0; k < 3; ++k) {
      extent.low[k] = std::min(extent.low[k], p[static_cast<int>(k)]);
      extent.high[k] = std::max(extent.high[k], p[static_cast<int>(k)]);
    }
  }
  return extents;
}

// In any periodic image.
bool Distribution::touches(const Extent& extent, const Reach& reach) const {
  for (std::size_t k = 0; k < 3; ++k) {
    const double side = box_.side[static_cast<int>(k)];
    if (!(std::ceil((reach.low[k] - extent.high[k]) / side - 1e-9) <= std::floor((reach.high[k] - extent.low[k]) / side + 1e-9)))
      return false;
  }
  return true;
}

// Adds the places of a halo in patches that it is a ghost of, each once.
void Distribution::add_ghosts_of(std::size_t row, const Vec3& p, std::span<const Reach> reaches, const ReachIndex& index,
                                 std::vector<Place>& places) const {
  const auto first = static_cast<std::ptrdiff_t>(places.size());
  for (const auto r : index.near(p)) {
    const Reach& reach = reaches[r];
    const auto images = [&](std::size_t k) {
      return images_within(p[static_cast<int>(k)], reach.low[k], reach.high[k], box_.side[static_cast<int>(k)]);
    };
    const auto along_x = images(0), along_y = images(1), along_z = images(2);
    for (auto x = along_x.first; x <= along_x.last; ++x)
      for (auto y = along_y.first; y <= along_y.last; ++y)
        for (auto z = along_z.first; z <= along_z.last; ++z) {
          const Place place{reach.tile, {x, y, z}};
          if (place != place_[row] && std::find(places.begin() + first, places.end(), place) == places.end())
            places.push_back(place);
        }
  }
}

// @collective Each rank looks for the ghosts of all ranks' tiles among its own rows.
Distribution::Arrived Distribution::ghosts_of(std::span<const std::int64_t> tiles) const {
  const auto wave = comm_.gather_all(tiles);
  std::vector<int> painter(counts_.size(), -1);
  for (std::size_t i = 0, rank = 0, last = wave.counts[0]; i < wave.data.size(); ++i) {
    while (i >= last) last += wave.counts[++rank];
    painter[static_cast<std::size_t>(wave.data[i])] = static_cast<int>(rank);
  }
  std::vector<std::size_t> rows;
  std::vector<Place> places;
  std::vector<int> destination;
  mpi::agree(comm_, [&] {
    std::vector<Reach> reaches;
    std::ranges::copy_if(reaches_, std::back_inserter(reaches),
                         [&](const Reach& reach) { return painter[static_cast<std::size_t>(reach.tile)] >= 0; });
    const ReachIndex index(box_, reaches);
    const VectorColumns pos(halos_, "");
    for (std::size_t tile = 0; tile < extent_.size(); ++tile) {
      if (std::ranges::none_of(reaches, [&](const Reach& reach) { return touches(extent_[tile], reach); })) continue;
      for (auto row = begin_[tile]; row < begin_[tile + 1]; ++row) {
        const auto first = places.size();
        add_ghosts_of(row, pos[row], reaches, index, places);
        for (auto k = first; k < places.size(); ++k) {
          rows.push_back(row);
          destination.push_back(painter[static_cast<std::size_t>(places[k].tile)]);
        }
      }
    }
  });
  const mpi::Routes routes(destination, comm_.size());
  Arrived ghosts;
  ghosts.place = routes.send(std::span<const Place>(places), comm_).data;
  ghosts.halos = send_rows(halos_, routes, [&](std::size_t i) { return rows[i]; }, false, comm_);
  ghosts.halos.resize(ghosts.place.size());
  return ghosts;
}

Patch Distribution::patch_of(std::int64_t tile, const Arrived& ghosts, std::span<const std::size_t> rows) const {
  const auto t = static_cast<std::size_t>(tile);
  std::vector<std::size_t> owned(begin_[t + 1] - begin_[t]);
  std::iota(owned.begin(), owned.end(), begin_[t]);
  Patch patch;
  patch.tile = tile;
  patch.owned = owned.size();
  patch.halos = halos_.select(owned);
  patch.halos.append(ghosts.halos.select(rows));
  const VectorColumns own(halos_, ""), pos(ghosts.halos, "");
  for (const auto row : owned) patch.pos.push_back(shifted(own[row], place_[row].image, box_));
  for (const auto row : rows) patch.pos.push_back(shifted(pos[row], ghosts.place[row].image, box_));
  return patch;
}

std::vector<Patch> Distribution::patches(std::span<const std::int64_t> tiles) const {
  const auto ghosts = ghosts_of(tiles);
  return mpi::agree(comm_, [&] {
    const auto ids = ghosts.halos.get<std::int64_t>("id");
    std::vector<std::size_t> order(ids.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::ranges::sort(order, {}, [&](std::size_t i) {
      return std::tuple(ghosts.place[i].tile, ids[i], ghosts.place[i].image);
    });
    std::vector<Patch> patches;
    for (const auto tile : tiles) {
      const auto [first, last] = std::ranges::equal_range(order, tile, {}, [&](std::size_t i) {
        return static_cast<std::int64_t>(ghosts.place[i].tile);
      });
      patches.push_back(patch_of(tile, ghosts, std::span(first, last)));
    }
    return patches;
  });
}

}  // namespace halobrush::domain
