// A stated density of orientations: the galaxy's axes are drawn to, or pushed from, directions around it.
#pragma once

#include "halobrush/core/geometry.hpp"
#include "halobrush/core/random.hpp"

namespace halobrush::model {

/// p(R) ~ exp(kappa_a (a.u)^2 + a^T also a + kappa_c (c.w)^2) on SO(3) against Haar measure, a and c the first and
/// last column of R; u, w unit, not necessarily orthogonal. Any kappa, also negative; kappa = 0 where its vector
/// is 0. `also`: symmetric, what else pulls at the major axis.
struct OrientationLaw {
  Vec3 u, w;
  double kappa_a = 0, kappa_c = 0;
  Mat3 also = Mat3::Zero();

  Mat3 form() const;                        ///< all that pulls at the major axis
  Mat3 sample(RandomStream& random) const;  ///< exact, no table
  double log_density(const Mat3& frame) const;
  double log_normalisation() const;  ///< log of the integral of the exponential over SO(3), to 1e-10
};

}  // namespace halobrush::model
