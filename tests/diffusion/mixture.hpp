// A density whose score at every noise level is known: a mixture of heat kernels stays one when it is
// blurred.
#pragma once

#include <cmath>
#include <vector>

#include "halobrush/diffusion/flow_density.hpp"
#include "halobrush/so3/igso3.hpp"
#include "halobrush/so3/rotation.hpp"

namespace halobrush::testing_support {

struct Mixture {
  std::vector<Mat3> centres;
  double width = 0.3;  ///< rad

  static Mixture of_four() {
    Mixture mixture;
    for (std::int64_t k = 0; k < 4; ++k) {
      RandomStream random(31, k, Purpose::test);
      mixture.centres.push_back(so3::uniform_rotation(random));
    }
    return mixture;
  }

  double log_density(const Mat3& r, double sigma = 0) const {
    double sum = 0;
    for (const auto& c : centres)
      sum += so3::igso3_density(so3::angle(c.transpose() * r), std::hypot(width, sigma));
    return std::log(sum / static_cast<double>(centres.size()));
  }

  Vec3 score(const Mat3& r, double sigma) const {
    Vec3 sum = Vec3::Zero();
    double total = 0;
    for (const auto& c : centres) {
      const double blurred = std::hypot(width, sigma),
                   f = so3::igso3_density(so3::angle(c.transpose() * r), blurred);
      sum += f * so3::igso3_score(c, r, blurred);
      total += f;
    }
    return sum / total;
  }

  Mat3 draw(std::uint64_t seed, std::int64_t id) const {
    static const so3::Igso3Sampler kernel;
    RandomStream random(seed, id, Purpose::test);
    const auto k = static_cast<std::size_t>(random.uniform() * static_cast<double>(centres.size()));
    return centres[k] * so3::exp(kernel.tangent(width, random));
  }

  /// Exact jumps; labels, where there are any, are independent normals of variance one.
  diffusion::DenoiseWithDivergence denoiser(const diffusion::NoiseRange& range) const {
    return [*this, range](const diffusion::State& state, double level, diffusion::Divergence* divergence) {
      const auto noise = diffusion::noise_at(range, level);
      const double square = noise.rotation * noise.rotation, kept = 1 / (1 + noise.scalar * noise.scalar),
                   h = 1e-4;
      diffusion::Estimate estimate;
      for (const auto& r : state.frames) {
        estimate.jump.push_back(square * score(r, noise.rotation));
        if (divergence == nullptr) continue;
        double sum = 0;
        for (int k = 0; k < 3; ++k) {
          const Mat3 step = so3::exp(h * Vec3::Unit(k));
          sum += (score(r * step, noise.rotation) - score(r * step.transpose(), noise.rotation))[k] / (2 * h);
        }
        divergence->jump.push_back(square * sum);
      }
      for (const double x : state.labels) estimate.labels.push_back(kept * x);
      if (divergence != nullptr && !state.labels.empty())
        divergence->labels.assign(state.frames.size(),
                                  kept * static_cast<double>(state.labels.size() / state.frames.size()));
      return estimate;
    };
  }

  diffusion::Denoise plain(const diffusion::NoiseRange& range) const {
    return [full = denoiser(range)](const diffusion::State& state, double level) {
      return full(state, level, nullptr);
    };
  }
};

}  // namespace halobrush::testing_support
