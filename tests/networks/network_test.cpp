// The symmetry promises of the network, in double precision, for arbitrary rotations.
#include "halobrush/networks/network.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "halobrush/core/random.hpp"
#include "halobrush/networks/diffusion.hpp"
#include "halobrush/so3/rotation.hpp"
#include "support/patches.hpp"

namespace halobrush::networks {
namespace {

const auto wide = torch::TensorOptions().dtype(torch::kFloat64);

double difference(const torch::Tensor& a, const torch::Tensor& b) {
  return a.numel() == 0 ? 0 : (a - b).abs().max().item<double>();
}

struct Answer {
  Environment environment;
  Denoised denoised;
};

torch::Tensor as_tensor(const std::vector<Mat3>& frames) {
  auto out = torch::empty({static_cast<std::int64_t>(frames.size()), 3, 3}, wide);
  for (std::size_t i = 0; i < frames.size(); ++i)
    for (int row = 0; row < 3; ++row)
      for (int column = 0; column < 3; ++column)
        out[static_cast<std::int64_t>(i)][row][column] = frames[i](row, column);
  return out;
}

Answer ask(const Network& network, const ModelSpec& spec, const testing_support::Patch& patch,
           const std::vector<Mat3>& frames, double level = 0.6, Part asked = Part::both) {
  const torch::NoGradGuard no_grad;
  const auto batch = make_batch(patch.inputs(), spec, wide);
  auto environment = network.encode(batch);
  const auto n = batch.owned, labels = static_cast<std::int64_t>(spec.labels.size());
  const auto x = torch::sin(torch::arange(n * labels, wide)).view({n, labels});
  const Noisy noisy{as_tensor(frames), x, torch::ones({n, 1 + labels}, wide),
                    torch::full({n, 1}, level, wide), asked};
  return {environment, network.denoiser(batch, environment)(noisy)};
}

std::vector<Mat3> random_frames(std::size_t n, std::uint64_t seed) {
  std::vector<Mat3> frames;
  for (std::size_t i = 0; i < n; ++i) {
    RandomStream random(seed, static_cast<std::int64_t>(i), Purpose::test);
    frames.push_back(so3::uniform_rotation(random));
  }
  return frames;
}

class NetworkSymmetry : public testing::Test {
 protected:
  ModelSpec spec = testing_support::small_spec();
  testing_support::Patch patch = testing_support::random_patch(spec, 40, 60, 5);
  Network network{spec, 3, wide};
  std::vector<Mat3> frames = random_frames(40, 1);
  Answer reference = ask(network, spec, patch, frames);
};

TEST_F(NetworkSymmetry, a_rotation_of_everything_leaves_the_score_and_labels_alone) {
  for (std::int64_t k = 0; k < 5; ++k) {
    RandomStream random(9, k, Purpose::test);
    const Mat3 q = so3::uniform_rotation(random);
    auto turned_frames = frames;
    for (auto& f : turned_frames) f = q * f;
    const auto turned = ask(network, spec, patch.transformed(q), turned_frames);
    EXPECT_LT(difference(turned.denoised.rotation, reference.denoised.rotation), 1e-9);
    EXPECT_LT(difference(turned.denoised.scalars, reference.denoised.scalars), 1e-9);
    EXPECT_LT(difference(turned.environment.scalars, reference.environment.scalars), 1e-9);
  }
}

TEST_F(NetworkSymmetry, the_encoder_turns_its_vectors_and_tensors_with_the_box) {
  RandomStream random(10, 0, Purpose::test);
  const Mat3 q = so3::uniform_rotation(random);
  const auto turned = ask(network, spec, patch.transformed(q), frames);
  const auto before = reference.environment.axial.contiguous(), after = turned.environment.axial.contiguous();
  const auto t_before = reference.environment.tensors.contiguous(),
             t_after = turned.environment.tensors.contiguous();
  for (std::int64_t v = 0; v < before.numel() / 3; ++v) {
    const Eigen::Map<const Vec3> b(before.data_ptr<double>() + 3 * v), a(after.data_ptr<double>() + 3 * v);
    EXPECT_LT((a - q * b).norm(), 1e-9);
    const Eigen::Map<const Sym3> tb(t_before.data_ptr<double>() + 6 * v),
        ta(t_after.data_ptr<double>() + 6 * v);
    EXPECT_LT((to_matrix(ta) - q * to_matrix(tb) * q.transpose()).norm(), 1e-9);
  }
}

TEST_F(NetworkSymmetry, inversion_of_space_changes_nothing) {
  const auto inverted = ask(network, spec, patch.transformed(-Mat3::Identity()), frames);
  EXPECT_LT(difference(inverted.denoised.rotation, reference.denoised.rotation), 1e-9);
  EXPECT_LT(difference(inverted.denoised.scalars, reference.denoised.scalars), 1e-9);
}

TEST_F(NetworkSymmetry, an_ellipsoids_own_symmetry_turns_the_score_with_the_frame) {
  const auto& d2 = so3::ellipsoid_symmetry();
  auto other_frames = frames;
  for (std::size_t i = 0; i < frames.size(); ++i) other_frames[i] = frames[i] * d2[i % 4];
  const auto other = ask(network, spec, patch, other_frames);
  EXPECT_LT(difference(other.denoised.scalars, reference.denoised.scalars), 1e-9);
  for (std::size_t i = 0; i < frames.size(); ++i)
    for (int k = 0; k < 3; ++k)
      EXPECT_NEAR(
          other.denoised.rotation[static_cast<std::int64_t>(i)][k].item<double>(),
          d2[i % 4](k, k) * reference.denoised.rotation[static_cast<std::int64_t>(i)][k].item<double>(),
          1e-9);
}

TEST_F(NetworkSymmetry, the_answer_depends_on_every_kind_of_input) {
  const auto moved = [&](auto change) {
    auto other = patch;
    change(other);
    const auto answer = ask(network, spec, other, frames);
    return difference(answer.denoised.rotation, reference.denoised.rotation);
  };
  EXPECT_GT(moved([](auto& p) { p.nodes.scalars[0] += 0.5; }), 1e-6);
  EXPECT_GT(moved([](auto& p) { p.nodes.polar[1] += 0.5; }), 1e-6);
  EXPECT_GT(moved([](auto& p) { p.nodes.axial[1] += 0.5; }), 1e-6);
  EXPECT_GT(moved([](auto& p) { p.nodes.tensors[3] += 0.5; }), 1e-6);
}

TEST_F(NetworkSymmetry, labels_that_form_first_know_their_own_inputs_alone) {
  spec.noise.labels_first = true;
  const Network first{spec, 3, wide};
  const auto before = ask(first, spec, patch, frames);
  const auto moved = [&](auto change, std::int64_t row) {
    auto other = patch;
    change(other);
    return difference(ask(first, spec, other, frames).denoised.scalars[row], before.denoised.scalars[row]);
  };
  const auto change_of_the_first = [](auto& p) { p.nodes.scalars[0] += 0.5; };
  EXPECT_GT(moved(change_of_the_first, 0), 1e-6);
  for (std::int64_t row = 1; row < 40; ++row) EXPECT_EQ(moved(change_of_the_first, row), 0);
  // While the orientation forms they stand still, as the network learned them at the middle.
  EXPECT_EQ(difference(ask(first, spec, patch, frames, 1).denoised.scalars, before.denoised.scalars), 0);
  EXPECT_GT(difference(ask(first, spec, patch, frames, 0.4).denoised.scalars, before.denoised.scalars), 1e-6);
  const auto turned = ask(first, spec, patch, random_frames(40, 2));
  EXPECT_EQ(difference(turned.denoised.scalars, before.denoised.scalars), 0);
  EXPECT_GT(difference(turned.denoised.rotation, before.denoised.rotation), 1e-6);
}

TEST_F(NetworkSymmetry, where_labels_form_first_one_part_can_be_asked_for_alone) {
  spec.noise.labels_first = true;
  const Network first{spec, 3, wide};
  const auto both = ask(first, spec, patch, frames, 0.4).denoised;
  const auto labels = ask(first, spec, patch, frames, 0.4, Part::labels).denoised;
  const auto orientation = ask(first, spec, patch, frames, 0.4, Part::orientation).denoised;
  EXPECT_EQ(difference(labels.scalars, both.scalars), 0);
  EXPECT_EQ(difference(orientation.rotation, both.rotation), 0);
  EXPECT_EQ(labels.rotation.abs().max().item<double>(), 0);
  EXPECT_EQ(orientation.scalars.abs().max().item<double>(), 0);
}

TEST_F(NetworkSymmetry, dropout_leaves_out_the_same_features_of_all_four_frames_of_an_ellipsoid) {
  const torch::NoGradGuard no_grad;
  const auto batch = make_batch(patch.inputs(), spec, wide);
  const auto n = batch.owned, labels = static_cast<std::int64_t>(spec.labels.size());
  const auto scalars = [&](const std::vector<Mat3>& shown, Dropout dropout) {
    const Noisy noisy{as_tensor(shown), torch::ones({n, labels}, wide), torch::ones({n, 1 + labels}, wide),
                      torch::full({n, 1}, 0.6, wide)};
    return network.denoiser(batch, reference.environment, dropout)(noisy).scalars;
  };
  auto equivalent = frames;
  for (auto& f : equivalent) f = f * so3::ellipsoid_symmetry()[1];
  EXPECT_LT(difference(scalars(frames, {0.3, 5}), scalars(equivalent, {0.3, 5})), 1e-9);
  EXPECT_GT(difference(scalars(frames, {0.3, 5}), scalars(frames, {0.3, 6})), 1e-6);
  EXPECT_GT(difference(scalars(frames, {0.3, 5}), scalars(frames, {})), 1e-6);
}

TEST_F(NetworkSymmetry, a_patch_without_galaxies_gives_no_rows) {
  const auto none = testing_support::random_patch(spec, 0, 0, 1);
  const auto answer = ask(network, spec, none, {});
  EXPECT_EQ(answer.denoised.rotation.size(0), 0);
}

TEST(LargeGroup, of_five_thousand_members_costs_neighbours_not_pairs) {
  const auto spec = testing_support::small_spec();
  auto patch = testing_support::random_patch(spec, 5000, 0, 40);
  patch.host.assign(patch.owned, 7);
  const auto inputs = patch.inputs();
  EXPECT_EQ(inputs.group.size(), 5000u * static_cast<std::size_t>(spec.group_neighbours));
  const torch::NoGradGuard no_grad;
  const Network network(spec, 3, torch::kFloat32);
  const auto batch = make_batch(inputs, spec, torch::kFloat32);
  const auto denoiser = network.denoiser(batch, network.encode(batch));
  const auto state =
      diffusion::sample(denoise_with(denoiser, spec.noise, torch::kFloat32),
                        diffusion::pure_noise(std::span(patch.id).first(patch.owned), spec.labels.size(), 1,
                                              Mat3::Identity(), spec.noise),
                        spec.noise, diffusion::Sampler::multistep, 4);
  for (const double x : state.labels) ASSERT_TRUE(std::isfinite(x));
}

TEST_F(NetworkSymmetry, galaxies_of_another_group_do_not_speak_while_denoising) {
  auto other_frames = frames;
  other_frames[0] = random_frames(1, 77)[0];
  const auto other = ask(network, spec, patch, other_frames);
  const auto host = patch.host[0];
  bool heard = false;
  for (std::size_t i = 1; i < frames.size(); ++i) {
    const double change = difference(other.denoised.rotation[static_cast<std::int64_t>(i)],
                                     reference.denoised.rotation[static_cast<std::int64_t>(i)]);
    if (patch.host[i] == host)
      heard = heard || change > 1e-9;
    else
      EXPECT_EQ(change, 0) << "galaxy " << i;
  }
  EXPECT_TRUE(heard);
}

TEST_F(NetworkSymmetry, what_is_not_known_is_not_seen) {
  const torch::NoGradGuard no_grad;
  const auto batch = make_batch(patch.inputs(), spec, wide);
  const auto environment = network.encode(batch);
  const auto denoiser = network.denoiser(batch, environment);
  const auto n = batch.owned, labels = static_cast<std::int64_t>(spec.labels.size());
  auto known = torch::ones({n, 1 + labels}, wide);
  known[3][2] = 0;  // label 1 of galaxy 3
  const Noisy noisy{as_tensor(frames), torch::zeros({n, labels}, wide), known,
                    torch::full({n, 1}, 0.6, wide)};
  auto other = noisy;
  other.scalars = noisy.scalars.clone();
  other.scalars[3][1] = 5;
  EXPECT_EQ(difference(denoiser(other).rotation, denoiser(noisy).rotation), 0);
  other.scalars[3][0] = 5;
  EXPECT_GT(difference(denoiser(other).rotation, denoiser(noisy).rotation), 1e-6);
}

TEST(SpinNetwork, tells_an_axis_from_its_opposite_and_turns_with_the_box) {
  auto spec = testing_support::small_spec();
  spec.orientation = Orientation::spin;
  const Network network(spec, 3, wide);
  const auto patch = testing_support::random_patch(spec, 40, 60, 5);
  const auto frames = random_frames(40, 1);
  const auto reference = ask(network, spec, patch, frames);
  RandomStream random(9, 0, Purpose::test);
  const Mat3 q = so3::uniform_rotation(random);
  auto turned = frames, flipped = frames;
  for (auto& f : turned) f = q * f;
  for (auto& f : flipped) f = f * so3::ellipsoid_symmetry()[1];
  EXPECT_LT(difference(ask(network, spec, patch.transformed(q), turned).denoised.rotation,
                       reference.denoised.rotation),
            1e-9);
  EXPECT_LT(difference(ask(network, spec, patch.transformed(-Mat3::Identity()), frames).denoised.rotation,
                       reference.denoised.rotation),
            1e-9);
  EXPECT_GT(difference(ask(network, spec, patch, flipped).denoised.scalars, reference.denoised.scalars),
            1e-3);
}

TEST_F(NetworkSymmetry, the_divergence_is_that_of_finite_differences_one_galaxy_at_a_time) {
  const torch::NoGradGuard no_grad;
  const auto batch = make_batch(patch.inputs(), spec, wide);
  const auto denoiser = network.denoiser(batch, network.encode(batch));
  const auto labels = spec.labels.size();
  const auto known = torch::ones({batch.owned, 1 + static_cast<std::int64_t>(labels)}, wide);
  const auto denoise = denoise_with_divergence(denoiser, known, spec.noise, wide);
  diffusion::State state{frames, std::vector<double>(frames.size() * labels, 0.3)};
  diffusion::Divergence exact;
  constexpr double level = 0.6, h = 1e-5;
  denoise(state, level, &exact);
  for (const std::size_t i : {0u, 7u, 22u}) {
    double jump = 0, label = 0;
    for (int k = 0; k < 3; ++k)
      for (const double side : {-1., 1.}) {
        auto moved = state;
        moved.frames[i] = state.frames[i] * so3::exp(side * h * Vec3::Unit(k));
        jump += side * denoise(moved, level, nullptr).jump[i][k] / (2 * h);
      }
    for (std::size_t l = 0; l < labels; ++l)
      for (const double side : {-1., 1.}) {
        auto moved = state;
        moved.labels[i * labels + l] += side * h;
        label += side * denoise(moved, level, nullptr).labels[i * labels + l] / (2 * h);
      }
    EXPECT_NEAR(exact.jump[i], jump, 1e-6);
    EXPECT_NEAR(exact.labels[i], label, 1e-6);
  }
}

// Twenty environments, each a galaxy alone in its halo: the mean of p over uniform rotations is the integral.
// A network with strong outputs, so that p varies; 600 rotations: the sum is off by 0.02 (three sigma) at
// most.
TEST(Density, integrates_to_one_over_all_orientations) {
  auto spec = testing_support::small_spec();
  spec.labels.clear();
  Network network(spec, 3, wide);
  for (auto& [name, parameter] : network.parameters())
    if (name == "denoiser.out.weight") parameter.mul_(2);
  const auto patch = testing_support::random_patch(spec, 20, 30, 5);
  auto inputs = patch.inputs();
  inputs.group = {};
  const torch::NoGradGuard no_grad;
  const auto batch = make_batch(inputs, spec, wide);
  const auto environment = network.encode(batch);
  constexpr std::int64_t rotations = 600;
  const auto many = batch.repeated(rotations);
  const auto denoiser = network.denoiser(many, environment.repeated(rotations));
  const auto frames = random_frames(static_cast<std::size_t>(many.owned), 5);
  const auto log_p = diffusion::log_density(
      denoise_with_divergence(denoiser, torch::ones({many.owned, 1}, wide), spec.noise, wide), {frames, {}},
      spec.noise, 32);
  std::vector<double> integral(20, 0);
  double smallest = 1e9, largest = 0;
  for (std::size_t i = 0; i < log_p.size(); ++i) {
    integral[i % 20] += std::exp(log_p[i]) / rotations;
    smallest = std::min(smallest, std::exp(log_p[i])), largest = std::max(largest, std::exp(log_p[i]));
  }
  EXPECT_GT(largest / smallest, 1.5) << "a uniform density would prove nothing";
  double mean = 0;
  for (const double one : integral) {
    EXPECT_NEAR(one, 1, 0.1);
    mean += one / 20;
  }
  EXPECT_NEAR(mean, 1, 0.01);
}

TEST(Preconditioning, satisfies_the_identities_of_edm) {
  for (const double sigma : {0.01, 0.5, 20.0}) {
    const auto p = diffusion::preconditioning(sigma);
    EXPECT_NEAR(p.in * p.in * (sigma * sigma + 1), 1, 1e-12);  // inputs of unit variance
    EXPECT_NEAR((1 - p.skip) * (1 - p.skip) + p.skip * p.skip * sigma * sigma, p.out * p.out,
                1e-12);  // so is F
  }
}

using diffusion::Sampler;

class Samplers : public NetworkSymmetry {
 protected:
  // Largest distance between two samples, over frames and labels.
  static double distance(const diffusion::State& a, const diffusion::State& b) {
    double worst = 0;
    for (std::size_t i = 0; i < a.frames.size(); ++i)
      worst = std::max(worst, (a.frames[i] - b.frames[i]).norm());
    for (std::size_t i = 0; i < a.labels.size(); ++i)
      worst = std::max(worst, std::abs(a.labels[i] - b.labels[i]));
    return worst;
  }
  diffusion::State drawn(Sampler sampler, std::int64_t evaluations) const {
    const torch::NoGradGuard no_grad;
    const auto batch = make_batch(patch.inputs(), spec, wide);
    const auto denoiser = network.denoiser(batch, network.encode(batch));
    auto noise = diffusion::pure_noise(std::span(patch.id).first(patch.owned), spec.labels.size(), 1,
                                       Mat3::Identity(), spec.noise);
    return diffusion::sample(denoise_with(denoiser, spec.noise, wide), std::move(noise), spec.noise, sampler,
                             evaluations);
  }
};

TEST_F(Samplers, converge_to_one_flow_with_second_order) {
  const auto exact = drawn(Sampler::midpoint, 1601);
  for (const auto sampler : {Sampler::multistep, Sampler::midpoint}) {
    const double coarse = distance(drawn(sampler, 101), exact), fine = distance(drawn(sampler, 201), exact);
    EXPECT_LT(fine, 0.02);
    EXPECT_GT(coarse / fine, 3) << "halving the step should divide the error by about four";
  }
}

TEST_F(Samplers, turn_with_the_frame_of_the_initial_orientations) {
  RandomStream random(4, 0, Purpose::test);
  const Mat3 q = so3::uniform_rotation(random);
  const torch::NoGradGuard no_grad;
  const auto turned_patch = patch.transformed(q);
  const auto batch = make_batch(turned_patch.inputs(), spec, wide);
  const auto denoiser = network.denoiser(batch, network.encode(batch));
  auto noise =
      diffusion::pure_noise(std::span(patch.id).first(patch.owned), spec.labels.size(), 1, q, spec.noise);
  auto turned = diffusion::sample(denoise_with(denoiser, spec.noise, wide), std::move(noise), spec.noise,
                                  Sampler::multistep, 16);
  for (auto& frame : turned.frames) frame = q.transpose() * frame;
  EXPECT_LT(distance(turned, drawn(Sampler::multistep, 16)), 1e-8);
}

}  // namespace
}  // namespace halobrush::networks
