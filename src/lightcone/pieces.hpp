// How the boxes of the snapshots are repeated about the observer, in pieces of bounded size.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "snapshots.hpp"

namespace halobrush::lightcone {

inline constexpr std::uint64_t rows_of_block = std::uint64_t{1} << 16;

/// Consecutive rows of a snapshot, and the box around these galaxies and their hosts; galaxies beside their hosts.
struct Block {
  std::int64_t snapshot = 0;
  std::uint64_t first = 0, rows = 0;
  std::array<double, 3> low{}, high{};  ///< Mpc/h
};

/// A block, so many sides of the box away.
struct Piece {
  std::int64_t block = 0;
  std::array<std::int32_t, 3> image{};
};

/// From the box to where the observer sees it: turned about its middle, and moved.
struct View {
  Mat3 turn;
  Vec3 middle, shift;
  Vec3 operator()(const Vec3& position) const { return turn * (position - middle) + middle + shift; }
};
View view_of(const Cone& cone, const std::array<std::int32_t, 3>& image);

/// Blocks of all snapshots, snapshot by snapshot; without their boxes.
std::vector<Block> blocks_of(const Cone& cone);

/// All pieces that may hold galaxies of the cone, in a fixed order: by snapshot, image and block.
std::vector<Piece> pieces_of(const Cone& cone, const std::vector<Block>& blocks);

/// Numbers the images that pieces_of() can give: as many for each snapshot.
class Images {
 public:
  explicit Images(const Cone& cone);
  std::int64_t count() const { return width_[0] * width_[1] * width_[2]; }
  std::int64_t number(const std::array<std::int32_t, 3>& image) const;
  const std::array<std::int32_t, 3>& most() const { return most_; }  ///< along each axis, either way

 private:
  std::array<std::int32_t, 3> most_;
  std::array<std::int64_t, 3> width_;
};

/// Pieces that one rank works on together: [begin, end).
struct Unit {
  std::size_t begin = 0, end = 0;
};
/// Of one snapshot each; at most 2^18 rows of blocks, or one piece.
std::vector<Unit> units_of(const std::vector<Piece>& pieces, const std::vector<Block>& blocks);

}  // namespace halobrush::lightcone
