#include "halobrush/domain/distribution.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <tuple>
#include <unordered_map>
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
  bool none() const { return first > last; }
};
Images images_within(double x, double low, double high, double side) {
  if (x - side < low && x + side > high) return x >= low && x <= high ? Images{0, 0} : Images{1, 0};  // nearly always
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

// @collective The rows of a table, sent along `routes`; each column is given up once it is sent.
catalog::Table send_rows(catalog::Table halos, const mpi::Routes& routes, const mpi::Communicator& comm) {
  auto arrived = halos.empty_like();
  for (std::size_t c = 0; c < halos.columns().size(); ++c)
    std::visit(
        [&]<class T>(std::vector<T>& values) {
          auto received = routes.send(std::span<const T>(values), comm).data;
          std::vector<T>().swap(values);
          arrived.columns()[c].data = std::move(received);
        },
        halos.columns()[c].data);
  return arrived;
}

// Appends the rows `rows` of every column to a message, and takes them out again.
void put_rows(const catalog::Table& halos, std::span<const std::size_t> rows, mpi::Packer& packer) {
  for (const auto& column : halos.columns())
    std::visit(
        [&]<class T>(const std::vector<T>& values) {
          std::vector<T> picked(rows.size());
          std::ranges::transform(rows, picked.begin(), [&](std::size_t row) { return values[row]; });
          packer.put(std::span<const T>(picked));
        },
        column.data);
}
void take_rows(mpi::Unpacker& unpacker, catalog::Table& halos) {
  for (auto& column : halos.columns())
    std::visit(
        [&]<class T>(std::vector<T>& values) {
          const auto more = unpacker.take<T>();
          values.insert(values.end(), more.begin(), more.end());
        },
        column.data);
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

Distribution::Distribution(const Box& box, Ownership ownership, catalog::Table halos, double ghost_width,
                           std::vector<std::int64_t> todo, const mpi::Communicator& comm)
    : box_(box), keeper_(keepers(todo, ownership.counts, comm.size())), rank_(comm.rank()), counts_(std::move(ownership.counts)) {
  check_ghost_width(box, ghost_width);
  std::ranges::copy_if(todo, std::back_inserter(tiles_),
                       [&](std::int64_t tile) { return keeper_[static_cast<std::size_t>(tile)] == rank_; });
  keep(std::move(halos), std::move(ownership.place), comm);
  mpi::agree(comm, [&] { sort_rows(); });
  extent_ = extents(comm);
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
void Distribution::keep(catalog::Table halos, std::vector<Place> place, const mpi::Communicator& comm) {
  std::vector<int> destination(place.size());
  std::ranges::transform(place, destination.begin(),
                         [&](const Place& p) { return keeper_[static_cast<std::size_t>(p.tile)]; });
  const mpi::Routes routes(destination, comm.size());
  std::vector<int>().swap(destination);
  place_ = routes.send(std::span<const Place>(place), comm).data;
  std::vector<Place>().swap(place);
  halos_ = send_rows(std::move(halos), routes, comm);
  halos_.resize(place_.size());
}

// By (tile, id): first into tiles, so that sorting looks at one tile's rows at a time.
void Distribution::sort_rows() {
  begin_.assign(counts_.size() + 1, 0);
  for (const auto& p : place_) ++begin_[static_cast<std::size_t>(p.tile) + 1];
  std::partial_sum(begin_.begin(), begin_.end(), begin_.begin());
  std::vector<std::size_t> order(place_.size());
  auto next = begin_;
  for (std::size_t row = 0; row < place_.size(); ++row) order[next[static_cast<std::size_t>(place_[row].tile)]++] = row;
  const auto ids = std::as_const(halos_).get<std::int64_t>("id");
  for (std::size_t tile = 0; tile < counts_.size(); ++tile)
    std::ranges::sort(std::span(order).subspan(begin_[tile], begin_[tile + 1] - begin_[tile]), {},
                      [&](std::size_t row) { return ids[row]; });
  std::vector<Place> place(order.size());
  std::ranges::transform(order, place.begin(), [&](std::size_t row) { return place_[row]; });
  place_ = std::move(place);
  reorder(halos_, order);
}

// Galaxies beside the tile's region share one bounding box; those further off one for each cell of a coarse mesh.
std::vector<Distribution::Reach> Distribution::reaches_of(std::int64_t tile, const std::array<Vec3, 2>& region,
                                                          double ghost_width) const {
  constexpr double cells = 32, inf = std::numeric_limits<double>::infinity();
  using Cell = std::array<std::int64_t, 3>;
  constexpr Cell beside = {std::numeric_limits<std::int64_t>::min(), 0, 0};
  std::map<Cell, Reach> reaches;
  const auto pos = halos_.vectors("");
  const auto t = static_cast<std::size_t>(tile);
  for (auto row = begin_[t]; row < begin_[t + 1]; ++row) {
    const Vec3 p = shifted(pos[row], place_[row].image, box_);
    const bool near = ((p - region[0]).array() >= -ghost_width).all() && ((region[1] - p).array() >= -ghost_width).all();
    Cell cell = beside;
    for (int k = 0; !near && k < 3; ++k)
      cell[static_cast<std::size_t>(k)] = static_cast<std::int64_t>(std::floor(p[k] / box_.side[k] * cells));
    auto& reach = reaches.try_emplace(cell, Reach{static_cast<std::int32_t>(tile), {{inf, inf, inf}, {-inf, -inf, -inf}}})
                      .first->second;
    for (std::size_t k = 0; k < 3; ++k) {
      reach.bounds.low[k] = std::min(reach.bounds.low[k], p[static_cast<int>(k)] - ghost_width);
      reach.bounds.high[k] = std::max(reach.bounds.high[k], p[static_cast<int>(k)] + ghost_width);
    }
  }
  std::vector<Reach> all;
  for (const auto& [cell, reach] : reaches) all.push_back(reach);
  return all;
}

std::span<const Distribution::Reach> Distribution::reaches_of(std::int64_t tile) const {
  const auto [first, last] = std::ranges::equal_range(reaches_, static_cast<std::int32_t>(tile), {}, &Reach::tile);
  return {first, last};
}

// @collective
std::vector<Distribution::Bounds> Distribution::extents(const mpi::Communicator& comm) const {
  constexpr double inf = std::numeric_limits<double>::infinity();
  struct Found {
    std::int64_t tile;
    Bounds extent;
  };
  std::vector<Found> mine;
  const auto pos = halos_.vectors("");
  for (std::size_t tile = 0; tile < counts_.size(); ++tile) {
    if (begin_[tile] == begin_[tile + 1]) continue;
    Bounds extent{{inf, inf, inf}, {-inf, -inf, -inf}};
    for (auto row = begin_[tile]; row < begin_[tile + 1]; ++row)
      for (std::size_t k = 0; k < 3; ++k) {
        extent.low[k] = std::min(extent.low[k], pos[row][static_cast<int>(k)]);
        extent.high[k] = std::max(extent.high[k], pos[row][static_cast<int>(k)]);
      }
    mine.push_back({static_cast<std::int64_t>(tile), extent});
  }
  std::vector<Bounds> extents(counts_.size(), {{inf, inf, inf}, {-inf, -inf, -inf}});
  for (const auto& found : comm.gather_all(std::span<const Found>(mine)).data)
    extents[static_cast<std::size_t>(found.tile)] = found.extent;
  return extents;
}

// In any periodic image.
bool Distribution::touches(const Bounds& extent, const Reach& reach) const {
  for (std::size_t k = 0; k < 3; ++k) {
    const double side = box_.side[static_cast<int>(k)];
    const double first = (reach.bounds.low[k] - extent.high[k]) / side, last = (reach.bounds.high[k] - extent.low[k]) / side;
    if (!(std::ceil(first - 1e-9) <= std::floor(last + 1e-9))) return false;
  }
  return true;
}

// A galaxy costs as much again when it has all the neighbours in its group that models look at.
std::vector<TileCost> Distribution::costs() const {
  constexpr std::size_t neighbours = 16;
  const double row = catalog::bytes_per_row(halos_) + sizeof(Member);
  const auto host = halos_.get<std::int64_t>("host_id");
  std::vector<TileCost> costs;
  for (const auto tile : tiles_) {
    const auto first = begin_[static_cast<std::size_t>(tile)], last = begin_[static_cast<std::size_t>(tile) + 1];
    std::unordered_map<std::int64_t, std::size_t> members;
    for (auto i = first; i < last; ++i) ++members[host[i]];
    double cost = static_cast<double>(last - first);
    for (const auto& [id, count] : members)
      cost += static_cast<double>(count * std::min(count - 1, neighbours)) / neighbours;
    costs.push_back({tile, cost, row * static_cast<double>(last - first), rank_});
  }
  return costs;
}

// Each rank that keeps halos of some of the tiles, or near them, is asked for those.
std::vector<mpi::Service::Question> Distribution::questions_for(std::span<const std::int64_t> tiles) const {
  std::map<int, std::vector<std::int64_t>> wanted;  // by rank
  const auto want = [&](std::size_t from, std::int64_t tile) {
    auto& list = wanted[keeper_[from]];
    if (list.empty() || list.back() != tile) list.push_back(tile);
  };
  for (const auto tile : tiles) {
    want(static_cast<std::size_t>(tile), tile);
    for (std::size_t from = 0; from < extent_.size(); ++from)
      if (std::ranges::any_of(reaches_of(tile), [&](const Reach& reach) { return touches(extent_[from], reach); }))
        want(from, tile);
  }
  std::vector<mpi::Service::Question> questions;
  for (const auto& [rank, list] : wanted)
    questions.push_back({rank, mpi::Packer().put(std::span<const std::int64_t>(list)).take()});
  return questions;
}

// Halos of the tile `from` that are ghosts within some reaches of one tile, in every image, each once.
void Distribution::add_ghosts(std::int64_t from, std::span<const Reach> reaches, std::vector<std::size_t>& rows,
                              std::vector<Member>& members) const {
  const auto pos = halos_.vectors("");
  const auto f = static_cast<std::size_t>(from);
  for (auto row = begin_[f]; row < begin_[f + 1]; ++row) {
    const auto first = static_cast<std::ptrdiff_t>(members.size());
    const Vec3 p = pos[row];
    for (const auto& reach : reaches) {
      const auto images = [&](std::size_t k) {
        return images_within(p[static_cast<int>(k)], reach.bounds.low[k], reach.bounds.high[k],
                             box_.side[static_cast<int>(k)]);
      };
      const auto along_x = images(0);
      if (along_x.none()) continue;
      const auto along_y = images(1);
      if (along_y.none()) continue;
      const auto along_z = images(2);
      for (auto x = along_x.first; x <= along_x.last; ++x)
        for (auto y = along_y.first; y <= along_y.last; ++y)
          for (auto z = along_z.first; z <= along_z.last; ++z) {
            const Place place{reach.tile, {x, y, z}};
            if (place == place_[row] || std::ranges::count(members.begin() + first, members.end(), place, &Member::place) > 0)
              continue;
            rows.push_back(row);
            members.push_back({place, false});
          }
    }
  }
}

// What is kept here of the patches of some tiles.
mpi::Bytes Distribution::answer(std::span<const std::byte> question) const {
  std::vector<std::size_t> rows;
  std::vector<Member> members;
  for (const auto tile : mpi::Unpacker(question).take<std::int64_t>()) {
    for (auto row = begin_.at(static_cast<std::size_t>(tile)); row < begin_[static_cast<std::size_t>(tile) + 1]; ++row) {
      rows.push_back(row);
      members.push_back({place_[row], true});
    }
    for (std::size_t from = 0; from < extent_.size(); ++from) {
      if (begin_[from] == begin_[from + 1]) continue;
      std::vector<Reach> near;
      std::ranges::copy_if(reaches_of(tile), std::back_inserter(near),
                           [&](const Reach& reach) { return touches(extent_[from], reach); });
      if (!near.empty()) add_ghosts(static_cast<std::int64_t>(from), near, rows, members);
    }
  }
  mpi::Packer packer;
  packer.put(std::span<const Member>(members));
  put_rows(halos_, rows, packer);
  return packer.take();
}

Distribution::Members Distribution::gathered(const std::vector<mpi::Bytes>& answers) const {
  Members all{columns(), {}};
  for (const auto& answer : answers) {
    mpi::Unpacker unpacker(answer);
    const auto members = unpacker.take<Member>();
    all.member.insert(all.member.end(), members.begin(), members.end());
    take_rows(unpacker, all.halos);
  }
  all.halos.resize(all.member.size());
  return all;
}

Patch Distribution::patch_of(std::int64_t tile, const Members& members, std::span<const std::size_t> rows) const {
  Patch patch;
  patch.tile = tile;
  patch.owned = static_cast<std::size_t>(
      std::ranges::count_if(rows, [&](std::size_t row) { return members.member[row].owned != 0; }));
  patch.halos = members.halos.select(rows);
  const auto pos = members.halos.vectors("");
  patch.pos.reserve(rows.size());
  for (const auto row : rows) patch.pos.push_back(shifted(pos[row], members.member[row].place.image, box_));
  return patch;
}

std::vector<Patch> Distribution::patches(std::span<const std::int64_t> tiles, const Ask& ask) const {
  const auto members = gathered(ask(questions_for(tiles)));
  const auto ids = members.halos.get<std::int64_t>("id");
  std::vector<std::size_t> order(ids.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::sort(order, {}, [&](std::size_t i) {
    const auto& [place, owned] = members.member[i];
    return std::tuple(place.tile, -owned, ids[i], place.image);
  });
  std::vector<Patch> patches;
  for (const auto tile : tiles) {
    const auto [first, last] = std::ranges::equal_range(
        order, tile, {}, [&](std::size_t i) { return static_cast<std::int64_t>(members.member[i].place.tile); });
    patches.push_back(patch_of(tile, members, std::span(first, last)));
  }
  return patches;
}

}  // namespace halobrush::domain
