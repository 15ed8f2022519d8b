// The density of the shipped orientation model in environments of the shipped halos.
#include <gtest/gtest.h>

#include <Eigen/Geometry>
#include <algorithm>
#include <cmath>
#include <numbers>

#include "halobrush/pipeline/pipeline.hpp"

namespace halobrush::pipeline {
namespace {

// Points that cover SO(3) evenly: a super-Fibonacci spiral (Alexa 2022, CVPR, eq. 11). The mean over them is
// the integral against Haar measure, for smooth functions far closer than over as many random rotations.
std::vector<Mat3> spiral(std::size_t n) {
  constexpr double phi = std::numbers::sqrt2, psi = 1.533751168755204288118041;
  std::vector<Mat3> rotations;
  for (std::size_t i = 0; i < n; ++i) {
    const double s = static_cast<double>(i) + 0.5, t = s / static_cast<double>(n);
    const double alpha = 2 * std::numbers::pi * s / phi, beta = 2 * std::numbers::pi * s / psi;
    const double r = std::sqrt(t), q = std::sqrt(1 - t);
    rotations.push_back(
        Eigen::Quaterniond(q * std::cos(beta), r * std::sin(alpha), r * std::cos(alpha), q * std::sin(beta))
            .toRotationMatrix());
  }
  return rotations;
}

// Rows that are alone in their host halo: what others say changes nothing of their density.
std::vector<std::size_t> lonely(const model::Inputs& inputs, std::size_t count) {
  std::vector<std::size_t> rows;
  for (std::size_t i = 0; i < inputs.owned && rows.size() < count; ++i)
    if (std::ranges::find(inputs.group.destination, static_cast<std::int64_t>(i)) ==
        inputs.group.destination.end())
      rows.push_back(i);
  return rows;
}

TEST(ShippedOrientationModel, integrates_to_one_in_twenty_environments) {
  const mpi::Communicator self(MPI_COMM_SELF);
  const std::string root = HALOBRUSH_SOURCE_DIR;
  const auto config = config::load(root + "/config/demo.yaml",
                                   {"input.path=" + root + "/data/demo/rockstar_z0_pid.list.gz", "input.min_particles=0",
                                    "painter.model=" + root + "/models/demo-orientation.safetensors"});
  StageTimes times;
  const auto log = make_logger(false);
  auto halos = load_halos(config, self, times, *log);
  const auto painter = model::make_painter(config, halos.halos, halos.simulation);
  const auto box = box_of(halos.simulation);
  const std::vector<std::int64_t> tile = {555};
  auto owned = domain::Ownership::of(box, {10, 10, 10}, true, halos.halos, self);
  const domain::Distribution distribution(box, std::move(owned), std::move(halos.halos), painter->needs().ghost_width(),
                                          tile, self);
  domain::PatchQueue queue(distribution, domain::PatchQueue::Deal::kept, 1e9, self);
  const auto patches = queue.next();
  queue.finish();
  ASSERT_EQ(patches.size(), 1u);
  const auto inputs = inputs_of(patches[0], painter->needs());
  const auto rows = lonely(inputs, 20);
  ASSERT_EQ(rows.size(), 20u);

  const auto rotations = spiral(450);
  std::vector<double> integral(rows.size(), 0), largest(rows.size(), 0);
  for (const auto& rotation : rotations) {
    const model::Observed turned{
        std::vector<Mat3>(inputs.owned, rotation), {}, {std::vector<std::uint8_t>(inputs.owned, 1)}};
    const auto log_p = painter->log_density(inputs, turned);
    for (std::size_t k = 0; k < rows.size(); ++k) {
      const double p = std::exp(log_p[rows[k]]);
      integral[k] += p / static_cast<double>(rotations.size());
      largest[k] = std::max(largest[k], p);
    }
  }
  for (const double one : integral) EXPECT_NEAR(one, 1, 0.01);
  EXPECT_GT(*std::ranges::max_element(largest), 2) << "densities near 1 everywhere would prove nothing";
}

}  // namespace
}  // namespace halobrush::pipeline
