// The mixture of Gaussians of a model's inputs: one Gaussian in closed form, steps that never fall, seeds that
// repeat, and a shift that no distance from the mean sees.
#include "halobrush/model/mixture.hpp"

#include <gtest/gtest.h>

#include <Eigen/Dense>
#include <cmath>
#include <numbers>

#include "halobrush/core/random.hpp"
#include "halobrush/model/input_range.hpp"
#include "support/patches.hpp"

namespace halobrush::model {
namespace {

// Two crossing streaks in the plane and a third number that never varies.
std::vector<double> streaks(std::size_t n, std::int64_t id) {
  std::vector<double> points;
  RandomStream random(3, id, Purpose::test);
  for (std::size_t i = 0; i < n; ++i) {
    const double along = random.normal(), across = 0.1 * random.normal();
    const bool first = random.uniform() < 0.7;
    for (const double v : {along, (first ? along : -along) + across, 2.0}) points.push_back(v);
  }
  return points;
}

TEST(Mixture, of_one_component_is_the_gaussian_of_mean_and_covariance) {
  const std::size_t n = 4'000;
  const auto points = streaks(n, 1);
  const auto m = fit_mixture(points, 3, 1, 0).mixture;
  ASSERT_EQ(m.components(), 1u);
  EXPECT_FLOAT_EQ(m.weight[0], 1);

  const Eigen::Map<const Eigen::Matrix<double, Eigen::Dynamic, 3, Eigen::RowMajor>> x(points.data(), n, 3);
  const Eigen::Vector3d mean = x.colwise().mean();
  const auto delta = (x.rowwise() - mean.transpose()).eval();
  const Eigen::Matrix3d covariance = delta.transpose() * delta / n + 1e-3 * Eigen::Matrix3d::Identity();
  for (const Eigen::Vector3d& point : {Eigen::Vector3d(0.3, -0.2, 2.0), Eigen::Vector3d(2, 2, 2.1)}) {
    const double square = (point - mean).dot(covariance.inverse() * (point - mean));
    EXPECT_NEAR(m.distance({point.data(), 3}), std::sqrt(square), 1e-4 * std::sqrt(square));
    const double log_density =
        -0.5 * (square + std::log(covariance.determinant()) + 3 * std::log(2 * std::numbers::pi));
    EXPECT_NEAR(m.log_density({point.data(), 3}), log_density, 1e-3 * std::abs(log_density));
  }
}

TEST(Mixture, never_gets_worse_from_step_to_step) {
  for (const std::size_t components : {2u, 3u, 8u}) {
    const auto steps = fit_mixture(streaks(2'000, 2), 3, components, 0).bound;
    ASSERT_GE(steps.size(), 2u);
    for (std::size_t i = 1; i < steps.size(); ++i)
      EXPECT_GE(steps[i], steps[i - 1] - 1e-9) << components << " components, step " << i;
  }
}

TEST(Mixture, finds_what_it_was_drawn_from) {
  const auto m = fit_mixture(streaks(4'000, 3), 3, 2, 0).mixture;
  ASSERT_EQ(m.components(), 2u);
  EXPECT_NEAR(std::max(m.weight[0], m.weight[1]), 0.7, 0.05);
  const auto one = fit_mixture(streaks(4'000, 3), 3, 1, 0).mixture;
  const auto others = streaks(1'000, 4);
  double gained = 0;
  for (std::size_t i = 0; i < others.size(); i += 3)
    gained += m.log_density(std::span(others).subspan(i, 3)) - one.log_density(std::span(others).subspan(i, 3));
  EXPECT_GT(gained / 1'000, 0.5) << "nats a point over one Gaussian";
}

TEST(Mixture, is_the_same_for_the_same_seed_only) {
  const auto points = streaks(2'000, 5);
  const auto a = fit_mixture(points, 3, 4, 0).mixture, b = fit_mixture(points, 3, 4, 0).mixture,
             c = fit_mixture(points, 3, 4, 1).mixture;
  EXPECT_EQ(a.weight, b.weight);
  EXPECT_EQ(a.mean, b.mean);
  EXPECT_EQ(a.whitening, b.whitening);
  EXPECT_NE(a.mean, c.mean);
}

TEST(Mixture, of_few_points_or_equal_ones_is_finite) {
  for (const std::size_t n : {1u, 2u, 10u}) {
    const auto m = fit_mixture(std::vector<double>(3 * n, 1.0), 3, 1, 0).mixture;
    EXPECT_TRUE(std::isfinite(m.log_density(std::vector<double>{1, 1, 1}))) << n;
    EXPECT_NEAR(m.distance(std::vector<double>{1, 1, 1}), 0, 1e-6);
  }
}

// Scalars on a line with a small scatter, beside norms that do not vary.
LabelledInputs galaxies(std::size_t n, std::int64_t seed, double offset) {
  LabelledInputs all;
  all.nodes.nodes = n;
  RandomStream random(4, seed, Purpose::test);
  for (std::size_t i = 0; i < n; ++i) {
    const double z = random.normal();
    all.nodes.scalars.insert(all.nodes.scalars.end(), {12 + z, 12.5 + 0.8 * (z + 0.1 * random.normal() + offset)});
    all.nodes.polar.insert(all.nodes.polar.end(), {0, 0, 0});
    all.nodes.axial.insert(all.nodes.axial.end(), {1, 0, 0});
    all.nodes.tensors.insert(all.nodes.tensors.end(), 12, 0.1);
    all.id.push_back(seed * 1'000'000 + static_cast<std::int64_t>(i));
    all.region.push_back(static_cast<float>(i % 125));
  }
  return all;
}

TEST(InputDensity, flags_what_lies_beside_the_training_and_one_in_two_hundred_of_its_kind) {
  auto spec = testing_support::small_spec();
  spec.density = fit_input_density(galaxies(6'000, 1, 0), galaxies(2'000, 2, 0), spec);
  ASSERT_TRUE(spec.density.known());
  EXPECT_EQ(spec.density.held_out, 2'000u);
  EXPECT_LE(spec.density.beyond, 0.005);
  const auto share = [&](const LabelledInputs& of) {
    const auto flags = out_of_distribution(of.nodes, of.nodes.nodes, spec);
    return static_cast<double>(std::ranges::count(flags, 1)) / static_cast<double>(flags.size());
  };
  EXPECT_LE(share(galaxies(4'000, 3, 0)), 0.01);
  EXPECT_GT(share(galaxies(4'000, 4, 0.5)), 0.9) << "half a deviation, five times the scatter";
}

TEST(InputDensity, depends_on_no_order) {
  const auto spec = testing_support::small_spec();
  auto forward = galaxies(500, 1, 0), backward = forward;
  for (std::size_t i = 0; i < 500; ++i) {
    backward.id[i] = forward.id[499 - i];
    std::copy_n(&forward.nodes.scalars[2 * (499 - i)], 2, &backward.nodes.scalars[2 * i]);
    backward.region[i] = forward.region[499 - i];
  }
  const auto a = fit_input_density(forward, galaxies(100, 2, 0), spec), b = fit_input_density(backward, galaxies(100, 2, 0), spec);
  EXPECT_EQ(a.mixture.mean, b.mixture.mean);
  EXPECT_EQ(a.distance, b.distance);
  const auto one = sample_inputs(forward, spec), other = sample_inputs(backward, spec);
  EXPECT_EQ(one.values, other.values);
  EXPECT_EQ(one.region, other.region);
}

}  // namespace
}  // namespace halobrush::model
