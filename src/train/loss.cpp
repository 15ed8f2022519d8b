#include "loss.hpp"

#include <map>

#include "halobrush/pipeline/pipeline.hpp"

namespace halobrush::train {

std::vector<networks::Batch> batches_of(const TrainingSet& set, torch::TensorOptions options) {
  const auto needs = networks::needs_of(set.spec);
  std::map<std::int64_t, networks::Batch> of_tile;  // further draws of the labels share tensors
  std::vector<networks::Batch> batches;
  for (const auto& labelled : set.patches) {
    const auto& patch = labelled.patch;
    if (!of_tile.contains(patch.tile))
      of_tile.emplace(patch.tile, networks::make_batch(pipeline::inputs_of(patch, needs), set.spec, options));
    batches.push_back(of_tile.at(patch.tile));
  }
  return batches;
}

torch::Tensor squared_errors(const networks::Denoised& out, const std::vector<double>& rotation,
                             const std::vector<double>& labels, const torch::Tensor& known,
                             const std::vector<double>& weight) {
  const auto n = known.size(0);
  const auto as = [&](const std::vector<double>& values, std::int64_t columns) {
    return torch::from_blob(const_cast<double*>(values.data()), {n, columns}, torch::kFloat64)
        .to(known.options(), false, true);
  };
  const auto turn = torch::square(out.rotation - as(rotation, 3)).sum(1, true);
  const auto scalars = torch::square(out.scalars - as(labels, known.size(1) - 1));
  return ((torch::cat({turn, scalars}, 1) * known).sum(1, true) * as(weight, 1)).sum();
}

namespace {

// Of draws that are asked for the same part.
torch::Tensor loss_of_part(const networks::Batch& batch, const networks::Environment& environment,
                           const networks::Network& network, const model::ModelSpec& spec,
                           const Noising& noising, std::span<const std::uint32_t> draws, networks::Part asked,
                           networks::Dropout dropout) {
  Noised noise;
  for (const auto draw : draws) noising.add(draw, noise);
  const auto times = static_cast<std::int64_t>(draws.size());
  const auto denoiser = network.denoiser(batch.repeated(times), environment.repeated(times), dropout);
  auto noisy = networks::noisy_of(noise.state, noise.level, noise.known, spec.noise, network.options());
  noisy.asked = asked;
  const auto learned = torch::from_blob(noise.learned.data(), noisy.known.sizes(), torch::kFloat64)
                           .to(noisy.known.options(), false, true);
  return squared_errors(denoiser(noisy), noise.score, noise.target, learned, noise.weight);
}

}  // namespace

torch::Tensor loss_sum(const LabelledPatch& patch, const networks::Batch& batch, const networks::Network& network,
                       const model::ModelSpec& spec, const so3::Igso3Sampler& kernel, Split split,
                       const NoiseDraws& shown, networks::Dropout dropout) {
  const Noising noising(patch, spec, kernel, split, shown.seed, shown.levels);
  const auto environment = network.encode(batch);
  auto sum = torch::zeros({}, network.options());
  std::map<networks::Part, std::vector<std::uint32_t>> parts;
  for (const auto draw : shown.draws) parts[part_that_forms(spec.noise, draw)].push_back(draw);
  for (const auto& [part, draws] : parts)
    sum = sum + loss_of_part(batch, environment, network, spec, noising, draws, part, dropout);
  return sum / static_cast<double>(shown.draws.size());
}

}  // namespace halobrush::train
