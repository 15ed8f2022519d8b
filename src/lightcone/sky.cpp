#include "halobrush/lightcone/sky.hpp"

#include <algorithm>
#include <cmath>

namespace halobrush::lightcone {

Vec3 direction(double ra, double dec) {
  return {std::cos(dec * degree) * std::cos(ra * degree), std::cos(dec * degree) * std::sin(ra * degree), std::sin(dec * degree)};
}

double ra_of(const Vec3& position) {
  const double ra = std::atan2(position[1], position[0]) / degree;
  return ra < 0 ? std::fmod(ra + 360, 360) : ra;  // -1e-300 + 360 is 360
}

double dec_of(const Vec3& position) {
  return std::atan2(position[2], std::hypot(position[0], position[1])) / degree;
}

Sky Sky::full() {
  return {};
}

Sky Sky::octant() {
  Sky sky;
  sky.kind_ = Kind::octant;
  return sky;
}

Sky Sky::cone(double ra, double dec, double radius) {
  Sky sky;
  sky.kind_ = Kind::cone;
  sky.axis_ = direction(ra, dec);
  sky.radius_ = radius * degree;
  return sky;
}

namespace {

// Exact for small angles, too.
double angle(const Vec3& a, const Vec3& b) {
  return std::atan2(a.cross(b).norm(), a.dot(b));
}

}  // namespace

bool Sky::holds(const Vec3& position) const {
  if (kind_ == Kind::full) return true;
  if (kind_ == Kind::octant) return (position.array() >= 0).all();
  return angle(position, axis_) <= radius_;
}

bool Sky::may_hold(const Vec3& centre, double radius) const {
  if (kind_ == Kind::full) return true;
  if (kind_ == Kind::octant) return (centre.array() >= -radius).all();
  const double distance = centre.norm();
  return distance <= radius || angle(centre, axis_) <= radius_ + std::asin(radius / distance) + 1e-9;
}

double Sky::area() const {
  constexpr double whole = 4 * std::numbers::pi / (degree * degree);
  if (kind_ == Kind::full) return whole;
  if (kind_ == Kind::octant) return whole / 8;
  return whole * (1 - std::cos(radius_)) / 2;
}

}  // namespace halobrush::lightcone
