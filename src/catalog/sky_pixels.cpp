#include "halobrush/catalog/sky_pixels.hpp"

#include <healpix_base.h>

namespace halobrush::catalog {

std::int64_t SkyPixels::cell_of(const Vec3& position) const {
  return T_Healpix_Base<std::int64_t>(level_, NEST).vec2pix(vec3(position[0], position[1], position[2]));
}

}  // namespace halobrush::catalog
