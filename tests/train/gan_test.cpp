// The graph GAN against closed forms, finite differences and a plain double loop, in double precision.
#include "gan.hpp"

#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <cmath>

#include "halobrush/core/random.hpp"
#include "halobrush/so3/ellipsoid.hpp"
#include "halobrush/so3/rotation.hpp"
#include "support/patches.hpp"

namespace halobrush::train {
namespace {

using torch::Tensor;

const auto wide = torch::TensorOptions().dtype(torch::kFloat64);

Tensor random_numbers(std::vector<std::int64_t> shape, std::int64_t id) {
  auto t = torch::empty(shape, wide);
  RandomStream random(3, id, Purpose::test);
  for (std::int64_t i = 0; i < t.numel(); ++i) t.data_ptr<double>()[i] = random.normal();
  return t;
}

model::ModelSpec small_gan() {
  auto spec = testing_support::small_spec();
  spec.painter = "graph_gan";
  spec.gan = {8, 2, 3};
  return spec;
}

class GraphGan : public testing::Test {
 protected:
  model::ModelSpec spec = small_gan();
  testing_support::Patch patch = testing_support::random_patch(spec, 40, 0, 5);
  networks::GroupBatch batch = networks::make_group_batch(patch.inputs(), spec, wide);
  std::int64_t labels = static_cast<std::int64_t>(spec.labels.size());
};

TEST_F(GraphGan, directional_layer_is_the_stated_sum) {
  const std::int64_t in = 4, out = 5, m = 3;
  const networks::DirectionalLayer layer{random_numbers({(1 + m) * in, out}, 1), random_numbers({out}, 2),
                                      random_numbers({3, m}, 3)};
  const auto h = random_numbers({batch.owned, in}, 4);
  const auto y = networks::directional(h, layer, batch);
  const auto edges = patch.inputs().group;
  for (std::int64_t i = 0; i < batch.owned; ++i)
    for (std::int64_t o = 0; o < out; ++o) {
      double expected = layer.bias[o].item<double>();
      for (std::int64_t k = 0; k < in; ++k)
        expected += h[i][k].item<double>() * layer.weight[k][o].item<double>();
      double neighbours = 0, sum = 0;
      for (std::size_t e = 0; e < edges.size(); ++e) {
        if (edges.destination[e] != i) continue;
        neighbours += 1;
        const auto j = edges.source[e];
        const Vec3 d = batch.canonical[static_cast<std::size_t>(i)].transpose() *
                       (patch.pos[static_cast<std::size_t>(j)] - patch.pos[static_cast<std::size_t>(i)]);
        std::vector<double> q;
        double total = 0;
        for (std::int64_t k = 0; k < m; ++k) {
          double u = 0;
          for (int c = 0; c < 3; ++c) u += layer.direction[c][k].item<double>() * d[c];
          q.push_back(std::exp(u));
          total += q.back();
        }
        for (std::int64_t k = 0; k < m; ++k)
          for (std::int64_t a = 0; a < in; ++a)
            sum += q[static_cast<std::size_t>(k)] / total * h[j][a].item<double>() *
                   layer.weight[(1 + k) * in + a][o].item<double>();
      }
      if (neighbours > 0) expected += sum / neighbours;
      ASSERT_NEAR(y[i][o].item<double>(), expected, 1e-10) << "galaxy " << i << ", output " << o;
    }
}

TEST_F(GraphGan, a_rotation_of_everything_turns_the_galaxies_with_it) {
  const networks::Generator generator(spec, 5, wide);
  const auto noise = random_numbers({batch.owned, networks::axis_numbers + labels}, 6);
  const auto before = generator(noise, batch);
  RandomStream random(8, 0, Purpose::test);
  const Mat3 q = so3::uniform_rotation(random);
  const auto turned_patch = patch.transformed(q);
  const auto turned = networks::make_group_batch(turned_patch.inputs(), spec, wide);
  const auto after = generator(noise, turned);
  EXPECT_LT((after.labels - before.labels).abs().max().item<double>(), 1e-9);
  EXPECT_LT((after.major - before.major).abs().max().item<double>(), 1e-9);
  for (std::size_t i = 0; i < batch.canonical.size(); ++i)
    EXPECT_LT((turned.canonical[i] - q * batch.canonical[i]).norm(), 1e-9);
}

TEST_F(GraphGan, draws_orthonormal_axes) {
  const networks::Generator generator(spec, 5, wide);
  const auto g = generator(random_numbers({batch.owned, networks::axis_numbers + labels}, 6), batch);
  EXPECT_LT(((g.major * g.major).sum(1) - 1).abs().max().item<double>(), 1e-9);
  EXPECT_LT(((g.minor * g.minor).sum(1) - 1).abs().max().item<double>(), 1e-9);
  EXPECT_LT((g.major * g.minor).sum(1).abs().max().item<double>(), 1e-9);
}

TEST_F(GraphGan, critic_sees_the_four_frames_of_an_ellipsoid_as_one) {
  const auto frames = random_numbers({4, 3}, 9);
  const auto view =
      networks::critic_view(model::Orientation::ellipsoid, frames, frames.flip({0}), torch::zeros({4, 0}, wide));
  for (const auto& d : so3::ellipsoid_symmetry()) {
    const auto other = networks::critic_view(model::Orientation::ellipsoid, frames * d(0, 0),
                                          frames.flip({0}) * d(2, 2), torch::zeros({4, 0}, wide));
    EXPECT_EQ((view - other).abs().max().item<double>(), 0);
  }
}

TEST_F(GraphGan, critic_tells_a_spin_from_its_opposite_and_does_not_see_the_roll) {
  const auto axes = random_numbers({4, 3}, 9), none = torch::zeros({4, 0}, wide);
  const auto view = [&](const Tensor& major, const Tensor& spin) {
    return networks::critic_view(model::Orientation::spin, major, spin, none);
  };
  EXPECT_EQ((view(axes, axes) - view(axes.flip({0}), axes)).abs().max().item<double>(), 0);
  EXPECT_GT((view(axes, axes) - view(axes, -axes)).abs().max().item<double>(), 0.1);
}

TEST_F(GraphGan, penalty_of_a_linear_critic_is_known) {
  const auto slope = random_numbers({7, 1}, 10).requires_grad_(true);
  const auto real = random_numbers({5, 7}, 11), fake = random_numbers({5, 7}, 12);
  const auto critic = [&](const Tensor& view) { return torch::mm(view, slope); };
  const auto penalty = gradient_penalty(critic, real, fake, torch::full({5, 1}, 0.3, wide));
  const double norm = slope.norm().item<double>();
  for (std::int64_t i = 0; i < 5; ++i)
    EXPECT_NEAR(penalty[i][0].item<double>(), (norm - 1) * (norm - 1), 1e-9);
  const auto gradient = torch::autograd::grad({penalty.sum()}, {slope})[0];
  const auto expected = 5 * 2 * (norm - 1) / norm * slope.detach();  // of n (|w| - 1)^2
  EXPECT_LT((gradient - expected).abs().max().item<double>(), 1e-9);
}

TEST_F(GraphGan, penalty_of_the_critic_differentiates_as_finite_differences_say) {
  networks::Critic critic(spec, 5, wide);
  const auto numbers = networks::orientation_numbers(spec.orientation) + labels;
  const auto real = random_numbers({batch.owned, numbers}, 13),
             fake = random_numbers({batch.owned, numbers}, 14);
  const auto mix = torch::sigmoid(random_numbers({batch.owned, 1}, 15));
  const auto penalty = [&] {
    return gradient_penalty([&](const Tensor& view) { return critic(view, batch); }, real, fake, mix).sum();
  };
  for (auto& [name, weights] : critic.network().parameters()) {
    weights.set_requires_grad(true);
    const auto gradient =
        torch::autograd::grad({penalty()}, {weights}, {}, false, false, /*allow_unused=*/true)[0];
    const double step = 1e-5;
    const auto flat = weights.detach().view({-1});  // shares the weights' storage
    for (const std::int64_t at : {std::int64_t{0}, flat.numel() / 2, flat.numel() - 1}) {
      const double kept = flat[at].item<double>();
      flat[at] = kept + step;
      const double above = penalty().item<double>();
      flat[at] = kept - step;
      const double below = penalty().item<double>();
      flat[at] = kept;
      const double slope = gradient.defined() ? gradient.view({-1})[at].item<double>() : 0;
      EXPECT_NEAR(slope, (above - below) / (2 * step), 1e-5 * (1 + std::abs(slope))) << name << " " << at;
    }
    weights.set_requires_grad(false);
  }
}

TEST(EnergyScore, is_lowest_for_draws_from_the_truth) {
  const auto truth = random_numbers({20000, 2}, 20);
  const auto score = [&](double scale, double shift) {
    std::vector<Tensor> draws;
    for (std::int64_t k = 0; k < 4; ++k) draws.push_back(scale * random_numbers({20000, 2}, 30 + k) + shift);
    return energy_score(draws, truth).mean().item<double>();
  };
  const double right = score(1, 0);
  // E|X-Y| - E|X-X'|/2 with X, Y normal in two dimensions: half of E|X-X'| = sqrt(2) sqrt(pi/2) / 2.
  EXPECT_NEAR(right, std::sqrt(M_PI) / 2, 0.02);
  for (const auto& [scale, shift] : {std::pair{0.7, 0.0}, {1.4, 0.0}, {1.0, 0.3}})
    EXPECT_GT(score(scale, shift), right + 0.005) << scale << " " << shift;
}

}  // namespace
}  // namespace halobrush::train
