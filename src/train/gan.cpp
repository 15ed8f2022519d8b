#include "gan.hpp"

#include <torch/csrc/autograd/autograd.h>

#include "halobrush/core/error.hpp"
#include "halobrush/core/random.hpp"
#include "halobrush/model/labels.hpp"
#include "halobrush/networks/network.hpp"
#include "halobrush/networks/runtime.hpp"
#include "halobrush/pipeline/pipeline.hpp"

namespace halobrush::train {
namespace {

constexpr std::uint32_t draws_held_out = 4;

torch::Tensor tensor_of(const std::vector<double>& values, std::int64_t columns,
                        const torch::TensorOptions& options) {
  const auto rows = static_cast<std::int64_t>(values.size()) / columns;
  return torch::from_blob(const_cast<double*>(values.data()), {rows, columns}, torch::kFloat64)
      .to(options, false, true);
}

// A patch's galaxies as the critic sees them.
torch::Tensor view_of(const LabelledPatch& patch, const model::ModelSpec& spec,
                      const std::vector<Mat3>& canonical, const torch::TensorOptions& options) {
  std::vector<double> major, minor;
  for (std::size_t i = 0; i < canonical.size(); ++i) {
    const Mat3 own = canonical[i].transpose() * patch.frame[i];
    major.insert(major.end(), own.col(0).data(), own.col(0).data() + 3);
    minor.insert(minor.end(), own.col(2).data(), own.col(2).data() + 3);
  }
  const auto labels = model::encode_labels(spec.labels, patch.labels);
  const auto rows = static_cast<std::int64_t>(canonical.size());
  const auto label_tensor =
      torch::from_blob(const_cast<double*>(labels.data()),
                       {rows, static_cast<std::int64_t>(spec.labels.size())}, torch::kFloat64)
          .to(options, false, true);
  return networks::critic_view(spec.orientation, tensor_of(major, 3, options), tensor_of(minor, 3, options),
                            label_tensor);
}

// [n, D] 1 where a number of the view is known.
torch::Tensor known_of(const LabelledPatch& patch, std::int64_t orientation_numbers,
                       const torch::TensorOptions& options) {
  std::vector<double> known;
  for (std::size_t i = 0; i < patch.split.size(); ++i) {
    const bool there = patch.split[i] != Split::none;
    known.insert(known.end(), static_cast<std::size_t>(orientation_numbers),
                 there && patch.known[0][i] ? 1 : 0);
    for (std::size_t l = 1; l < patch.known.size(); ++l) known.push_back(there && patch.known[l][i] ? 1 : 0);
  }
  return tensor_of(known, orientation_numbers + static_cast<std::int64_t>(patch.known.size()) - 1, options);
}

torch::Tensor in_split(const LabelledPatch& patch, Split split, const torch::TensorOptions& options) {
  std::vector<double> weight;
  for (const auto s : patch.split) weight.push_back(s == split ? 1 : 0);
  return tensor_of(weight, 1, options);
}

torch::Tensor length(const torch::Tensor& v) {
  return torch::sqrt((v * v).sum(1, true) + 1e-12);
}

}  // namespace

torch::Tensor gradient_penalty(const std::function<torch::Tensor(const torch::Tensor&)>& critic,
                               const torch::Tensor& real, const torch::Tensor& fake,
                               const torch::Tensor& mix) {
  const auto between = (mix * real + (1 - mix) * fake).detach().requires_grad_(true);
  const auto slope = torch::autograd::grad({critic(between).sum()}, {between}, {}, true, true)[0];
  return torch::square(length(slope) - 1);
}

torch::Tensor energy_score(const std::vector<torch::Tensor>& draws, const torch::Tensor& truth) {
  const double n = static_cast<double>(draws.size());
  auto score = torch::zeros({truth.size(0), 1}, truth.options());
  for (std::size_t i = 0; i < draws.size(); ++i) {
    score = score + length(draws[i] - truth) / n;
    for (std::size_t j = 0; j < i; ++j) score = score - length(draws[i] - draws[j]) / (n * (n - 1));
  }
  return score;
}

GanTraining::GanTraining(const TrainingSet& set, const config::Config& config)
    : set_(set),
      settings_(config.gan),
      seed_(static_cast<std::uint64_t>(config.seed)),
      options_(networks::device_options(config.compute.device)),
      generator_(set.spec, seed_, options_),
      averaged_(set.spec, seed_, options_),
      critic_(set.spec, seed_ + 1, options_) {
  const auto needs = networks::needs_of(set.spec);
  for (const auto& patch : set.patches) {
    batches_.push_back(networks::make_group_batch(pipeline::inputs_of(patch.patch, needs), set.spec, options_));
    truth_.push_back(view_of(patch, set.spec, batches_.back().canonical, options_));
    training_.push_back(in_split(patch, Split::training, options_));
    validation_.push_back(in_split(patch, Split::validation, options_));
    known_.push_back(known_of(patch, networks::orientation_numbers(set.spec.orientation), options_));
  }
}

std::vector<Player> GanTraining::players() {
  return {{"generator", generator_.network().parameters(), {0.0, 0.9}, 0},
          {"critic", critic_.network().parameters(), {0.0, 0.9}, 0}};
}

std::size_t GanTraining::turn(std::int64_t step) const {
  return step % (settings_.critic_steps + 1) == settings_.critic_steps ? 0 : 1;
}

torch::Tensor GanTraining::noise(std::size_t patch, std::uint32_t draw) const {
  const auto& p = set_.patches[patch].patch;
  return networks::noise_of(p.halos.get<std::int64_t>("id").first(p.owned),
                         networks::axis_numbers + static_cast<std::int64_t>(set_.spec.labels.size()), seed_,
                         Purpose::train_scalar_noise, draw, options_);
}

torch::Tensor GanTraining::view(const networks::Generated& galaxies) const {
  return networks::critic_view(set_.spec.orientation, galaxies.major, galaxies.minor, galaxies.labels);
}

torch::Tensor GanTraining::truth(std::size_t patch, const torch::Tensor& fake) const {
  return torch::where(known_[patch] > 0, truth_[patch], fake);
}

torch::Tensor GanTraining::loss(std::size_t patch, std::int64_t step) const {
  const auto draw = static_cast<std::uint32_t>(step);
  return turn(step) == 0 ? generator_loss(patch, draw) : critic_loss(patch, draw);
}

torch::Tensor GanTraining::critic_loss(std::size_t patch, std::uint32_t step) const {
  const auto& batch = batches_[patch];
  const auto fake = [&] {
    const torch::NoGradGuard no_grad;
    return view(generator_(noise(patch, step), batch));
  }();
  const auto real = truth(patch, fake);
  std::vector<double> mix;  // one for a host halo: its galaxies move together
  for (const auto host : set_.patches[patch].host)
    mix.push_back(RandomStream(seed_, host, Purpose::train_noise_level, step).uniform());
  const auto critic = [&](const torch::Tensor& view) { return critic_(view, batch); };
  const auto penalty = gradient_penalty(critic, real, fake, tensor_of(mix, 1, options_));
  return ((critic(fake) - critic(real) + settings_.gradient_penalty * penalty) * training_[patch]).sum();
}

torch::Tensor GanTraining::generator_loss(std::size_t patch, std::uint32_t step) const {
  const auto& batch = batches_[patch];
  return -(critic_(view(generator_(noise(patch, step), batch)), batch) * training_[patch]).sum();
}

double GanTraining::held_out_loss(std::size_t patch) const {
  std::vector<torch::Tensor> draws;
  for (std::uint32_t k = 0; k < draws_held_out; ++k)
    draws.push_back(view(averaged_(noise(patch, 0xffffffff - k), batches_[patch])));
  return (energy_score(draws, truth(patch, draws[0])) * validation_[patch]).sum().item<double>();
}

}  // namespace halobrush::train
