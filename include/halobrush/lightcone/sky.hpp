// The part of the sky that a light cone covers. The observer is at the origin; right ascension 0 is x, the pole z.
#pragma once

#include <numbers>
#include <string>

#include "halobrush/core/geometry.hpp"

namespace halobrush::lightcone {

inline constexpr double degree = std::numbers::pi / 180;

/// Towards a place on the sky, degrees.
Vec3 direction(double ra, double dec);
/// Of a position: right ascension in [0, 360) and declination, degrees.
double ra_of(const Vec3& position);
double dec_of(const Vec3& position);

class Sky {
 public:
  static Sky full();
  /// x, y and z >= 0: right ascension and declination 0 to 90 degrees.
  static Sky octant();
  /// All within `radius` degrees of a place.
  static Sky cone(double ra, double dec, double radius);

  bool is_full() const { return kind_ == Kind::full; }
  bool holds(const Vec3& position) const;
  /// False only where no position of a ball is held.
  bool may_hold(const Vec3& centre, double radius) const;
  /// Square degrees.
  double area() const;

 private:
  enum class Kind { full, octant, cone };
  Kind kind_ = Kind::full;
  Vec3 axis_ = Vec3::UnitX();
  double radius_ = 0;  // radians
};

}  // namespace halobrush::lightcone
