#include "distillation.hpp"

#include <algorithm>

#include "halobrush/core/error.hpp"
#include "halobrush/networks/diffusion.hpp"
#include "halobrush/networks/runtime.hpp"
#include "halobrush/pipeline/origin.hpp"
#include "halobrush/so3/rotation.hpp"
#include "loss.hpp"
#include "noising.hpp"

namespace halobrush::train {
namespace {

// Of two evaluations, over all levels, and for one step of the student: fewer bend what the student learns (in 16
// evaluations galaxies follow their halos' axes by 0.004 in mean cos^2 too little, in 64 by less than 0.001).
constexpr std::int64_t teacher_steps = 24, least_teacher_steps = 3;
constexpr std::uint32_t held_out_draw = 0xffffffff;

// What the network must say at `from` so that one step that keeps `kept` of the noise arrives at `to`.
void add_target(const diffusion::State& from, const diffusion::State& to, diffusion::Noise sigma,
                diffusion::Noise kept, Noised& out) {
  const auto p = diffusion::preconditioning(sigma.scalar);
  for (std::size_t i = 0; i < from.frames.size(); ++i) {
    const Vec3 turn = so3::log(from.frames[i].transpose() * to.frames[i]);
    for (int k = 0; k < 3; ++k) out.score.push_back(turn[k] / ((1 - kept.rotation) * sigma.rotation));
  }
  for (std::size_t l = 0; l < from.labels.size(); ++l) {
    const double clean = (to.labels[l] - kept.scalar * from.labels[l]) / (1 - kept.scalar);
    out.target.push_back((clean - p.skip * from.labels[l]) / p.out);
  }
}

}  // namespace

config::Config with_teachers_choices(config::Config config) {
  const auto spec = model::read_model(config.train.teacher).spec;
  if (spec.distilled)
    throw model_error("train.teacher: {} was itself distilled; give the model that it was made from",
                      config.train.teacher);
  if (spec.noise.labels_first)
    throw model_error(
        "train.teacher: {} lets labels form first, and such models are not distilled yet; paint with fewer "
        "painter.steps instead",
        config.train.teacher);
  auto& inputs = config.train.inputs;
  inputs.clear();
  for (const auto* names :
       {&spec.inputs.scalars, &spec.inputs.polar, &spec.inputs.axial, &spec.inputs.tensors})
    inputs.insert(inputs.end(), names->begin(), names->end());
  config.train.outputs.clear();
  for (const auto& label : spec.labels) config.train.outputs.push_back(label.column.name);
  config.train.environment = spec.own_group_only ? "group" : "radius";
  config.train.environment_neighbours = spec.environment_neighbours;
  config.train.radius = spec.radius;
  config.train.layers = spec.layers;
  config.train.group_neighbours = spec.group_neighbours;
  return config;
}

model::ModelSpec student_spec(const config::Config& config, const TrainingSet& set, Logger& log) {
  const auto& train = config.train;
  auto spec = model::read_model(train.teacher).spec;
  if (spec.orientation != set.spec.orientation)
    throw model_error(
        "train.teacher: {} was trained on another kind of orientation than {} has; take its own",
        train.teacher, train.catalog);
  if (spec.split != set.spec.split)
    throw config_error(
        "train.teacher: {} was trained with another seed, train.validation_fraction or train.test_fraction; "
        "take "
        "the same, so that the hosts it never saw stay unseen",
        train.teacher);
  pipeline::say(pipeline::compare_origins({&spec}, set.spec.origin, config.painter), log);
  spec.evaluations = train.evaluations;
  spec.distilled = true;
  spec.provenance = set.spec.provenance;
  return spec;
}

Distillation::Distillation(const TrainingSet& set, const config::Config& config)
    : set_(set),
      seed_(static_cast<std::uint64_t>(config.seed)),
      weight_decay_(config.train.weight_decay),
      steps_of_teacher_(std::max(least_teacher_steps, (teacher_steps + set.spec.evaluations - 1) / set.spec.evaluations)),
      plan_(diffusion::single_steps(set.spec.noise, set.spec.evaluations)),
      teacher_(model::read_model(config.train.teacher), config.train.teacher,
               networks::device_options(config.compute.device)),
      student_(model::read_model(config.train.teacher), config.train.teacher,
               networks::device_options(config.compute.device)),
      averaged_(model::read_model(config.train.teacher), config.train.teacher,
                networks::device_options(config.compute.device)),
      batches_(batches_of(set, teacher_.options())) {}

std::vector<Player> Distillation::players() {
  return {{"student", student_.parameters(), {0.9, 0.99}, weight_decay_}};
}

torch::Tensor Distillation::loss(std::size_t patch, std::int64_t step) const {
  return loss_of(patch, student_, Split::training, static_cast<std::uint32_t>(step));
}

double Distillation::held_out_loss(std::size_t patch) const {
  return loss_of(patch, averaged_, Split::validation, held_out_draw).item<double>();
}

torch::Tensor Distillation::loss_of(std::size_t patch, const networks::Network& network, Split split,
                                    std::uint32_t draw) const {
  const auto& spec = set_.spec;
  const auto& batch = batches_[patch];
  const Noising noising(set_.patches[patch], spec, kernel_, split, seed_);
  Noised all;
  {
    const torch::NoGradGuard no_grad;
    const auto denoiser = teacher_.denoiser(batch, teacher_.encode(batch));
    const auto denoise = networks::denoise_with(denoiser, spec.noise, teacher_.options());
    for (std::size_t s = 0; s < plan_.size(); ++s) {
      Noised at;
      noising.add(draw * static_cast<std::uint32_t>(plan_.size()) + static_cast<std::uint32_t>(s), at,
                  plan_[s].level);
      const bool last = s + 1 == plan_.size();
      auto arrived = diffusion::flow(denoise, at.state, spec.noise, plan_[s].level,
                                     last ? 1 : plan_[s + 1].level, steps_of_teacher_);
      if (last) arrived = diffusion::follow({{1, {0, 0}, 0}}, denoise, std::move(arrived));
      add_target(at.state, arrived, diffusion::noise_at(spec.noise, plan_[s].level), plan_[s].kept, all);
      const auto append = [](auto& to, const auto& from) { to.insert(to.end(), from.begin(), from.end()); };
      append(all.state.frames, at.state.frames);
      append(all.state.labels, at.state.labels);
      append(all.level, at.level);
      append(all.known, at.known);
      append(all.weight, at.weight);
    }
  }
  const auto times = static_cast<std::int64_t>(plan_.size());
  const auto denoiser = network.denoiser(batch.repeated(times), network.encode(batch).repeated(times));
  const auto noisy = networks::noisy_of(all.state, all.level, all.known, spec.noise, network.options());
  return squared_errors(denoiser(noisy), all.score, all.target, noisy.known, all.weight) /
         static_cast<double>(times);
}

}  // namespace halobrush::train
