// The one place that knows nanoflann (1.4 and later): a kd-tree whose searches hand over candidates and leave
// the decision, and so its exact symmetry and its ties, to the caller.
#pragma once

#include <cstddef>
#include <limits>
#include <nanoflann.hpp>
#include <span>

#include "halobrush/core/geometry.hpp"

namespace halobrush::graph {

/// The same bits for (a, b) and (b, a).
inline double squared_distance(const Vec3& a, const Vec3& b) {
  const double x = a[0] - b[0], y = a[1] - b[1], z = a[2] - b[2];
  return x * x + y * y + z * z;
}

class Tree {
 public:
  /// The points must outlive the tree. pos [n,3] Mpc/h, best in an order in which neighbours are near in
  /// memory.
  explicit Tree(std::span<const Vec3> pos) : points_{pos}, index_(3, points_, {leaf_size}) {}
  Tree(const Tree&) = delete;
  Tree& operator=(const Tree&) = delete;

  /// Calls found(index) for every point that may lie within `reach()` of the centre (squared, may shrink on
  /// the way).
  template <class Reach, class Found>
  void search(const Vec3& centre, Reach reach, Found found) const {
    Candidates<Reach, Found> candidates{reach, found};
    static_cast<void>(index_.findNeighbors(candidates, centre.data(), {}));
  }

 private:
  static constexpr std::size_t leaf_size = 32;

  struct Points {
    std::span<const Vec3> pos;
    std::size_t kdtree_get_point_count() const { return pos.size(); }
    double kdtree_get_pt(std::size_t row, std::size_t axis) const { return pos[row][static_cast<int>(axis)]; }
    template <class Bounds>
    bool kdtree_get_bbox(Bounds&) const {
      return false;
    }
  };

  // What nanoflann expects of a result set. It compares with "<" and with distances to nodes that carry
  // rounding errors, so it is told a little more than the reach.
  template <class Reach, class Found>
  struct Candidates {
    using DistanceType = double;
    Reach& reach;
    Found& found;
    double worstDist() const { return reach() * (1 + 1e-12) + std::numeric_limits<double>::min(); }
    bool addPoint(double, std::size_t row) {
      found(row);
      return true;
    }
    bool full() const { return true; }
    void sort() const {}  ///< called from 1.6 on
  };

  using Index =
      nanoflann::KDTreeSingleIndexAdaptor<nanoflann::L2_Simple_Adaptor<double, Points, double, std::size_t>,
                                          Points, 3, std::size_t>;
  Points points_;
  Index index_;
};

}  // namespace halobrush::graph
