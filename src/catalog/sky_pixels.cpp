#include "halobrush/catalog/sky_pixels.hpp"

#include <healpix_base.h>

namespace halobrush::catalog {

std::int64_t SkyPixels::cell_of(const Vec3& position) const {
  return T_Healpix_Base<std::int64_t>(level_, NEST).vec2pix(vec3(position[0], position[1], position[2]));
}

Vec3 SkyPixels::direction_of(std::int64_t cell) const {
  const auto direction = T_Healpix_Base<std::int64_t>(level_, NEST).pix2vec(cell);
  return {direction.x, direction.y, direction.z};
}

std::int64_t SkyPixels::ring_number(std::int64_t cell) const {
  return T_Healpix_Base<std::int64_t>(level_, NEST).nest2ring(cell);
}

}  // namespace halobrush::catalog
