#include "halobrush/domain/patch.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <tuple>
#include <utility>

#include "columns.hpp"
#include "halobrush/core/error.hpp"
#include "halobrush/mpi/directory.hpp"
#include "halobrush/mpi/agree.hpp"

namespace halobrush::domain {
namespace {

using Image = std::array<std::int32_t, 3>;  // whole box sides to add to a position in [0, side)

// A halo's place in the patch of todo[slot]. The same halo may be there in several images.
struct Placement {
  std::int64_t slot;
  Image image;
};

// Rows of a table and where each is to appear; `row` is the index in `halos`.
struct Placed {
  std::vector<std::size_t> row;
  std::vector<Placement> placement;
};

// Rows that arrived, one for each placement.
struct Arrived {
  catalog::Table halos;
  std::vector<Placement> placement;
};

Vec3 shifted(const Vec3& position, const Image& image, const Box& box) {
  Vec3 p;
  for (int k = 0; k < 3; ++k) p[k] = position[k] + image[static_cast<std::size_t>(k)] * box.side[k];
  return p;
}

// @collective Sends the rows to the ranks that paint their slots.
Arrived deliver(const catalog::Table& halos, const Placed& placed, std::span<const int> rank_of_slot,
                const mpi::Communicator& comm) {
  std::vector<int> destination(placed.row.size());
  std::transform(placed.placement.begin(), placed.placement.end(), destination.begin(),
                 [&](const Placement& p) { return rank_of_slot[static_cast<std::size_t>(p.slot)]; });
  const mpi::Routes routes(destination, comm.size());

  Arrived arrived;
  arrived.placement = routes.send(std::span<const Placement>(placed.placement), comm).data;
  arrived.halos = halos.empty_like();
  arrived.halos.resize(arrived.placement.size());
  for (std::size_t c = 0; c < halos.columns().size(); ++c)
    std::visit(
        [&]<class T>(const std::vector<T>& values) {
          std::vector<T> outgoing(placed.row.size());
          std::transform(placed.row.begin(), placed.row.end(), outgoing.begin(),
                         [&](std::size_t row) { return values[row]; });
          arrived.halos.columns()[c].data = routes.send(std::span<const T>(outgoing), comm).data;
        },
        halos.columns()[c].data);
  return arrived;
}

// Where each row is owned: its host's tile, the host at its position inside the tile's region and the
// satellite beside it. Slot -1: the tile is not to be done.
std::vector<Placement> owned_placements(const Box& box, const Tiling& tiling, const catalog::Table& halos,
                                        std::span<const Vec3> centres, std::span<const std::int64_t> todo) {
  std::vector<std::int64_t> slot_of_tile(static_cast<std::size_t>(tiling.count()), -1);
  for (std::size_t slot = 0; slot < todo.size(); ++slot)
    slot_of_tile[static_cast<std::size_t>(todo[slot])] = static_cast<std::int64_t>(slot);
  const VectorColumns pos(halos, ""), from_host(halos, "host_d");
  std::vector<Placement> placements(halos.rows());
  for (std::size_t row = 0; row < placements.size(); ++row) {
    placements[row].slot = slot_of_tile[static_cast<std::size_t>(tiling.tile_of(centres[row]))];
    const Vec3 offset = centres[row] + from_host[row] - pos[row];
    for (int k = 0; k < 3; ++k)
      placements[row].image[static_cast<std::size_t>(k)] =
          static_cast<std::int32_t>(std::lround(offset[k] / box.side[k]));
  }
  return placements;
}

// The bounding box of a slot's owned galaxies, widened by the ghost width.
struct Reach {
  std::int64_t slot;
  std::array<double, 3> low, high;
};

// @collective The reach of every slot with owned galaxies, in the order of slots.
std::vector<Reach> gather_reaches(const Box& box, const Arrived& owned, std::size_t slots, double ghost_width,
                                  const mpi::Communicator& comm) {
  constexpr double inf = std::numeric_limits<double>::infinity();
  std::vector<Reach> of_slot(slots, {-1, {inf, inf, inf}, {-inf, -inf, -inf}});
  const VectorColumns pos(owned.halos, "");
  for (std::size_t i = 0; i < owned.placement.size(); ++i) {
    auto& reach = of_slot[static_cast<std::size_t>(owned.placement[i].slot)];
    reach.slot = owned.placement[i].slot;
    const Vec3 p = shifted(pos[i], owned.placement[i].image, box);
    for (std::size_t k = 0; k < 3; ++k) {
      reach.low[k] = std::min(reach.low[k], p[static_cast<int>(k)] - ghost_width);
      reach.high[k] = std::max(reach.high[k], p[static_cast<int>(k)] + ghost_width);
    }
  }
  std::erase_if(of_slot, [](const Reach& reach) { return reach.slot < 0; });
  auto all = comm.gather_all(std::span<const Reach>(of_slot)).data;
  std::sort(all.begin(), all.end(), [](const Reach& a, const Reach& b) { return a.slot < b.slot; });
  return all;
}

// Which reaches a position may lie in: the box in coarse cells, each with the reaches that touch it in any
// image.
class ReachIndex {
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

// The images that put x into [low, high] along one axis: first to last, none when first > last.
struct Images {
  std::int32_t first, last;
};
Images images_within(double x, double low, double high, double side) {
  Images images{static_cast<std::int32_t>(std::floor((low - x) / side)),
                static_cast<std::int32_t>(std::ceil((high - x) / side))};
  while (x + images.first * side < low) ++images.first;
  while (x + images.last * side > high) --images.last;
  return images;
}

Placed find_ghosts(const Box& box, const catalog::Table& halos, std::span<const Placement> owned,
                   std::span<const Reach> reaches) {
  const ReachIndex reach_index(box, reaches);
  const VectorColumns pos(halos, "");
  Placed ghosts;
  for (std::size_t row = 0; row < halos.rows(); ++row) {
    const Vec3 p = pos[row];
    for (const auto r : reach_index.near(p)) {
      const Reach& reach = reaches[r];
      const auto images = [&](std::size_t k) {
        return images_within(p[static_cast<int>(k)], reach.low[k], reach.high[k],
                             box.side[static_cast<int>(k)]);
      };
      const auto along_x = images(0), along_y = images(1), along_z = images(2);
      for (auto x = along_x.first; x <= along_x.last; ++x)
        for (auto y = along_y.first; y <= along_y.last; ++y)
          for (auto z = along_z.first; z <= along_z.last; ++z) {
            const Image image{x, y, z};
            if (owned[row].slot == reach.slot && owned[row].image == image) continue;
            ghosts.row.push_back(row);
            ghosts.placement.push_back({reach.slot, image});
          }
    }
  }
  return ghosts;
}

// Indices of what arrived, by (slot, id, image).
std::vector<std::size_t> canonical_order(const Arrived& arrived) {
  const auto ids = arrived.halos.get<std::int64_t>("id");
  const auto key = [&](std::size_t i) {
    return std::tuple(arrived.placement[i].slot, ids[i], arrived.placement[i].image);
  };
  std::vector<std::size_t> order(ids.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return key(a) < key(b); });
  return order;
}

// Cuts what arrived for a patch off the front of `order`, and adds it.
void take_rows(Patch& patch, std::int64_t slot, const Arrived& arrived, std::span<const std::size_t>& order,
               const Box& box) {
  const auto last = std::find_if(order.begin(), order.end(),
                                 [&](std::size_t i) { return arrived.placement[i].slot != slot; });
  const auto rows = order.first(static_cast<std::size_t>(last - order.begin()));
  order = order.subspan(rows.size());
  patch.halos.append(arrived.halos.select(rows));
  const VectorColumns pos(arrived.halos, "");
  for (const auto i : rows) patch.pos.push_back(shifted(pos[i], arrived.placement[i].image, box));
}

std::vector<Patch> make_patches(const Box& box, std::span<const std::int64_t> todo,
                                std::span<const int> rank_of_todo, int rank, const Arrived& owned,
                                const Arrived& ghosts) {
  const auto owned_order = canonical_order(owned), ghost_order = canonical_order(ghosts);
  std::span<const std::size_t> owned_left(owned_order), ghosts_left(ghost_order);
  std::vector<Patch> patches;
  for (std::size_t slot = 0; slot < todo.size(); ++slot) {
    if (rank_of_todo[slot] != rank) continue;
    Patch patch;
    patch.tile = todo[slot];
    patch.halos = owned.halos.empty_like();
    take_rows(patch, static_cast<std::int64_t>(slot), owned, owned_left, box);
    patch.owned = patch.halos.rows();
    take_rows(patch, static_cast<std::int64_t>(slot), ghosts, ghosts_left, box);
    patches.push_back(std::move(patch));
  }
  return patches;
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

// How many blocks of consecutive weights, each of at most `capacity`, hold all of them.
std::size_t blocks_needed(std::span<const std::uint64_t> weights, std::uint64_t capacity) {
  std::size_t blocks = 1;
  std::uint64_t load = 0;
  for (const auto weight : weights) {
    if (load + weight > capacity) {
      ++blocks;
      load = 0;
    }
    load += weight;
  }
  return blocks;
}

// The smallest possible load of the busiest of `ranks` consecutive blocks.
std::uint64_t smallest_capacity(std::span<const std::uint64_t> weights, std::size_t ranks) {
  std::uint64_t low = *std::max_element(weights.begin(), weights.end());
  std::uint64_t high = std::accumulate(weights.begin(), weights.end(), std::uint64_t{0});
  while (low < high) {
    const auto middle = low + (high - low) / 2;
    if (blocks_needed(weights, middle) <= ranks)
      high = middle;
    else
      low = middle + 1;
  }
  return low;
}

}  // namespace

std::vector<std::uint64_t> owned_counts(const Tiling& tiling, const catalog::Table& halos,
                                        const mpi::Communicator& comm) {
  std::vector<std::uint64_t> counts(static_cast<std::size_t>(tiling.count()));
  for (const auto& centre : host_centres(halos, comm))
    ++counts[static_cast<std::size_t>(tiling.tile_of(centre))];
  comm.sum_in_place(std::span(counts));
  return counts;
}

std::vector<int> assign_tiles(std::span<const std::int64_t> todo, std::span<const std::uint64_t> owned_counts,
                              int ranks) {
  if (todo.empty()) return {};
  std::vector<std::uint64_t> weights(todo.size());
  std::transform(todo.begin(), todo.end(), weights.begin(),
                 [&](std::int64_t tile) { return owned_counts[static_cast<std::size_t>(tile)]; });
  const auto capacity = smallest_capacity(weights, static_cast<std::size_t>(ranks));
  std::vector<int> rank_of_todo(todo.size());
  int rank = 0;
  std::uint64_t load = 0;
  for (std::size_t i = 0; i < todo.size(); ++i) {
    // No rank stays idle as long as there are tiles for all that follow.
    const bool one_each = todo.size() - i <= static_cast<std::size_t>(ranks - rank - 1);
    if (i > 0 && (load + weights[i] > capacity || one_each)) {
      ++rank;
      load = 0;
    }
    load += weights[i];
    rank_of_todo[i] = rank;
  }
  return rank_of_todo;
}

std::vector<Patch> distribute(const Box& box, const Tiling& tiling, const catalog::Table& halos,
                              double ghost_width, std::span<const std::int64_t> todo,
                              std::span<const int> rank_of_todo, const mpi::Communicator& comm) {
  check_ghost_width(box, ghost_width);
  const auto centres = host_centres(halos, comm);
  const auto placements =
      mpi::agree(comm, [&] { return owned_placements(box, tiling, halos, centres, todo); });
  Placed mine;
  for (std::size_t row = 0; row < placements.size(); ++row)
    if (placements[row].slot >= 0) {
      mine.row.push_back(row);
      mine.placement.push_back(placements[row]);
    }
  const auto owned = deliver(halos, mine, rank_of_todo, comm);
  const auto reaches = gather_reaches(box, owned, todo.size(), ghost_width, comm);
  const auto ghost_rows = mpi::agree(comm, [&] { return find_ghosts(box, halos, placements, reaches); });
  const auto ghosts = deliver(halos, ghost_rows, rank_of_todo, comm);
  return mpi::agree(comm, [&] { return make_patches(box, todo, rank_of_todo, comm.rank(), owned, ghosts); });
}

}  // namespace halobrush::domain
