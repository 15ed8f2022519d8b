#include "densities.hpp"

#include <array>
#include <cmath>
#include <numbers>

#include "halobrush/so3/igso3.hpp"
#include "halobrush/so3/rotation.hpp"

namespace halobrush::examples {
namespace {

constexpr double pi = std::numbers::pi;
constexpr double mixture_sigma = 0.3;

Mat3 from_angles(double pitch, double yaw, double roll) {
  return so3::exp(yaw * Vec3::UnitZ()) * so3::exp(pitch * Vec3::UnitY()) * so3::exp(roll * Vec3::UnitX());
}

std::size_t one_of(std::size_t n, RandomStream& random) {
  return static_cast<std::size_t>(random.uniform() * static_cast<double>(n));
}

Mat3 checkerboard(RandomStream& random) {
  const double x = pi * (random.uniform() - 0.5);
  const double odd = std::abs(std::fmod(std::floor(x), 2));
  const double y = random.uniform() - 2 * static_cast<double>(one_of(2, random)) + odd;
  return from_angles(x * pi / 4, y * pi / 2, 0);
}

Mat3 blobs(RandomStream& random) {
  constexpr double width = 1.0 / 6, c1 = 0.6, c2 = 0.5;
  constexpr std::array<std::array<double, 3>, 4> modes = {
      {{-c1, -c2, 0}, {c1, -c2, 0}, {-pi - c1, c2, pi}, {-pi + c1, c2, pi}}};
  const auto& [pitch, yaw, roll] = modes[one_of(4, random)];
  const double a = width * random.normal(), b = width * random.normal();
  return from_angles(pitch + a, yaw + b, roll);
}

Mat3 stripes(RandomStream& random) {
  constexpr std::array pitch = {-0.8, 0.8, 0.0};
  const double centre = pitch[one_of(3, random)], a = 0.1 * random.normal();
  return from_angles(centre + a, pi * random.normal(), 0);
}

const std::array<Mat3, 4>& mixture_centres() {
  static const std::array<Mat3, 4> centres = {from_angles(0.3, 0.2, 0.1), from_angles(-0.9, 1.4, 0.8),
                                              from_angles(1.1, -1.9, 2.5), from_angles(0.1, 2.9, -1.6)};
  return centres;
}

Mat3 mixture(RandomStream& random) {
  static const so3::Igso3Sampler kernel;
  const Mat3& centre = mixture_centres()[one_of(4, random)];
  return centre * so3::exp(kernel.tangent(mixture_sigma, random));
}

}  // namespace

std::optional<Density> density_named(const std::string& name) {
  if (name == "checkerboard") return Density::checkerboard;
  if (name == "blobs") return Density::blobs;
  if (name == "stripes") return Density::stripes;
  if (name == "mixture") return Density::mixture;
  return std::nullopt;
}

Mat3 draw(Density density, RandomStream& random) {
  switch (density) {
    case Density::checkerboard:
      return checkerboard(random);
    case Density::blobs:
      return blobs(random);
    case Density::stripes:
      return stripes(random);
    default:
      return mixture(random);
  }
}

std::vector<Mat3> draw(Density density, std::size_t n, std::uint64_t seed) {
  std::vector<Mat3> rotations;
  for (std::size_t i = 0; i < n; ++i) {
    RandomStream random(seed, static_cast<std::int64_t>(i), Purpose::law_orientation);
    rotations.push_back(draw(density, random));
  }
  return rotations;
}

double mixture_log_density(const Mat3& r) {
  double sum = 0;
  for (const auto& centre : mixture_centres())
    sum += so3::igso3_density(so3::angle(centre.transpose() * r), mixture_sigma) / 4;
  return std::log(sum);
}

}  // namespace halobrush::examples
