#include "pieces.hpp"

#include <algorithm>
#include <cmath>
#include <span>

#include "turns.hpp"

namespace halobrush::lightcone {
namespace {

// A box with sides along the axes, as the observer at the origin sees it.
struct Outlook {
  Vec3 low, high;

  double nearest() const { return low.cwiseMax(-high).cwiseMax(0).norm(); }
  double farthest() const { return low.cwiseAbs().cwiseMax(high.cwiseAbs()).norm(); }
  Vec3 centre() const { return (low + high) / 2; }
  double radius() const { return (high - low).norm() / 2; }
};

Outlook seen_by(const View& view, const Outlook& box) {
  const Vec3 a = view(box.low), b = view(box.high);
  return {a.cwiseMin(b), a.cwiseMax(b)};
}

// Whether galaxies of the cone whose hosts belong to the snapshot may lie in it.
bool may_hold(const Cone& cone, const Snapshot& snapshot, const Outlook& box) {
  return box.nearest() <= std::min(cone.far, snapshot.to) && box.farthest() >= std::max(cone.near, snapshot.from) &&
         cone.sky.may_hold(box.centre(), box.radius());
}

Outlook box_of(const Block& block) {
  return {Vec3(block.low.data()), Vec3(block.high.data())};
}

Outlook around(std::span<const Block> blocks) {
  auto all = box_of(blocks.front());
  for (const auto& block : blocks) all = {all.low.cwiseMin(box_of(block).low), all.high.cwiseMax(box_of(block).high)};
  return all;
}

}  // namespace

View view_of(const Cone& cone, const std::array<std::int32_t, 3>& image) {
  const auto& turn = cone.turned ? turn_of(image) : turns_of_a_cube().front();
  const Vec3 shift = Vec3(image[0] * cone.side[0], image[1] * cone.side[1], image[2] * cone.side[2]) - cone.observer;
  return {turn, cone.turned ? Vec3(cone.side / 2) : Vec3::Zero(), shift};
}

std::vector<Block> blocks_of(const Cone& cone) {
  std::vector<Block> blocks;
  for (std::size_t s = 0; s < cone.snapshots.size(); ++s)
    for (std::uint64_t first = 0; first < cone.snapshots[s].rows; first += rows_of_block)
      blocks.push_back({static_cast<std::int64_t>(s), first, std::min(rows_of_block, cone.snapshots[s].rows - first)});
  return blocks;
}

Images::Images(const Cone& cone) {
  for (std::size_t k = 0; k < 3; ++k) {
    // The observer is in the box, and a group reaches over its faces by half of a side at most.
    most_[k] = static_cast<std::int32_t>(std::ceil(cone.far / cone.side[static_cast<int>(k)])) + 2;
    width_[k] = 2 * std::int64_t{most_[k]} + 1;
  }
}

std::int64_t Images::number(const std::array<std::int32_t, 3>& image) const {
  return ((image[0] + most_[0]) * width_[1] + image[1] + most_[1]) * width_[2] + image[2] + most_[2];
}

std::vector<Piece> pieces_of(const Cone& cone, const std::vector<Block>& blocks) {
  const auto most = Images(cone).most();
  std::vector<Piece> pieces;
  for (std::size_t first = 0, end = 0; first < blocks.size(); first = end) {
    while (end < blocks.size() && blocks[end].snapshot == blocks[first].snapshot) ++end;
    const auto& snapshot = cone.snapshots[static_cast<std::size_t>(blocks[first].snapshot)];
    const auto whole = around(std::span(blocks).subspan(first, end - first));
    const auto seen = [&](const Outlook& box, const View& view) { return may_hold(cone, snapshot, seen_by(view, box)); };
    for (auto x = -most[0]; x <= most[0]; ++x)
      for (auto y = -most[1]; y <= most[1]; ++y)
        for (auto z = -most[2]; z <= most[2]; ++z) {
          const auto view = view_of(cone, {x, y, z});
          if (!seen(whole, view)) continue;
          for (auto i = first; i < end; ++i)
            if (seen(box_of(blocks[i]), view)) pieces.push_back({static_cast<std::int64_t>(i), {x, y, z}});
        }
  }
  return pieces;
}

std::vector<Unit> units_of(const std::vector<Piece>& pieces, const std::vector<Block>& blocks) {
  constexpr std::uint64_t most_rows = std::uint64_t{1} << 18;
  std::vector<Unit> units;
  std::uint64_t rows = 0;
  const auto block_of = [&](std::size_t piece) -> const Block& { return blocks[static_cast<std::size_t>(pieces[piece].block)]; };
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    const auto here = block_of(i).rows;
    if (units.empty() || rows + here > most_rows || block_of(i).snapshot != block_of(i - 1).snapshot) {
      units.push_back({i, i});
      rows = 0;
    }
    units.back().end = i + 1;
    rows += here;
  }
  return units;
}

}  // namespace halobrush::lightcone
