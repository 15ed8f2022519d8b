#include "turns.hpp"

#include <Eigen/LU>
#include <algorithm>
#include <string>

#include "halobrush/core/random.hpp"

namespace halobrush::lightcone {
namespace {

std::vector<Mat3> make_turns() {
  std::vector<Mat3> turns;
  std::array axes = {0, 1, 2};
  do {
    for (unsigned signs = 0; signs < 8; ++signs) {
      Mat3 turn = Mat3::Zero();
      for (int k = 0; k < 3; ++k) turn(k, axes[static_cast<std::size_t>(k)]) = (signs >> k) & 1U ? -1 : 1;
      if (turn.determinant() > 0) turns.push_back(turn);
    }
  } while (std::ranges::next_permutation(axes).found);
  return turns;
}

// vx, vy, vz are v; galaxy_axisA_x, ... are galaxy_axisA_; no tensors (tidal_4_xx), and no positions.
std::vector<std::string> vectors_in(const catalog::Table& rows) {
  std::vector<std::string> prefixes;
  for (const auto& column : rows.columns()) {
    const auto& name = column.spec.name;
    const auto prefix = name.substr(0, name.size() - 1);
    if (name.ends_with('x') && (prefix == "v" || prefix.ends_with('_')) && rows.has(prefix + 'y') && rows.has(prefix + 'z')) prefixes.push_back(prefix);
  }
  return prefixes;
}

}  // namespace

const std::vector<Mat3>& turns_of_a_cube() {
  static const auto turns = make_turns();
  return turns;
}

const Mat3& turn_of(const std::array<std::int32_t, 3>& image) {
  const auto& turns = turns_of_a_cube();
  if (image == std::array<std::int32_t, 3>{}) return turns.front();
  constexpr std::int64_t apart = std::int64_t{1} << 20;  // more than there are images along an axis
  RandomStream random(0, (image[0] * apart + image[1]) * apart + image[2], Purpose::image_turn);
  return turns[static_cast<std::size_t>(random.uniform() * static_cast<double>(turns.size()))];
}

void turn_vectors(catalog::Table& rows, const Mat3& turn) {
  for (const auto& prefix : vectors_in(rows)) {
    const auto vectors = rows.vectors(prefix);
    std::vector<Vec3> turned(rows.rows());
    for (std::size_t i = 0; i < turned.size(); ++i) turned[i] = turn * vectors[i];
    for (int k = 0; k < 3; ++k) {
      const auto fill = [&](auto column) {
        for (std::size_t i = 0; i < turned.size(); ++i) column[i] = static_cast<std::decay_t<decltype(column[i])>>(turned[i][k]);
      };
      const auto name = prefix + "xyz"[k];
      rows.is_single(name) ? fill(rows.get<float>(name)) : fill(rows.get<double>(name));
    }
  }
}

}  // namespace halobrush::lightcone
